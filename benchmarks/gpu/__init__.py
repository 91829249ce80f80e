"""Every measurement that needs a CUDA GPU."""

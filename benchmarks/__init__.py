"""How fast and how accurate dlrsd is: rooms for speed, accuracy, the GPU and the evidence."""

"""Plants with many slow sensors: reading, simulation, sequences of windows."""

"""What is in the data, and whether it is enough."""

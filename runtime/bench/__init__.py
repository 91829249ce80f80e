"""How fast each engine and precision is on this machine, and whether it is right."""

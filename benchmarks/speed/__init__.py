"""How fast: each file times one thing on the CPU of the machine at hand."""

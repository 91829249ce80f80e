"""The shaft's angle over time, from pulses or a speed channel, and signals at equal angles."""

"""Whether a graph says what the trained model says."""

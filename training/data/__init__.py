"""Where training data come from: recordings of vibration, and plants."""

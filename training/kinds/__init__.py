"""The kinds of data that are trained on: windows of vibration, sequences of plants."""

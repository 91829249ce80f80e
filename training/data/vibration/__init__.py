"""Recordings of vibration: sources, splits, windows."""

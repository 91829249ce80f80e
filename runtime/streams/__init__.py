"""Recordings and live streams as chunks of samples in the rate and unit that are wanted."""

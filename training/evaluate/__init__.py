"""Figures: of a diagnosis, of a synthesis, of differences between methods."""

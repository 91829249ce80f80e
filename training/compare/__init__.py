"""Grids of methods, protocols and seeds in one table."""

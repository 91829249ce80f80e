"""Sequences of plants, from settings to a run or a row of a table."""

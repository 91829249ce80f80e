"""Bearings as people name them: by designation, by what is inside, or by their fault orders."""

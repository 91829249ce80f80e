"""A bundle: its manifest, its files, and the machines it was trained on."""

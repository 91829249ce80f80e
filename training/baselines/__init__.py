"""What a practitioner tries first: features of a window, and classifiers without a network."""

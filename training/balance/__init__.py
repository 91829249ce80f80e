"""What a class imbalance is met with."""

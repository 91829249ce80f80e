"""What was said, kept over kills and power cuts."""

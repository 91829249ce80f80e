"""What watching machines day and night costs, and what it survives."""

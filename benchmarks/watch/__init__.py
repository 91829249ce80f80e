"""What watching machines costs and how often it errs."""

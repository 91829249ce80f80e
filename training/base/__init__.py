"""What everything else in training stands on: progress, the style of pictures."""

"""What a training leaves on disk: a run's folder, a row of a table."""

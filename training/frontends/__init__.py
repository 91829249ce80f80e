"""What turns windows into the heatmaps that networks see."""

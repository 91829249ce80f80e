"""More heatmaps of a class: SMOTE, filter, splices, decoder."""

"""How accurate: each file is one study that trains on data sets or samples."""

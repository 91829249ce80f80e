"""Signal processing on arrays: scalogram, order map, quality of windows, missing samples."""

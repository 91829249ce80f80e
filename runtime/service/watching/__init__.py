"""The watch itself: its file, its machines, its loop."""

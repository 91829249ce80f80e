"""What physics says of a window of vibration: lines of bearing, shaft and gears, and a verdict."""

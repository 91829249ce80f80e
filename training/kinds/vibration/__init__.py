"""Windows of vibration, from settings to a run or a row of a table."""

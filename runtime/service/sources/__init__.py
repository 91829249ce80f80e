"""Where blocks of signal and slow values come from."""

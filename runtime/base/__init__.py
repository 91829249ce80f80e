"""What everything else stands on: errors, hardware, the console, progress, interrupts."""

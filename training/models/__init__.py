"""Networks, untrained."""

"""From a stream to records and verdicts."""

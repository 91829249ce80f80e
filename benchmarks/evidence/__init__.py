"""What finished comparisons found, as pages: reads tables, trains nothing."""

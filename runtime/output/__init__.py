"""What a diagnosis leaves: files of records, and what a person sees."""

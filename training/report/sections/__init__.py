"""The sections of a report, each with its text, its tables and its pictures."""

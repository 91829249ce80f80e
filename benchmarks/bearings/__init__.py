"""The table of bearings: what was published of them, and what ratings in a catalogue imply."""

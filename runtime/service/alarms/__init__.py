"""From seconds to states of an alarm: one word a change."""

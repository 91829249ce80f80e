"""Watch machines day and night: sources, indicators, alarms, a store, sinks, and a page."""

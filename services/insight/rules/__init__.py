"""Pure: what an event does to a row, how a row stands, how an event is told."""

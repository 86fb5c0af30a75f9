"""What each source's events do to the row of their case."""

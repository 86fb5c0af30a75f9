"""Each source's events as sentences."""

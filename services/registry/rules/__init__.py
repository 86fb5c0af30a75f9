"""Registry's pure decisions."""

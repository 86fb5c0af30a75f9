"""Registry's SQL."""

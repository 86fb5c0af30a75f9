"""Taking cases in, one by one or many at once: decided first, then written in micro-batches."""

"""What intake does: load, decide, save, announce. Nothing here commits."""

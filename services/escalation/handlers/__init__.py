"""What escalation does: load, decide, save, announce. Nothing here commits."""

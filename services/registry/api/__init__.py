"""Command in, answer out; no decisions."""

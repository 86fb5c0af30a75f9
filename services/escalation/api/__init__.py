"""Escalation's routes: command in, answer out."""

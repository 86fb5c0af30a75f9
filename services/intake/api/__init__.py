"""Intake's routes: command in, answer out."""

"""Command in, answer out; one file per screen of the phone and the desk."""

"""Every event: its name, its owner, its shape; one file per service that publishes them.

Events grow by addition only; a changed meaning gets a new type, and the golden files in tests/contracts must decode
for ever. No event carries free text, names, phones or anybody's coordinates but the place of the case (architecture:
personal data).
"""

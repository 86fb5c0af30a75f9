"""SQL that must be PostgreSQL: the rows of a batch, the lists, the counts behind the figures, the board."""

"""SQL that must be PostgreSQL: whole cases in and out, the search's claims, and the screens' reads."""

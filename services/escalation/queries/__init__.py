"""SQL that is PostgreSQL's: constant statements, one per need."""

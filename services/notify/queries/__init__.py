"""SQL of notify; constant statements, one file per kind of row."""

"""What registry does: one function per command; none of them commits."""

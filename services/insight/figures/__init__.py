"""The figures: each a versioned definition that can be read, recomputed and drilled down to its cases.

A changed meaning is a new version, never an edit: tests pin every version ever shipped. n and d come from the read
side (`queries.grains` has one query per `counts`); here is what they mean and how they are printed.
"""

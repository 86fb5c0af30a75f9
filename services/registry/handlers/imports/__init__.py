"""Reading files in, in three steps: read (reading.py), checked without changing anything, then written line by line
(steps.py); and the same sheets written out (exporting.py)."""

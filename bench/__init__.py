"""How fast it is, measured from outside and never asserted in a test. `make bench` prints one table."""

"""A city in simulated time: calls come in, workers, officers and residents act through the public API, and at the end
the books must balance. `make demo` runs it."""

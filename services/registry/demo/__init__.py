"""The demo: one street with the five communities of the articles, synthetic people, the same world from a seed.

`python -m services.registry.demo` writes it through the registry's own handlers; nothing in it is a real person,
street or telephone. Its passwords can be computed by anybody, so no production service starts beside them.
"""

"""How long somebody takes to get there, behind one interface: `Travel`."""

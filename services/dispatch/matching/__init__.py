"""Who goes: candidates → cost → assignment. Arrays in, assignment out; nothing here reads, writes or waits."""

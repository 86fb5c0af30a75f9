"""What people and screens ask: cases and timelines, the board, the figures."""

"""What people may ask of intake, and what they are answered."""

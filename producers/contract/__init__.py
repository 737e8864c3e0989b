"""What travels from a ward to the city: the only code that every folder may import."""

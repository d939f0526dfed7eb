"""A page about a seating, for its host."""

"""The rules of seating, as small values that compose."""

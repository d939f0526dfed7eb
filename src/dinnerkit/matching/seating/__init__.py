"""Guests at tables: made, explained, recorded, and made again with few moves."""

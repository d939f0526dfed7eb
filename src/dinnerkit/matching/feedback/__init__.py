"""Feedback: how the evening was, and with whom one would sit again."""

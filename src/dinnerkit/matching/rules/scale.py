"""The scale that scores are told on."""

from __future__ import annotations

FULL = 100.0
"""The best score that a table can have."""

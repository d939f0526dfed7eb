"""A state machine as an SVG picture: boxes at places that are given, and an arrow for each step."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from html import escape
from math import hypot

PLACES: Mapping[str, tuple[float, float]] = {
    "waitlisted": (0, 0),
    "offered": (1, 0),
    "held": (0, 1.8),
    "action_required": (1, 1.8),
    "confirmed": (2, 0.75),
    "seated": (3, 0.75),
    "checked_in": (4, 0),
    "no_show": (4, 1.5),
    "expired": (0.5, 3),
    "cancelled": (2.3, 3),
    "transferred": (3.5, 3),
}
"""Columns and rows: time goes to the right, and what is over lies below."""

_COLUMN, _ROW = 180, 100
_WIDTH, _HEIGHT = 124, 36
_MARGIN = 20
_BOW = 0.09
"""How far an arrow bends off the straight line, in parts of its length: so that those there and back don't cover each other."""


def drawn(states: Iterable[str], moves: Iterable[tuple[str, str]]) -> str:
    """The picture.

    Raises:
        KeyError: a state has no place.
    """
    width = _MARGIN * 2 + _WIDTH + round(max(x for x, _ in PLACES.values()) * _COLUMN)
    height = _MARGIN * 2 + _HEIGHT + round(max(y for _, y in PLACES.values()) * _ROW)
    arrows = "".join(_arrow(source, target) for source, target in moves)
    boxes = "".join(_box(state) for state in states)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" role="img" aria-label="The states of a booking" '
        'style="max-width: 100%; height: auto">'
        '<defs><marker id="state-arrow" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto">'
        '<path d="M0 0L8 4L0 8z" fill="currentColor"/></marker></defs>'
        f'<g fill="none" stroke="currentColor" opacity="0.6" marker-end="url(#state-arrow)">{arrows}</g>'
        f'<g font-family="system-ui, sans-serif" font-size="14" text-anchor="middle">{boxes}</g></svg>'
    )


def _middle(state: str) -> tuple[float, float]:
    column, row = PLACES[state]
    return _MARGIN + _WIDTH / 2 + column * _COLUMN, _MARGIN + _HEIGHT / 2 + row * _ROW


def _box(state: str) -> str:
    x, y = _middle(state)
    corner = f'x="{x - _WIDTH / 2:g}" y="{y - _HEIGHT / 2:g}" width="{_WIDTH}" height="{_HEIGHT}" rx="8"'
    return (
        f'<rect {corner} fill="var(--color-background-secondary, #f4f4f4)" stroke="currentColor"/>'
        f'<text x="{x:g}" y="{y + 5:g}" fill="currentColor">{escape(state)}</text>'
    )


def _arrow(source: str, target: str) -> str:
    """A bent line from box to box, on the right-hand side of the way there."""
    (x1, y1), (x2, y2) = _middle(source), _middle(target)
    length = hypot(x2 - x1, y2 - y1)
    bend = _BOW * length
    middle = ((x1 + x2) / 2 - (y2 - y1) / length * bend, (y1 + y2) / 2 + (x2 - x1) / length * bend)
    (sx, sy), (tx, ty) = _edge((x1, y1), middle), _edge((x2, y2), middle)
    title = f"<title>{escape(source)} to {escape(target)}</title>"
    return f'<path d="M{sx:.1f} {sy:.1f}Q{middle[0]:.1f} {middle[1]:.1f} {tx:.1f} {ty:.1f}">{title}</path>'


def _edge(middle: tuple[float, float], towards: tuple[float, float]) -> tuple[float, float]:
    """Where the line from a box's middle leaves it."""
    dx, dy = towards[0] - middle[0], towards[1] - middle[1]
    share = min(_WIDTH / 2 / abs(dx) if dx else 1, _HEIGHT / 2 / abs(dy) if dy else 1)
    return middle[0] + dx * share, middle[1] + dy * share

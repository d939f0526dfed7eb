"""The geometry of what the pages draw: people as flowers of five petals, tables from above, scores on a line. Pure.

Templates turn it into inline SVG (``parts/drawings.html``), so a host app can draw it otherwise. Lengths are in user units, rounded, as
every digit is sent as often as there are petals in the room.
"""

from __future__ import annotations

import math
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

TRAIT_WORDS: Mapping[str, str] = {
    "extraversion": "Outgoing",
    "openness": "Curious",
    "agreeableness": "Warm",
    "conscientiousness": "Orderly",
    "neuroticism": "Sensitive",
}
"""The five traits, in the order of their petals, clockwise from the top; in words that one would use of a guest."""

TINTS = 6

PLATE = 25.0
"""The radius of a plate, on which a flower lies."""

_SHORTEST, _LONGEST = 6.0, 22.0
_NARROWEST, _WIDEST = 3.4, 8.6
_GAP = 5.0
_FREE_MIDDLE = 31.0
_RIM = 8.0
_NAME_HEIGHT = 13.0
_NAME_WIDTH = 64.0
_UPRIGHT = 0.3


@dataclass(frozen=True, slots=True)
class Petal:
    """One trait of a person; the path starts in the flower's middle."""

    trait: str
    path: str
    percent: int


@dataclass(frozen=True, slots=True)
class Setting:
    """A place at a table: where its plate lies, and where and how its name is written."""

    x: float
    y: float
    name_x: float
    name_y: float
    anchor: str


@dataclass(frozen=True, slots=True)
class TableDrawing:
    """A round table from above; its middle is the origin."""

    width: float
    height: float
    radius: float
    settings: tuple[Setting, ...]


@dataclass(frozen=True, slots=True)
class Chair:
    """A seat of an event, free or taken."""

    x: float
    y: float
    taken: bool


@dataclass(frozen=True, slots=True)
class RoomTable:
    """A table of an event, as it stands in the room."""

    x: float
    y: float
    radius: float
    chairs: tuple[Chair, ...]


@dataclass(frozen=True, slots=True)
class Dot:
    """A table's score on the line of scores."""

    number: int
    score: float
    x: float
    y: float


def flower(traits: Mapping[str, float]) -> tuple[Petal, ...]:
    """The petals of a person with these traits, each 0–1; none where nothing is known.

    A petal grows mostly in length, which the eye compares better than areas, and a little in width, so that it stays a petal.
    """
    return tuple(
        _petal(place * 2 * math.pi / len(TRAIT_WORDS), name, min(1.0, max(0.0, traits[name])))
        for place, name in enumerate(TRAIT_WORDS)
        if name in traits
    )


def table_drawing(guests: int) -> TableDrawing:
    """A table with so many plates around, names outside of it."""
    around = max(guests, 1)
    spread = (PLATE + _GAP / 2) / math.sin(math.pi / around) if around > 1 else 0.0
    ring = max(spread, PLATE + _FREE_MIDDLE)
    radius = ring + PLATE + _RIM
    settings = tuple(_setting(place * 2 * math.pi / around, ring, radius) for place in range(guests))
    return TableDrawing(_rounded(2 * (radius + _NAME_WIDTH)), _rounded(2 * (radius + _NAME_HEIGHT + 8)), _rounded(radius), settings)


def room(seats: int, seats_left: int, largest_table: int, *, most_tables: int = 6) -> tuple[RoomTable, ...]:
    """The tables of an event with the share of their chairs that is taken. Of many tables only some are drawn.

    The drawing is 100 wide for each column of tables and 100 high for each row; see :func:`room_grid`.
    """
    size = max(1, min(largest_table, 10, seats))
    tables = min(most_tables, math.ceil(seats / size))
    shown = min(seats, tables * size)
    taken = round(shown * (seats - seats_left) / seats)
    if seats_left < seats:
        taken = max(1, taken)
    if seats_left > 0:
        taken = min(shown - 1, taken)
    sizes = [shown // tables + (place < shown % tables) for place in range(tables)]
    columns, _ = room_grid(tables)
    drawn = []
    for place, chairs in enumerate(sizes):
        middle_x, middle_y = 50.0 + 100 * (place % columns), 50.0 + 100 * (place // columns)
        drawn.append(_room_table(middle_x, middle_y, chairs, taken))
        taken = max(0, taken - chairs)
    return tuple(drawn)


def room_grid(tables: int) -> tuple[int, int]:
    """In how many columns and rows so many tables stand."""
    columns = min(tables, 3)
    return columns, math.ceil(tables / columns)


def score_line(scores: Sequence[float], *, width: float = 640.0, dot: float = 6.0) -> tuple[Dot, ...]:
    """The tables' scores (0–100) as dots over a line of that width; dots that would touch are stacked upwards."""
    placed: list[Dot] = []
    order = sorted(range(len(scores)), key=lambda place: scores[place])
    for place in order:
        x = scores[place] / 100 * width
        level = 0
        while any(abs(other.x - x) < 2 * dot and other.y == level for other in placed):
            level += 1
        placed.append(Dot(place + 1, scores[place], _rounded(x), level))
    return tuple(Dot(one.number, one.score, one.x, _rounded(-(2 * one.y + 1) * dot)) for one in placed)


def tint(name: str) -> int:
    """Which of the ``TINTS`` background colours goes with a name; always the same."""
    return zlib.crc32(name.casefold().encode()) % TINTS


def in_words(traits: Mapping[str, float]) -> str:
    """The traits as a screen reader tells them: "Outgoing 63, Curious 40 …", each out of 100."""
    return ", ".join(f"{word} {round(traits[name] * 100)}" for name, word in TRAIT_WORDS.items() if name in traits)


def _petal(angle: float, name: str, value: float) -> Petal:
    length = _SHORTEST + (_LONGEST - _SHORTEST) * value
    half = _NARROWEST + (_WIDEST - _NARROWEST) * value

    def turned(x: float, y: float) -> str:
        return f"{_rounded(x * math.cos(angle) - y * math.sin(angle)):g} {_rounded(x * math.sin(angle) + y * math.cos(angle)):g}"

    left = f"{turned(-half * 0.55, -length * 0.3)} {turned(-half * 1.15, -length)} {turned(0, -length)}"
    right = f"{turned(half * 1.15, -length)} {turned(half * 0.55, -length * 0.3)} 0 0"
    return Petal(name, f"M0 0C{left}C{right}Z", round(value * 100))


def _setting(angle: float, ring: float, radius: float) -> Setting:
    across, down = math.sin(angle), -math.cos(angle)
    anchor = "middle" if abs(across) < _UPRIGHT else "start" if across > 0 else "end"
    return Setting(
        x=_rounded(across * ring),
        y=_rounded(down * ring),
        name_x=_rounded(across * (radius + 6)),
        name_y=_rounded(down * (radius + 10) + 4),
        anchor=anchor,
    )


def _room_table(x: float, y: float, chairs: int, taken: int) -> RoomTable:
    radius = 22.0
    seats = []
    for place in range(chairs):
        angle = place * 2 * math.pi / chairs
        across, down = math.sin(angle), -math.cos(angle)
        seats.append(Chair(_rounded(x + across * (radius + 10)), _rounded(y + down * (radius + 10)), place < taken))
    return RoomTable(x, y, radius, tuple(seats))


def _rounded(value: float) -> float:
    return round(value, 1) + 0.0

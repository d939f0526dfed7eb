"""The geometry of what the pages draw: people as flowers of five petals, tables from above, scores on a line. Pure.

Templates turn it into inline SVG (``parts/drawings.html``), so a host app can draw it otherwise. Lengths are in user units, rounded, as
every digit is sent as often as there are petals in the room.
"""

from __future__ import annotations

import math
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

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

ROUND_TABLE = 22.0
"""The radius of a round table in a room."""

_SHORTEST, _LONGEST = 5.0, 24.0
_NARROWEST, _WIDEST = 3.6, 10.0
_GAP = 5.0
_FREE_MIDDLE = 31.0
_RIM = 8.0
_EDGE = 2.0
_NAME_HEIGHT = 19.0
_NAME_WIDTH = 66.0
_LONG_TABLE_HALF = 13.0
_CHAIR_GAP = 16.0
_MOST_CHAIRS = 10
_UPRIGHT = 0.3
_STEP = 10
_MARGIN = 3.0
_LOWEST_LINE = 60.0


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
    """A table of an event, as it stands in the room: round where ``half_width`` is 0, else long."""

    x: float
    y: float
    half_width: float
    chairs: tuple[Chair, ...]


@dataclass(frozen=True, slots=True)
class Dot:
    """A table's score on the line of scores."""

    number: int
    score: float
    x: float
    y: float


@dataclass(frozen=True, slots=True)
class ScoreLine:
    """The scores of a night: a line with marks (where, and for what score), the place of chance on it, and the dots above."""

    width: float
    height: float
    marks: tuple[tuple[float, int], ...]
    chance: float
    dots: tuple[Dot, ...]


def flower(traits: Mapping[str, float]) -> tuple[Petal, ...]:
    """The petals of a person with these traits, each 0–1; none where nothing is known.

    A petal grows mostly in length, which the eye compares better than areas, and a little in width, so that it stays a petal.
    """
    return tuple(
        _petal(place * 2 * math.pi / len(TRAIT_WORDS), name, min(1.0, max(0.0, traits[name])))
        for place, name in enumerate(TRAIT_WORDS)
        if name in traits
    )


def table_drawing(guests: int, largest: int = 0, *, named: bool = True) -> TableDrawing:
    """A table with so many plates around, names outside of it, on a ground that a table of ``largest`` guests would fill.

    Plates are of one size, whatever the table: tables that are drawn for the same ``largest`` can be compared.
    """
    ring, radius = _ring(guests), _ring(guests) + PLATE + _RIM
    ground = _ring(max(guests, largest)) + PLATE + _RIM
    around = max(guests, 1)
    settings = tuple(_setting(place * 2 * math.pi / around, ring, radius) for place in range(guests))
    beside, above = (_NAME_WIDTH, _NAME_HEIGHT) if named else (_EDGE, _EDGE)
    return TableDrawing(_rounded(2 * (ground + beside)), _rounded(2 * (ground + above)), _rounded(radius), settings)


def room(event: Mapping[str, Any], *, most_tables: int = 6) -> tuple[RoomTable, ...]:
    """The tables of an event (as the services show it) with the share of their chairs that is taken.

    Tables of match nights are round, others long. Of many tables only some are drawn. The drawing is 100 wide for each column of tables
    and 100 high for each row; see :func:`room_grid`.
    """
    seats, left = event["seats"], event["seats_left"]
    size = max(1, min(event["table_size"]["max"], _MOST_CHAIRS, seats))
    tables = min(most_tables, math.ceil(seats / size))
    shown = min(seats, tables * size)
    taken = round(shown * (seats - left) / seats)
    if left < seats:
        taken = max(1, taken)
    if left > 0:
        taken = min(shown - 1, taken)
    columns, rows = room_grid(tables)
    drawn = []
    for place in range(tables):
        chairs = shown // tables + (place < shown % tables)
        row = place // columns
        in_row = tables - columns * (rows - 1) if row == rows - 1 else columns
        x, y = 50.0 + 100 * (place % columns) + 50 * (columns - in_row), 50.0 + 100 * row
        spots = _around(chairs) if event["format"] == "match_night" else _along(chairs)
        seated = tuple(Chair(_rounded(x + across), _rounded(y + down), number < taken) for number, (across, down) in enumerate(spots))
        drawn.append(RoomTable(x, y, _rounded(0.0 if event["format"] == "match_night" else _long_half(chairs)), seated))
        taken = max(0, taken - chairs)
    return tuple(drawn)


def room_grid(tables: int) -> tuple[int, int]:
    """In how many columns and rows so many tables stand."""
    columns = min(tables, 3)
    return columns, math.ceil(tables / columns)


def score_line(scores: Sequence[float], chance: float, *, width: float = 480.0, dot: float = 6.5) -> ScoreLine:
    """The tables' scores (0–100) as dots over a line; dots that would touch are stacked upwards.

    The line shows only the part of 0–100 in which something lies, in steps of ten.
    """
    low = max(0, math.floor((min([chance, *scores]) - _MARGIN) / _STEP) * _STEP)
    high = min(100, math.ceil((max([chance, *scores]) + _MARGIN) / _STEP) * _STEP)

    def at(score: float) -> float:
        return _rounded((score - low) / (high - low) * width)

    levels: dict[int, tuple[float, int]] = {}
    for place in sorted(range(len(scores)), key=lambda place: scores[place]):
        x, level = at(scores[place]), 0
        while any(abs(other - x) < 2 * dot and taken == level for other, taken in levels.values()):
            level += 1
        levels[place] = (x, level)
    dots = [Dot(place + 1, score, levels[place][0], _rounded(-(2 * levels[place][1] + 1) * dot)) for place, score in enumerate(scores)]
    height = max([_LOWEST_LINE, *(dot - one.y for one in dots)])
    return ScoreLine(width, _rounded(height), tuple((at(mark), mark) for mark in range(low, high + 1, _STEP)), at(chance), tuple(dots))


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


def _ring(guests: int) -> float:
    """How far from the middle the plates of so many guests lie."""
    spread = (PLATE + _GAP / 2) / math.sin(math.pi / guests) if guests > 1 else 0.0
    return max(spread, PLATE + _FREE_MIDDLE)


def _around(chairs: int) -> Iterator[tuple[float, float]]:
    """The chairs of a round table, clockwise from the top."""
    for place in range(chairs):
        angle = place * 2 * math.pi / chairs
        yield math.sin(angle) * (ROUND_TABLE + 10), -math.cos(angle) * (ROUND_TABLE + 10)


def _along(chairs: int) -> Iterator[tuple[float, float]]:
    """The chairs of a long table, on both of its sides."""
    for place in range(chairs):
        side = place % 2
        on_side = (chairs + 1 - side) // 2
        yield (place // 2 - (on_side - 1) / 2) * _CHAIR_GAP, (_LONG_TABLE_HALF + 10) * (1 if side else -1)


def _long_half(chairs: int) -> float:
    return (chairs + 1) // 2 * _CHAIR_GAP / 2 + 3


def _rounded(value: float) -> float:
    return round(value, 1) + 0.0

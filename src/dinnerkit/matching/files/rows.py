"""People out of rows of text cells, whatever kind of file they come from."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from operator import itemgetter
from typing import Any

import numpy as np

from dinnerkit.matching.errors import GuestInvalid, PeopleFileInvalid
from dinnerkit.matching.people.answer_rows import score_rows
from dinnerkit.matching.people.carelessness import Careless
from dinnerkit.matching.people.guests import BUDGETS, Guest, Traits
from dinnerkit.matching.people.items import ITEMS, TraitName
from dinnerkit.matching.people.questionnaire import HIGHEST, MAX_MISSING
from dinnerkit.matching.people.reliability import alphas, careless_rows

MOST_PEOPLE = 2_000_000
"""A million take 1.7 GB while they are seated, as each is an object; a larger file is refused before it fills the memory."""

_AT_ONCE = 10_000

AGES = (10, 100)
"""Ages outside are taken as not told: a year of birth says nothing without the year in which it was typed."""

_ANSWERS: dict[str, int] = {"": 0, "na": 0, **{text: value for value in range(HIGHEST + 1) for text in (str(value), f"{value}.0")}}
"""A whole column of numbers is written with points by programs for which a missing one makes it a column of fractions."""

_GIVEN = str.maketrans("", "", "".join(str(value) for value in range(1, HIGHEST + 1)))
_VALUES = bytes(max(0, code - ord("0")) for code in range(256))
_ENGLISH = frozenset({"en"})
_ITEMS = frozenset(item.id.lower() for item in ITEMS)
_FEWEST_ANSWER_COLUMNS = len(ITEMS) - MAX_MISSING
STATED = "state:"
"""How the name of a column begins that holds what people chose to state, such as ``state:gender``."""


@dataclass(frozen=True, slots=True)
class BadRow:
    """A row that was skipped.

    Attributes:
        line: its line number in the file, the header being line 1.
        reason: what is wrong with it.
    """

    line: int
    reason: str


@dataclass(frozen=True, slots=True)
class CarelessRow:
    """A row that was used, though its answers look as if the items had not been read.

    Attributes:
        line: its line number in the file, the header being line 1.
        guest: the guest's id.
        why: what gives it away.
    """

    line: int
    guest: str
    why: Careless


@dataclass(frozen=True, slots=True)
class People:
    """What a file of people holds.

    Attributes:
        guests: the usable rows. A guest's id is the file's ``id`` column or, without one, the row's number from 1, bad rows
            counted.
        bad: the rows that were skipped.
        rows: how many data rows there were in all.
        careless: the usable rows whose answers look careless; they are seated like the others.
        alphas: Cronbach's alpha of each scale among the usable rows, see :func:`dinnerkit.matching.alphas`.
    """

    guests: tuple[Guest, ...]
    bad: tuple[BadRow, ...]
    rows: int
    careless: tuple[CarelessRow, ...]
    alphas: Mapping[TraitName, float]


class PeopleRows:
    """Takes rows one by one, and keeps of each what is needed."""

    def __init__(self) -> None:
        self._columns: dict[str, int] | None = None
        self._items: list[int] = []
        self._all_items: itemgetter[Any] | None = None
        self._told: list[tuple[str, int, Callable[[str], Any]]] = []
        self._stated: list[tuple[str, int]] = []
        self._width = 0
        self._rows = 0
        self._seen: set[str] = set()
        self._bad: list[BadRow] = []
        self._drafts: list[tuple[int, str, dict[str, Any]]] = []
        self._answers = bytearray()

    @property
    def has_header(self) -> bool:
        """Whether the columns' names are known."""
        return self._columns is not None

    def header(self, names: Sequence[str]) -> None:
        """Take the names of the columns.

        Raises:
            PeopleFileInvalid: a column comes twice, or too few answers are among them.
        """
        names = [_plain(name) for name in names]
        self._columns = {name: place for place, name in enumerate(names)}
        if len(self._columns) < len(names):
            twice = sorted({name for name in names if names.count(name) > 1})
            raise PeopleFileInvalid(f"its first line names these columns twice: {', '.join(twice)}")
        self._items = [self._columns.get(item.id.lower(), -1) for item in ITEMS]
        found = sum(place >= 0 for place in self._items)
        if found < _FEWEST_ANSWER_COLUMNS:
            raise PeopleFileInvalid(
                f"its first line names {found} of the answer columns E1 … O10, at least {_FEWEST_ANSWER_COLUMNS} are needed"
            )
        self._all_items = itemgetter(*self._items) if found == len(ITEMS) else None
        self._told = [(name, self._columns[name], read) for name, read in _READERS.items() if name in self._columns]
        self._stated = [(name.removeprefix(STATED), place) for name, place in self._columns.items() if name.startswith(STATED)]
        self._width = len(names)

    def row(self, number: int, fields: Sequence[str]) -> None:
        """Take a person; a bad row is noted, and passed over.

        Raises:
            PeopleFileInvalid: these are too many people.
        """
        self._count()
        try:
            self._person(number, fields)
        except _Skip as problem:
            self._bad.append(BadRow(number, str(problem)))

    def unreadable(self, number: int, reason: str) -> None:
        """Note a row that could not even be cut into cells."""
        self._count()
        self._bad.append(BadRow(number, reason))

    def people(self) -> People:
        """Everything taken; the traits are worked out for all at once.

        Raises:
            PeopleFileInvalid: there was no header.
        """
        if self._columns is None:
            raise PeopleFileInvalid("the file is empty")
        answers = np.frombuffer(bytes(self._answers), np.uint8).reshape(-1, len(ITEMS))
        scores = score_rows(answers)
        drafts, self._drafts, self._seen = self._drafts[::-1], [], set()  # of many people they would take as much as the guests
        guests, lines, used = [], [], np.ones(len(answers), np.bool_)
        for begin in range(0, len(answers), _AT_ONCE):
            for place, traits in enumerate(scores[begin : begin + _AT_ONCE].tolist(), begin):
                number, name, told = drafts.pop()
                try:
                    guests.append(Guest(name, Traits(*traits), **told))
                    lines.append(number)
                except GuestInvalid as problem:
                    self._bad.append(BadRow(number, str(problem)))
                    used[place] = False
        answers = answers[used]
        careless = tuple(CarelessRow(lines[row], guests[row].id, why) for row, why in careless_rows(answers).items())
        bad = tuple(sorted(self._bad, key=lambda row: row.line))
        return People(tuple(guests), bad, self._rows, careless, alphas(answers))

    def _count(self) -> None:
        self._rows += 1
        if len(self._drafts) >= MOST_PEOPLE:
            raise PeopleFileInvalid(f"it has more than {MOST_PEOPLE:,} people; split it, by city for example")

    def _person(self, number: int, fields: Sequence[str]) -> None:
        if len(fields) != self._width:
            raise _Skip(f"{len(fields)} columns, the header has {self._width}")
        answers = self._read_answers(fields)
        name = self._identify(fields)
        told = {column: read(fields[place].strip()) for column, place, read in self._told}
        if not told.get("languages") and "engnat" in (self._columns or {}):
            told["languages"] = _ENGLISH
        if self._stated:
            told["stated"] = {label: cell.lower() for label, place in self._stated if (cell := fields[place].strip())}
        self._drafts.append((number, name, told))
        self._answers += answers

    def _read_answers(self, fields: Sequence[str]) -> bytes:
        """The answers, 0 for missing ones; most rows hold a digit in each cell, and are read at once."""
        digits = "".join(self._all_items(fields)) if self._all_items else ""
        if len(digits) == len(ITEMS) and digits.isascii() and not digits.translate(_GIVEN):
            return digits.encode().translate(_VALUES)
        try:
            answers = [_ANSWERS[fields[place].strip().lower()] if place >= 0 else 0 for place in self._items]
        except KeyError as error:
            raise _Skip(f"answer {error.args[0][:20]!r} is not a whole number from 1 to {HIGHEST}") from None
        missing = answers.count(0)
        if missing > MAX_MISSING:
            raise _Skip(f"{missing} of the {len(ITEMS)} answers are missing, at most {MAX_MISSING} may be")
        per_scale = len(ITEMS) // 5
        for first in range(0, len(ITEMS), per_scale):
            if not any(answers[first : first + per_scale]):
                raise _Skip(f"no answer on {ITEMS[first].trait}")
        return bytes(answers)

    def _identify(self, fields: Sequence[str]) -> str:
        place = (self._columns or {}).get("id")
        if place is None:
            return str(self._rows)
        name = fields[place].strip()
        if not name:
            raise _Skip("the id is empty")
        if name in self._seen:
            raise _Skip("the id was already used on an earlier line")
        self._seen.add(name)
        return name


class _Skip(Exception):
    """A row can't be used; the message says why."""


def _parts(cell: str) -> list[str]:
    return [part.strip() for part in re.split(r"[;|,]", cell) if part.strip()]


def _list(cell: str) -> frozenset[str]:
    return frozenset(part.lower() for part in _parts(cell))


def _budget(cell: str) -> str | None:
    budget = cell.lower() or None
    if budget is not None and budget not in BUDGETS:
        raise _Skip(f"budget {budget!r} is not one of {', '.join(BUDGETS)}")
    return budget


def _age(cell: str) -> float | None:
    try:
        age = float(cell)
    except ValueError:
        return None
    return age if AGES[0] <= age <= AGES[1] else None


def _dinners(cell: str) -> int | None:
    if not cell:
        return None
    if not re.fullmatch(r"\d{1,6}(\.0)?", cell):
        raise _Skip(f"dinners {cell[:20]!r} is not a whole number")
    return int(float(cell))


def _met_ago(cell: str) -> dict[str, int]:
    met = {}
    for part in _parts(cell):
        name, _, ago = part.rpartition("=")
        if not name or not re.fullmatch(r"\d{1,6}", ago):
            raise _Skip(f"met_ago {part[:20]!r} is not an id and a number of dinners, such as ada=2")
        met[name] = int(ago)
    return met


def is_read(name: str) -> bool:
    """Whether a column of such a name is read at all."""
    plain = _plain(name)
    return plain in _READERS or plain in _ITEMS or plain in {"id", "engnat"} or plain.startswith(STATED)


def _plain(name: str) -> str:
    """A column's name as it is looked for."""
    return name.strip().lower()


_READERS: Mapping[str, Callable[[str], Any]] = {
    "age": _age,
    "languages": _list,
    "interests": _list,
    "budget": _budget,
    "party": lambda cell: cell or None,
    "met": lambda cell: frozenset(_parts(cell)),
    "blocked": lambda cell: frozenset(_parts(cell)),
    "diets": _list,
    "dinners": _dinners,
    "met_ago": _met_ago,
}
"""How the cells of each column are read that is an attribute of guests."""

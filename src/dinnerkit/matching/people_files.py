"""Reading people from a file: CSV, TSV or Parquet, one person a row."""

from __future__ import annotations

import csv
import gzip
import os
import re
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np

from dinnerkit.matching.errors import PeopleFileInvalid
from dinnerkit.matching.guests import BUDGETS, Guest, Traits
from dinnerkit.matching.items import ITEMS, TraitName
from dinnerkit.matching.questionnaire import HIGHEST, MAX_MISSING, score_rows
from dinnerkit.matching.reliability import Careless, alphas, careless_rows

MOST_PEOPLE = 250_000
"""Guests are objects of about one kilobyte each; a larger file is refused before it fills the memory."""

MOST_LINE_BYTES = 64_000
AGES = (10, 100)
"""Ages outside are taken as not told: a year of birth says nothing without the year in which it was typed."""

_DELIMITERS = "\t,;|"
_GZIP = b"\x1f\x8b"
_ANSWERS: dict[str, int] = {"": 0, "0": 0, "na": 0, **{str(value): value for value in range(1, HIGHEST + 1)}}
_FEWEST_ANSWER_COLUMNS = len(ITEMS) - MAX_MISSING


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


def read_people(path: str | os.PathLike[str]) -> People:
    """Read people from a CSV or TSV file, gzipped or not; the delimiter is told from the header.

    One person a line. Columns, in any order: ``E1`` … ``O10`` (1–5; 0, empty or NA is missing), and optionally ``id``, ``age``,
    ``languages`` and ``interests`` (each a list separated by semicolons), ``budget``, ``party``, and ``engnat`` of the
    openpsychometrics.org data: whoever filled in that English questionnaire is taken to read English, native or not. All
    other columns are left unread.

    A bad row is skipped and reported. Ages outside 10–100 are taken as not told.

    Raises:
        PeopleFileInvalid: no such file, not a table of people, too large, or without one usable row.
    """
    reader = _Reader()
    source = Path(path)
    try:
        with source.open("rb") as raw:
            zipped = raw.peek(2)[:2] == _GZIP
            with gzip.open(raw, "rb") if zipped else raw as stream:
                for number, line in _lines(stream):
                    reader.take(number, line)
        people = reader.people()
    except (OSError, EOFError, zlib.error) as error:
        why = getattr(error, "strerror", None) or str(error)
        raise PeopleFileInvalid(f"{source} can't be read: {why}") from error
    except PeopleFileInvalid as error:
        raise PeopleFileInvalid(f"{source} is not a file of people: {error.message}") from error
    if not people.guests:
        first = f"; line {people.bad[0].line}: {people.bad[0].reason}" if people.bad else ""
        raise PeopleFileInvalid(f"{source} has no usable row among its {people.rows}{first}")
    return people


def _lines(stream: BinaryIO | gzip.GzipFile) -> Iterator[tuple[int, bytes]]:
    number = 0
    while line := stream.readline(MOST_LINE_BYTES + 1):
        number += 1
        if len(line) > MOST_LINE_BYTES:
            raise PeopleFileInvalid(f"line {number} is longer than {MOST_LINE_BYTES} bytes")
        yield number, line


class _Reader:
    """Takes a file line by line, and keeps of each what is needed."""

    def __init__(self) -> None:
        self._columns: dict[str, int] | None = None
        self._delimiter = ""
        self._items: list[int] = []
        self._width = 0
        self._rows = 0
        self._seen: dict[str, int] = {}
        self._bad: list[BadRow] = []
        self._drafts: list[Guest] = []
        self._numbers: list[int] = []
        self._answers = bytearray()

    def take(self, number: int, line: bytes) -> None:
        """Take the next line: the header first, then one person each; blank lines are passed over."""
        if not line.strip():
            return
        if self._columns is None:
            self._header(line)
            return
        self._rows += 1
        if len(self._drafts) >= MOST_PEOPLE:
            raise PeopleFileInvalid(f"it has more than {MOST_PEOPLE:,} people; split it, by city for example")
        try:
            self._person(number, line)
        except (_Skip, UnicodeDecodeError, csv.Error) as problem:
            reason = "not valid UTF-8" if isinstance(problem, UnicodeDecodeError) else str(problem)
            self._bad.append(BadRow(number, reason))

    def people(self) -> People:
        """Everything taken; the traits are worked out for all at once."""
        if self._columns is None:
            raise PeopleFileInvalid("the file is empty")
        answers = np.frombuffer(bytes(self._answers), np.uint8).reshape(-1, len(ITEMS))
        traits = score_rows(answers)
        guests = tuple(
            Guest(d.id, Traits(*row), d.age, d.languages, d.interests, d.budget, d.party)
            for d, row in zip(self._drafts, traits.tolist(), strict=True)
        )
        careless = tuple(CarelessRow(self._numbers[row], guests[row].id, why) for row, why in careless_rows(answers).items())
        return People(guests, tuple(self._bad), self._rows, careless, alphas(answers))

    def _header(self, line: bytes) -> None:
        try:
            text = line.decode("utf-8-sig")
        except UnicodeDecodeError:
            raise PeopleFileInvalid("its first line is not text in UTF-8") from None
        self._delimiter = max(_DELIMITERS, key=text.count)
        try:
            names = [name.strip().lower() for name in _split(text, self._delimiter)]
        except csv.Error as error:
            raise PeopleFileInvalid(f"its first line is not a header: {error}") from None
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
        self._width = len(names)

    def _person(self, number: int, line: bytes) -> None:
        fields = _split(line.decode("utf-8"), self._delimiter)
        if len(fields) != self._width:
            raise _Skip(f"{len(fields)} columns, the header has {self._width}")
        answers = self._read_answers(fields)
        name = self._identify(fields, number)
        budget = self._field(fields, "budget").lower() or None
        if budget is not None and budget not in BUDGETS:
            raise _Skip(f"budget {budget!r} is not one of {', '.join(BUDGETS)}")
        languages = frozenset(part.lower() for part in _parts(self._field(fields, "languages")))
        if not languages and "engnat" in (self._columns or {}):
            languages = frozenset({"en"})
        draft = Guest(
            id=name,
            age=_age(self._field(fields, "age")),
            languages=languages,
            interests=frozenset(part.lower() for part in _parts(self._field(fields, "interests"))),
            budget=budget,
            party=self._field(fields, "party") or None,
        )
        self._seen[name] = number
        self._drafts.append(draft)
        self._numbers.append(number)
        self._answers += answers

    def _read_answers(self, fields: list[str]) -> bytes:
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

    def _identify(self, fields: list[str], number: int) -> str:
        if "id" not in (self._columns or {}):
            return str(self._rows)
        name = self._field(fields, "id")
        if not name:
            raise _Skip("the id is empty")
        if name in self._seen:
            raise _Skip(f"the id '{name[:40]}' was already used on line {self._seen[name]}")
        self._seen[name] = number
        return name

    def _field(self, fields: list[str], column: str) -> str:
        place = (self._columns or {}).get(column)
        return "" if place is None else fields[place].strip()


class _Skip(Exception):
    """A row can't be used; the message says why."""


def _split(text: str, delimiter: str) -> list[str]:
    text = text.rstrip("\r\n")
    if '"' not in text:
        return text.split(delimiter)
    return next(csv.reader([text], delimiter=delimiter, strict=True))


def _parts(cell: str) -> list[str]:
    return [part.strip() for part in re.split(r"[;|,]", cell) if part.strip()]


def _age(cell: str) -> float | None:
    try:
        age = float(cell)
    except ValueError:
        return None
    return age if AGES[0] <= age <= AGES[1] else None

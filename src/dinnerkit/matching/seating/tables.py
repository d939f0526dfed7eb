"""What seating answers: tables, who got no place, and what fell short."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field

from dinnerkit.matching.errors import GuestInvalid
from dinnerkit.matching.seating.reasons import Reason
from dinnerkit.matching.solving.run_record import RunRecord


@dataclass(frozen=True, slots=True)
class Table:
    """One table.

    Attributes:
        guests: ids, in the order in which the guests were given.
        score: 0–100, see :mod:`dinnerkit.matching.rules.default_rules`.
        reasons: what each rule gives; the points add up exactly to the score. They may be shown to the table's guests.
        at: the table's place in the list of the venue's own tables, from 0; None if all tables are alike.
    """

    guests: tuple[str, ...]
    score: float
    reasons: tuple[Reason, ...]
    at: int | None = None


@dataclass(frozen=True, slots=True)
class Unseated:
    """A guest without a place.

    Attributes:
        guest: the id.
        reason: why, for the host.
        rule: the name of the rule that the reason is about; ``"all"`` if it is about no single one.
    """

    guest: str
    reason: str
    rule: str = "all"


@dataclass(frozen=True, slots=True)
class BelowFloor:
    """A table that did not reach the floor.

    Attributes:
        table: its number, from 1.
        score: what it has.
        least: what it should have.
        text: why, for the host: which rules it loses most points by.
    """

    table: int
    score: float
    least: float
    text: str


@dataclass(frozen=True, slots=True)
class Broken:
    """A hard rule that a table breaks.

    Attributes:
        rule: its name.
        table: the table's number, from 1.
        text: what is wrong with the table, for the host.
    """

    rule: str
    table: int
    text: str


@dataclass(frozen=True, slots=True)
class Seating:
    """Tables for some guests.

    Attributes:
        tables: in the order of their first guests, or of the venue's list.
        score: 0–100, the mean over the seated guests of the score of their table.
        floor: the score of the worst table.
        chance: 0–100, the mean score of tables drawn at random, hard rules aside.
        seed: what all chance was drawn from.
        unseated: guests without a place; empty unless the best effort was asked for.
        below: tables that did not reach the :class:`Floor`, and why; empty unless one was set.
        broken: hard rules that tables break; empty unless everybody was to be seated, or tables were locked.
        run: how it was found; not compared.
    """

    tables: tuple[Table, ...]
    score: float
    floor: float
    chance: float
    seed: int
    unseated: tuple[Unseated, ...] = ()
    below: tuple[BelowFloor, ...] = ()
    broken: tuple[Broken, ...] = ()
    run: RunRecord = field(default=RunRecord(0, 0, 0.0, "numpy"), compare=False)

    @property
    def above_chance(self) -> float:
        """How many points better than tables drawn at random."""
        return self.score - self.chance


def check_among(seating: Seating, known: Collection[str]) -> None:
    """Refuse guests, by their ids, among whom are not all who have a table.

    Raises:
        GuestInvalid: of those who are missing.
    """
    missing = sorted(name for table in seating.tables for name in table.guests if name not in known)
    if missing:
        raise GuestInvalid(f"guest '{missing[0]}' has a table in the seating, and is not among the guests", guests=missing)


def mean_score(tables: Sequence[Table]) -> float:
    """0–100, the mean over the guests of the score of their table."""
    return sum(len(table.guests) * table.score for table in tables) / max(1, sum(len(table.guests) for table in tables))


def worst_score(tables: Sequence[Table]) -> float:
    """The score of the worst table; 0 where there is none."""
    return min((table.score for table in tables), default=0.0)

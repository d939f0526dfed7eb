"""A seated night as its page shows it: tables, their people, and what these have in common. Pure, and careful about what is private.

What a guest tells about themselves is drawn for the host only where their profile is not private; who has chosen "nobody" keeps a name and
an empty plate. Answers, blocks, addresses, age and gender are not shown at all.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

from dinnerkit.accounts.people import Person
from dinnerkit.accounts.rules import Visibility
from dinnerkit.matching.presenting import left_out, name_of
from dinnerkit.matching.seatings import Place, SeatedTable, StoredSeating
from dinnerkit.web.drawing import ScoreLine, score_line

Order = Literal["number", "best", "worst"]

BROUGHT = "Guest of "
"""How the name of somebody begins whom a guest has brought, as :func:`dinnerkit.matching.presenting.name_of` gives it."""

_MOST_SHARED = 6
_FEWEST_SHARING = 2


@dataclass(frozen=True, slots=True)
class GuestView:
    """A person at a table; ``traits`` is empty where they are unknown or private, ``short`` is what stands beside the plate.

    ``id`` is theirs within the seating: the host's forms alone have it.
    """

    id: str
    name: str
    short: str
    full_name: str
    traits: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class TableView:
    """A table.

    Attributes:
        number: from 1, in the order of the seating.
        above: points above tables drawn by lot.
        reasons: texts with the points that each gives, the largest first; of a rule that has no words for guests its name.
        languages: codes of what all speak who have told.
        interests: what at least two like to talk about, with how many do.
        mark: the best and the worst table of the night are marked, where there is more than one.
    """

    number: int
    guests: tuple[GuestView, ...]
    score: float
    above: float
    reasons: tuple[tuple[str, float], ...]
    languages: tuple[str, ...]
    interests: tuple[tuple[str, int], ...]
    mark: Literal["best", "worst"] | None


@dataclass(frozen=True, slots=True)
class NightView:
    """All tables of a night."""

    tables: tuple[TableView, ...]
    guests: int
    score: float
    chance: float
    best: TableView
    worst: TableView
    line: ScoreLine
    unseated: tuple[tuple[str, str], ...]

    @property
    def above(self) -> float:
        """How many points better than tables drawn by lot."""
        return self.score - self.chance

    @property
    def largest(self) -> int:
        """How many guests sit at the largest table."""
        return max(len(table.guests) for table in self.tables)


def night_view(seating: StoredSeating, people: Mapping[str, Person], *, everything: bool, order: Order = "number") -> NightView:
    """The tables of a seating that has some.

    Args:
        seating: with at least one table.
        people: those who sit there, by id.
        everything: show the traits of private profiles too: for the demo, whose people are invented.
        order: of the tables.
    """
    chance = seating.chance or 0.0
    numbered = list(enumerate(seating.tables, 1))
    best = max(numbered, key=lambda one: one[1].score)[0]
    worst = min(numbered, key=lambda one: one[1].score)[0]
    views = [_table(number, table, people, chance, _mark(number, best, worst), everything=everything) for number, table in numbered]
    ordered = views if order == "number" else sorted(views, key=lambda view: view.score, reverse=order == "best")
    return NightView(
        tables=tuple(ordered),
        guests=sum(len(table.places) for table in seating.tables),
        score=seating.score or 0.0,
        chance=chance,
        best=views[best - 1],
        worst=views[worst - 1],
        line=score_line([table.score for table in seating.tables], chance),
        unseated=tuple((name_of(place, people, full=True), reason) for place, reason in left_out(seating, people)),
    )


def _mark(number: int, best: int, worst: int) -> Literal["best", "worst"] | None:
    if best == worst:
        return None
    return "best" if number == best else "worst" if number == worst else None


def _table(
    number: int,
    table: SeatedTable,
    people: Mapping[str, Person],
    chance: float,
    mark: Literal["best", "worst"] | None,
    *,
    everything: bool,
) -> TableView:
    told = [person for place in table.places if not place.companion and (person := _open(place, people, everything=everything))]
    return TableView(
        number=number,
        guests=tuple(_guest(place, people, everything=everything) for place in table.places),
        score=table.score,
        above=table.score - chance,
        reasons=tuple(sorted(((text or rule.replace("_", " "), points) for rule, text, points in table.reasons), key=lambda one: -one[1])),
        languages=_common(person.languages for person in told),
        interests=_shared(person.interests for person in told),
        mark=mark,
    )


def _guest(place: Place, people: Mapping[str, Person], *, everything: bool) -> GuestView:
    person = None if place.companion else _open(place, people, everything=everything)
    name = name_of(place, people, full=False)
    return GuestView(
        id=place.guest_id,
        name=name,
        short=beside_plate(name),
        full_name=name_of(place, people, full=True),
        traits=person.traits if person else {},
    )


def beside_plate(name: str) -> str:
    """The name as it is written in the drawing, where space is short: "with Ada" for "Guest of Ada"."""
    brought_by = name.removeprefix(BROUGHT)
    return name if brought_by == name else f"with {brought_by}"


def _open(place: Place, people: Mapping[str, Person], *, everything: bool) -> Person | None:
    """The person at that place, if more than the name may be shown."""
    person = people.get(place.user)
    return person if person and (everything or person.visibility != Visibility.PRIVATE) else None


def _common(told: Iterable[tuple[str, ...]]) -> tuple[str, ...]:
    stated = [languages for languages in told if languages]
    if len(stated) < _FEWEST_SHARING:
        return ()
    return tuple(code for code in stated[0] if all(code in languages for languages in stated))


def _shared(told: Iterable[tuple[str, ...]]) -> tuple[tuple[str, int], ...]:
    counts = Counter(interest for interests in told for interest in set(interests))
    shared = [(interest, count) for interest, count in counts.items() if count >= _FEWEST_SHARING]
    return tuple(sorted(shared, key=lambda one: (-one[1], one[0]))[:_MOST_SHARED])

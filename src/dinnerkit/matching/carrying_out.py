"""The making of a seating that a host has asked for: what is stored of the wish in, what is stored of the outcome out. No I/O."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from dinnerkit.matching.errors import SeatingImpossible
from dinnerkit.matching.halfway import Kept, kept_halfway
from dinnerkit.matching.people.guests import Guest
from dinnerkit.matching.rules.again import TogetherAgain
from dinnerkit.matching.rules.default_rules import DEFAULT_RULES, BlockedApart
from dinnerkit.matching.rules.kinds import Floor, Rule
from dinnerkit.matching.seating.arranging import AT_ONCE
from dinnerkit.matching.seating.locks import LockedTable, Locks
from dinnerkit.matching.seating.recording import digest, version
from dinnerkit.matching.seating.reseating import Changes, reseat
from dinnerkit.matching.seating.seat import seat
from dinnerkit.matching.seating.tables import Seating
from dinnerkit.matching.seatings import Place, to_rows
from dinnerkit.storage import Row


@dataclass(frozen=True, slots=True)
class Search:
    """What tables are searched for with, beside the wishes.

    Attributes:
        guests: everybody who comes.
        again: whom one of two would like to see together again, by their ids.
        size: the fewest and the most at a table.
        progress: told the share, 0 to 1, that is done.
        best: told the best score so far.
        note: keeps where the search is, for whoever goes on from there.
    """

    guests: list[Guest]
    again: frozenset[tuple[str, str]]
    size: tuple[int, int]
    progress: Callable[[float], None]
    best: Callable[[float], None]
    note: Callable[[Row], None]


def outcome(row: Row, search: Search, earlier: Seating | None, places: Mapping[str, Place]) -> Row:
    """The fields that a stored seating gets: its tables, or why there can be none, in words that the host may read.

    Args:
        row: the seating as it was asked for.
        search: whom to seat, and whom to tell how it goes on.
        earlier: the seating that this one mends, or of which it keeps something.
        places: by guest id.
    """
    try:
        seating = _mended(row, search, earlier) if earlier is not None and row.get("mends") else _seated(row, search, earlier)
    except SeatingImpossible as error:
        return {"status": "impossible", "problem": _discreet_problem(error, kept=bool(row.get("locked") or row.get("locked_guests")))}
    return {"status": "done", **to_rows(_discreet(seating), places)}


def _rules(row: Row, search: Search) -> tuple[Rule, ...]:
    rules: tuple[Rule, ...] = DEFAULT_RULES if row.get("least") is None else (*DEFAULT_RULES, Floor(row["least"]))
    return (*rules, TogetherAgain(search.again)) if search.again else rules


def _seated(row: Row, search: Search, earlier: Seating | None) -> Seating:
    guests, size, rules = search.guests, search.size, _rules(row, search)
    locked = Locks(
        tuple(LockedTable(frozenset(names)) for names in row.get("locked", ())),
        tuple(frozenset(names) for names in row.get("locked_guests", ())),
        tuple(frozenset(table.guests) for table in earlier.tables) if earlier else (),
    )
    # Fewer are searched for in one go.
    inputs = digest(guests, size, list(rules), locked, row["seed"], row["best_effort"], version()) if len(guests) > AT_ONCE else ""
    return seat(
        guests,
        size=size,
        rules=rules,
        seed=row["seed"],
        best_effort=row["best_effort"],
        locked=locked,
        progress=search.progress,
        best=search.best,
        halfway=Kept(inputs, search.note) if inputs else None,
        resume=kept_halfway(row, inputs),
    )


def _mended(row: Row, search: Search, earlier: Seating) -> Seating:
    """The earlier seating after what has changed since; of those who are gone nothing matters any more."""
    had = {name for table in earlier.tables for name in table.guests}
    gone = had - {guest.id for guest in search.guests}
    there = [guest for guest in search.guests if guest.id in had] + [Guest(name) for name in sorted(gone)]
    changes = Changes(frozenset(gone), tuple(guest for guest in search.guests if guest.id not in had))
    moves = row["mends"]["moves"]
    return reseat(earlier, changes, moves, guests=there, size=search.size, rules=_rules(row, search), seed=row["seed"]).seating


_UNSAID = "there is no seating that keeps every rule"
"""In place of a reason that would tell who would not sit with whom."""

_UNSAID_OF_KEPT = f"{_UNSAID} while those stay who were to be kept"


def _discreet(seating: Seating) -> Seating:
    """The seating for the host, who must not learn from why somebody has no table who would not sit with whom."""
    if all(left.rule != BlockedApart.name for left in seating.unseated):
        return seating
    # Those who are left for another reason get no other one: they would show who the rest are.
    return replace(seating, unseated=tuple(replace(left, reason=_UNSAID) for left in seating.unseated))


def _discreet_problem(error: SeatingImpossible, *, kept: bool) -> dict[str, Any]:
    """Why not everybody can be seated, for the host, who must not learn from it who would not sit with whom.

    Args:
        error: the reasons.
        kept: whether some tables or guests were to stay as they are, which may be why.
    """
    problem = {"message": error.message, **error.details}
    causes = error.details.get("causes", ())
    if any(cause["rule"] == BlockedApart.name for cause in causes):
        told = [cause for cause in causes if cause["rule"] != BlockedApart.name]
        problem |= {
            "message": "; ".join([cause["text"] for cause in told] or [_UNSAID_OF_KEPT if kept else _UNSAID]),
            "causes": told,
        }
    return problem

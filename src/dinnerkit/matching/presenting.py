"""Seatings as hosts and guests see them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from dinnerkit.accounts.people import Person
from dinnerkit.matching.comparing import Comparison
from dinnerkit.matching.seating.telling import DISCREET, FEWEST_TOLD, told_to_guests
from dinnerkit.matching.seatings import Place, SeatedTable, StoredSeating, as_table

_UNKNOWN = "A guest"
_QUOTED = re.compile("'([^']+)'")


def for_host(seating: StoredSeating, people: Mapping[str, Person]) -> dict[str, Any]:
    """All tables, with full names, in the shape of :class:`dinnerkit.matching.schemas.SeatingSchema`."""
    return {
        "id": seating.id,
        "status": seating.status,
        "tables": [_table(table) | {"guests": [_place(place, people) for place in table.places]} for table in seating.tables],
        "unseated": [_place(place, people) | {"reason": reason} for place, reason in left_out(seating, people)],
        "below": [{"table": number, "reason": reason} for number, reason in seating.below],
        "broken": [{"table": number, "reason": reason} for number, reason in seating.broken],
        "score": seating.score,
        "floor": seating.floor,
        "chance": seating.chance,
        "seed": seating.seed,
    }


def run(seating: StoredSeating) -> dict[str, Any]:
    """How a seating went, without its tables, in the shape of :class:`dinnerkit.matching.schemas.SeatingRunSchema`."""
    return {
        "id": seating.id,
        "status": seating.status,
        "progress": seating.progress,
        "best": seating.best,
        "seed": seating.seed,
        "score": seating.score,
        "floor": seating.floor,
        "chance": seating.chance,
        "unseated": None if seating.score is None else len(seating.unseated),
        "created_at": seating.created_at,
        "published_at": seating.published_at,
    }


def comparison(found: Comparison, people: Mapping[str, Person]) -> dict[str, Any]:
    """Two seatings side by side, in the shape of :class:`dinnerkit.matching.schemas.ComparisonSchema`."""
    changed = {"moved": found.moved, "joined": found.joined, "left": found.left}
    lists = {name: [_place(place, people) for place in places] for name, places in changed.items()}
    return {"one": run(found.one), "other": run(found.other), "kept_tables": found.kept_tables, **lists}


def for_guest(table: SeatedTable, people: Mapping[str, Person], booking_id: str) -> dict[str, Any]:
    """One table as its guests may see it: first names, and reasons that tell nothing about any one of them.

    Points would: who knows their own answers could tell the others' from them. So the score is rounded, and of few not told. Nor are
    reasons: a guest may have answered for whom they bring, so that these don't count.
    """
    many = sum(place.booking != booking_id for place in table.places) + 1 >= FEWEST_TOLD
    guests = [
        {"name": name_of(place, people, full=False), "me": place.booking == booking_id and not place.companion} for place in table.places
    ]
    told = [{"text": text} for text in (told_to_guests(as_table(table)) if many else (DISCREET,))]
    return {"score": round(table.score) if many else None, "reasons": told, "guests": guests}


def name_of(place: Place, people: Mapping[str, Person], *, full: bool) -> str:
    """What to call the person at that place."""
    companion = people.get(place.guest_id) if place.companion else None
    if companion is not None and not full:
        return companion.first_name
    person = people.get(place.user)
    name = (person.name if full else person.first_name) if person else _UNKNOWN
    if companion is not None:
        return f"{companion.name}, guest of {name}"
    return f"Guest of {name}" if place.companion else name


def left_out(seating: StoredSeating, people: Mapping[str, Person]) -> Iterator[tuple[Place, str]]:
    """Whom a seating leaves out, and why, told to the host by names."""
    places = seating.places if seating.unseated else ()  # of many thousands no names are needed where nobody is left out
    reasons = by_name([reason for _, reason in seating.unseated], places, people)
    return zip((place for place, _ in seating.unseated), reasons, strict=True)


def refusal(seating: StoredSeating, places: Iterable[Place], people: Mapping[str, Person]) -> dict[str, Any]:
    """Why not everybody could be seated, told to the host by names; each cause has the ``places`` of those of its guests who still come."""
    problem, there = dict(seating.problem or {}), {place.guest_id: place for place in places}
    causes = problem.get("causes", [])
    said = [problem.get("message", "the rules can't all be met"), *(cause["text"] for cause in causes)]
    message, *texts = by_name(said, there.values(), people)
    told = [
        cause | {"text": text, "places": [_place(there[guest], people) for guest in cause["guests"] if guest in there]}
        for cause, text in zip(causes, texts, strict=True)
    ]
    return problem | {"message": message, "causes": told}


def by_name(reasons: Iterable[str], places: Iterable[Place], people: Mapping[str, Person]) -> list[str]:
    """Reasons for the host, with the full names of those whom they quote by their ids within the seating; a party's is the booker's."""
    names = {place.guest_id: name_of(place, people, full=True) for place in places}
    return [_QUOTED.sub(lambda quoted: names.get(quoted[1], quoted[0]), reason) for reason in reasons]


def _table(table: SeatedTable) -> dict[str, Any]:
    reasons = [{"rule": rule, "text": text, "points": points} for rule, text, points in table.reasons]
    return {"score": table.score, "reasons": reasons}


def _place(place: Place, people: Mapping[str, Person]) -> dict[str, Any]:
    return {"booking_id": place.booking, "name": name_of(place, people, full=True), "companion": place.companion}

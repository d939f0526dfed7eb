"""Who is offered the seats that became free: pure rules over the accounts of one event's seats."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Waiting:
    """A party on the waiting list, in the order of joining."""

    entry: str
    user: str
    guests: int


@dataclass(frozen=True, slots=True)
class ForResale:
    """Seats of a cancelled booking whose money goes back once they are sold again; ``left`` of ``seats`` are not yet."""

    booking: str
    seats: int
    left: int


def sold_again(for_resale: Sequence[ForResale], seats: int) -> tuple[ForResale, ...]:
    """What becomes of the seats for resale when ``seats`` are sold: first cancelled, first sold."""
    after = []
    for entry in for_resale:
        sold = min(entry.left, seats)
        seats -= sold
        after.append(ForResale(entry.booking, entry.seats, entry.left - sold))
    return tuple(after)


def next_in_line(seats_left: int, waiting: Sequence[Waiting]) -> tuple[Waiting, ...]:
    """The parties to be offered seats, first come first served, each all or nothing.

    A party that does not fit is passed over, not waited for: a table of two free seats goes to the first couple or single behind the party
    of four. So when this has been applied, no waiting party fits into the seats that are left.
    """
    chosen = []
    for party in waiting:
        if party.guests <= seats_left:
            chosen.append(party)
            seats_left -= party.guests
    return tuple(chosen)

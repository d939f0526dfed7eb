"""The seating of the demo's match nights: asked for by their host, worked out by the background process, and published."""

from __future__ import annotations

from collections.abc import Callable

from dinnerkit.demo.keys import Keys
from dinnerkit.demo.plots import Script
from dinnerkit.errors import Invalid
from dinnerkit.identity import Principal, Role
from dinnerkit.kit import Kit
from dinnerkit.matching.service import SeatingService


class NightDesk:
    """Sees each night through its seating, whenever it looks.

    Args:
        kit: whose services are asked.
        keys: what the ids and the seed of the seatings come from.
        host: of all nights.
        settled: whether all payments of a night have their outcome.
    """

    def __init__(self, kit: Kit, keys: Keys, host: str, settled: Callable[[Script], bool]) -> None:
        self._seatings = kit.service(SeatingService)
        self._keys = keys
        self._host = Principal(host, Role.HOST)
        self._settled = settled
        self._booking: list[Script] = []
        self._seating: list[Script] = []

    @property
    def busy(self) -> bool:
        """Whether a night still waits for its tables."""
        return bool(self._booking or self._seating)

    def add(self, night: Script) -> None:
        """Take on a night whose bookings are made."""
        self._booking.append(night)

    def look(self) -> int:
        """Ask for the seatings that can be made now, and publish those that are; how many were published.

        Raises:
            Invalid: a night can't be seated.
        """
        for night in [night for night in self._booking if self._settled(night)]:
            self._seatings.request(self._host, night.event.id, seating_id=self._id(night), seed=self._keys.seed)
            self._booking.remove(night)
            self._seating.append(night)
        done = [night for night in self._seating if self._published(night)]
        for night in done:
            self._seating.remove(night)
        return len(done)

    def _published(self, night: Script) -> bool:
        event = night.event
        seating = self._seatings.get(self._host, event.id, self._id(night))
        if seating.status == "impossible":
            why = (seating.problem or {}).get("message", "the rules can't all be met")
            raise Invalid(f"the match night in {event.city.name} can't be seated: {why}")
        if seating.status == "queued":
            return False
        self._seatings.publish(self._host, event.id, seating.id)
        return True

    def _id(self, night: Script) -> str:
        return self._keys.again(night.event.id, 0)

"""What the demo's hosts do once everybody has booked: seat their match nights, or call their dinners off."""

from __future__ import annotations

from dinnerkit.demo.keys import Keys
from dinnerkit.demo.playing import Stage
from dinnerkit.demo.plots import Script
from dinnerkit.errors import Invalid
from dinnerkit.events.rules import Format
from dinnerkit.identity import Principal, Role
from dinnerkit.kit import Kit
from dinnerkit.matching.seatings import Wishes
from dinnerkit.matching.service import SeatingService


class HostsDesk:
    """Sees events through, whenever it looks: a seating is asked for, worked out by the background process, and published.

    Args:
        kit: whose services are asked.
        keys: what the ids and the seed of the seatings come from.
        stage: where the events' scripts are played.
    """

    def __init__(self, kit: Kit, keys: Keys, stage: Stage) -> None:
        self._seatings = kit.service(SeatingService)
        self._keys = keys
        self._stage = stage
        self._settling: list[Script] = []
        self._seating: list[Script] = []

    @property
    def busy(self) -> bool:
        """Whether there is still something to do."""
        return bool(self._settling or self._seating)

    def add(self, script: Script) -> None:
        """Take on an event whose bookings are made."""
        if script.event.called_off or script.event.details.format is Format.MATCH_NIGHT:
            self._settling.append(script)

    def look(self) -> int:
        """Do what can be done now; how many nights' tables were published.

        Raises:
            Invalid: a night can't be seated.
        """
        for script in [script for script in self._settling if self._stage.settled(script)]:
            self._settling.remove(script)
            if script.event.called_off:
                self._stage.call_off(script.event)
            else:
                self._ask(script)
                self._seating.append(script)
        done = [night for night in self._seating if self._published(night)]
        for night in done:
            self._seating.remove(night)
        return len(done)

    def _ask(self, night: Script) -> None:
        self._seatings.request(_host(night), night.event.id, seating_id=self._id(night), wishes=Wishes(self._keys.seed))

    def _published(self, night: Script) -> bool:
        event = night.event
        seating = self._seatings.get(_host(night), event.id, self._id(night))
        if seating.status == "impossible":
            why = (seating.problem or {}).get("message", "the rules can't all be met")
            raise Invalid(f"the match night in {event.city.name} can't be seated: {why}")
        if seating.status == "queued":
            return False
        self._seatings.publish(_host(night), event.id, seating.id)
        return True

    def _id(self, night: Script) -> str:
        return self._keys.again(night.event.id, 0)


def _host(script: Script) -> Principal:
    return Principal(script.event.host, Role.HOST)

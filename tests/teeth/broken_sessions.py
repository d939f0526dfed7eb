"""Stores of sessions that are wrong in one way each; the contract must tell which."""

from __future__ import annotations

import threading
import time
from functools import partial

from dinnerkit.errors import Unavailable
from dinnerkit.ports.sessions import StoredSession
from dinnerkit.testing import SessionBench
from tests.teeth import faults
from tests.teeth.meeting import Between

FOR_EVER = 1e9


class Room:
    """What the stores of several processes have in common: for each key, until when there is what."""

    def __init__(self) -> None:
        self.kept: dict[str, tuple[float, bytes]] = {}
        self.lock = threading.Lock()
        self.open = 0
        self.between = Between()


class Sound:
    """A store that passes; it asks its service first, where it has one."""

    at_once = faults.LATE

    def __init__(self, room: Room, name: str = "", service: tuple[str, int] | None = None) -> None:
        self.room = room
        self.name = name
        self.service = service
        room.open += 1

    def ask(self, key: str = "") -> None:
        try:
            faults.ask(self.service)
        except OSError as error:
            raise Unavailable("sessions: the store does not answer") from error

    def place(self, key: str) -> str:
        return f"{self.name}/{key}"

    def put(self, key: str, value: bytes, seconds: int) -> None:
        self.ask(key)
        self.room.kept[self.place(key)] = (time.monotonic() + seconds, value)

    def get(self, key: str) -> StoredSession | None:
        self.ask(key)
        until, value = self.room.kept.get(self.place(key), (0.0, b""))
        left = until - time.monotonic()
        return StoredSession(value, left) if left > 0 else None

    def prolong(self, key: str, seconds: int) -> bool:
        self.ask(key)
        with self.room.lock:
            until, value = self.room.kept.get(self.place(key), (0.0, b""))
            if until < time.monotonic():
                return False
            self.room.kept[self.place(key)] = (time.monotonic() + seconds, value)
        return True

    def delete(self, key: str) -> None:
        self.ask(key)
        with self.room.lock:
            self.room.kept.pop(self.place(key), None)

    def ping(self) -> None:
        self.ask()

    def close(self) -> None:
        """Nothing to give back."""


class ThinksInText(Sound):
    def put(self, key: str, value: bytes, seconds: int) -> None:
        super().put(key, value.decode("utf-8", "replace").encode(), seconds)


class CutsWhatIsLong(Sound):
    def put(self, key: str, value: bytes, seconds: int) -> None:
        super().put(key, value[:255], seconds)


class GivesAnothersSession(Sound):
    """Looks at the first half of the key, as one who saves space in an index does."""

    def place(self, key: str) -> str:
        return super().place(key[:32])


class EndsNothing(Sound):
    def delete(self, key: str) -> None:
        self.ask(key)


class EndsAll(Sound):
    def delete(self, key: str) -> None:
        self.ask(key)
        self.room.kept.clear()


class BringsBackWhatHasEnded(Sound):
    """Prolongs as if it were opened anew, by what it remembers."""

    def __init__(self, room: Room, name: str = "", service: tuple[str, int] | None = None) -> None:
        super().__init__(room, name, service)
        self.known: dict[str, bytes] = {}

    def put(self, key: str, value: bytes, seconds: int) -> None:
        self.known[key] = value
        super().put(key, value, seconds)

    def prolong(self, key: str, seconds: int) -> bool:
        lives = super().prolong(key, seconds)
        if key in self.known:
            super().put(key, self.known[key], seconds)
        return lives


class IgnoresExpiry(Sound):
    def put(self, key: str, value: bytes, seconds: int) -> None:
        super().put(key, value, max(seconds, 500))


class WaitsForTheSweeper(Sound):
    """Gives what is over for as long as nobody has swept it away, as a TTL index does for up to a minute."""

    def get(self, key: str) -> StoredSession | None:
        self.ask(key)
        found = self.room.kept.get(self.place(key))
        return None if found is None else StoredSession(found[1], max(found[0] - time.monotonic(), 0))


class RevivesWhatIsOver(Sound):
    def prolong(self, key: str, seconds: int) -> bool:
        with self.room.lock:
            if self.place(key) not in self.room.kept:
                return False
            self.room.kept[self.place(key)] = (time.monotonic() + seconds, self.room.kept[self.place(key)][1])
        return True


class ForgetsToProlong(Sound):
    def prolong(self, key: str, seconds: int) -> bool:
        return self.get(key) is not None


class RemembersForItself(Sound):
    """Keeps in the process what it has read once."""

    def __init__(self, room: Room, name: str = "", service: tuple[str, int] | None = None) -> None:
        super().__init__(room, name, service)
        self.seen: dict[str, StoredSession] = {}

    def put(self, key: str, value: bytes, seconds: int) -> None:
        super().put(key, value, seconds)
        self.seen[key] = StoredSession(value, seconds)

    def get(self, key: str) -> StoredSession | None:
        return self.seen.get(key) or super().get(key)


class ForgetsOnRestart(Sound):
    def close(self) -> None:
        self.room.open -= 1
        if not self.room.open:
            self.room.kept.clear()


class LeaksBetweenApps(Sound):
    def place(self, key: str) -> str:
        return key


class EndsTheNeighboursToo(Sound):
    def delete(self, key: str) -> None:
        super().delete(key)
        for place in [place for place in self.room.kept if place.endswith(f"/{key}")]:
            del self.room.kept[place]


class LosesWritesAtOnce(Sound):
    """Reads all, adds one, and writes all, as one who keeps them in a file does."""

    def put(self, key: str, value: bytes, seconds: int) -> None:
        self.ask(key)
        kept = dict(self.room.kept)
        self.room.between.meet()
        kept[self.place(key)] = (time.monotonic() + seconds, value)
        self.room.kept = kept


class WritesBackWhatItRead(Sound):
    """Prolongs in two steps, between which somebody signs out."""

    def delete(self, key: str) -> None:
        with self.room.between.entered():
            super().delete(key)

    def prolong(self, key: str, seconds: int) -> bool:
        found = self.get(key)
        self.room.between.hold()
        if found is None:
            return False
        self.put(key, found.value, seconds)
        return True


class SignsOutWithoutItsService(Sound):
    def get(self, key: str) -> StoredSession | None:
        try:
            return super().get(key)
        except Unavailable:
            return None


class SwallowsErrors(Sound):
    def delete(self, key: str) -> None:
        try:
            super().delete(key)
        except Unavailable:
            return


class MakesRequestsWait(Sound):
    at_once = faults.SOON

    def ask(self, key: str = "") -> None:
        faults.insist(partial(super().ask, key), Unavailable)


class TellsTheKey(Sound):
    def ask(self, key: str = "") -> None:
        try:
            super().ask(key)
        except Unavailable as error:
            raise Unavailable(f"sessions: no answer about {key}") from error


class TellsItsSecret(faults.TellsItsSecret, Sound):
    """In its representation."""


class CanNotBeClosedTwice(faults.CanNotBeClosedTwice, Sound):
    """Fails the second time."""


def bench_of(kind: type[Sound]) -> SessionBench:
    room = Room()
    return SessionBench(
        open=lambda: kind(room),
        beside=lambda: kind(room, "other"),
        reach=lambda host, port: kind(room, service=(host, port)),
        secrets=["hunter22"],
        at_once=kind.at_once,
    )

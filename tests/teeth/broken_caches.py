"""Caches that are wrong in one way each; the contract must tell which."""

from __future__ import annotations

import re
import threading
import time
from typing import Any, ClassVar

from dinnerkit.errors import Unavailable
from dinnerkit.ports.cached_values import CachedValues
from dinnerkit.testing import CacheBench
from tests.teeth import faults
from tests.teeth.meeting import Between

VALUES = CachedValues()


class Room:
    """What the caches of several processes have in common: for each key, until when there is what."""

    def __init__(self) -> None:
        self.kept: dict[str, tuple[float, bytes]] = {}
        self.lock = threading.RLock()
        self.between = Between()


class Sound:
    """A cache that passes; it asks its service first, where it has one."""

    at_once = faults.LATE

    def __init__(self, room: Room, name: str = "", service: tuple[str, int] | None = None) -> None:
        self.room = room
        self.name = name
        self.service = service

    def ask(self) -> None:
        try:
            faults.ask(self.service)
        except OSError as error:
            raise Unavailable("the cache does not answer") from error

    def key(self, key: str) -> str:
        return f"{self.name}/{key}"

    def get(self, key: str) -> Any:
        self.ask()
        until, stored = self.room.kept.get(self.key(key), (0.0, None))
        return VALUES.loads(stored) if until > time.monotonic() else None

    def set(self, key: str, value: Any, timeout: int | None = None) -> bool:
        self.ask()
        self.room.kept[self.key(key)] = (time.monotonic() + (timeout or 300), VALUES.dumps(value))
        return True

    def claim(self, key: str, value: Any, timeout: int) -> bool:
        self.ask()
        with self.room.lock:
            free = self.get(key) is None
            if free:
                self.set(key, value, timeout)
        return free

    def delete(self, key: str) -> bool:
        self.ask()
        return self.room.kept.pop(self.key(key), None) is not None

    def clear(self) -> bool:
        self.ask()
        for key in [key for key in self.room.kept if key.startswith(f"{self.name}/")]:
            self.room.kept.pop(key, None)
        return True


class LooksBeforeItClaims(Sound):
    def claim(self, key: str, value: Any, timeout: int) -> bool:
        free = self.get(key) is None
        self.room.between.meet()
        return self.set(key, value, timeout) if free else False


class GivesAwayWhatIsTaken(Sound):
    def claim(self, key: str, value: Any, timeout: int) -> bool:
        return self.set(key, value, timeout)


class KeepsClaimsForEver(Sound):
    def claim(self, key: str, value: Any, timeout: int) -> bool:
        return super().claim(key, value, 10_000)


class RoundsClaimsDown(Sound):
    """To whole minutes."""

    def claim(self, key: str, value: Any, timeout: int) -> bool:
        minutes = timeout // 60
        return super().claim(key, value, minutes * 60) if minutes else self.get(key) is None


class ClaimsWithoutAValue(Sound):
    def claim(self, key: str, value: Any, timeout: int) -> bool:
        return super().claim(key, b"", timeout)


class TakesFalseForNothing(Sound):
    def get(self, key: str) -> Any:
        return super().get(key) or None


class MakesTextOfBytes(Sound):
    def set(self, key: str, value: Any, timeout: int | None = None) -> bool:
        return super().set(key, value.decode("latin-1") if isinstance(value, bytes) else value, timeout)


class TakesAnything(Sound):
    def set(self, key: str, value: Any, timeout: int | None = None) -> bool:
        try:
            return super().set(key, value, timeout)
        except TypeError:
            return False


class KeepsTheFirst(Sound):
    def set(self, key: str, value: Any, timeout: int | None = None) -> bool:
        return self.get(key) is None and super().set(key, value, timeout)


class SimplifiesKeys(Sound):
    def key(self, key: str) -> str:
        return super().key(re.sub(r"\W", "_", key))


class CutsKeys(Sound):
    def key(self, key: str) -> str:
        return super().key(key[:250])


class SharesTheObject(Sound):
    objects: ClassVar[dict[str, Any]] = {}

    def set(self, key: str, value: Any, timeout: int | None = None) -> bool:
        self.objects[key] = value
        return super().set(key, value, timeout)

    def get(self, key: str) -> Any:
        return self.objects.get(key)


class DeletesNothing(Sound):
    def delete(self, key: str) -> bool:
        return self.get(key) is not None


class DeletesTooMuch(Sound):
    def delete(self, key: str) -> bool:
        return self.clear()


class IgnoresTimeouts(Sound):
    def set(self, key: str, value: Any, timeout: int | None = None) -> bool:
        return super().set(key, value, 300)


class ClearsTheWholeStore(Sound):
    def clear(self) -> bool:
        self.room.kept.clear()
        return True


class LeaksBetweenNeighbours(Sound):
    def key(self, key: str) -> str:
        return f"/{key}"


class ClearsNothing(Sound):
    def clear(self) -> bool:
        return True


class IsGivenWhatOthersDeleted(Sound):
    """Keeps a copy of its own in front of the store."""

    def __init__(self, room: Room, name: str = "", service: tuple[str, int] | None = None) -> None:
        super().__init__(room, name, service)
        self.near: dict[str, Any] = {}

    def set(self, key: str, value: Any, timeout: int | None = None) -> bool:
        self.near[key] = value
        return super().set(key, value, timeout)

    def get(self, key: str) -> Any:
        return self.near.get(key) or super().get(key)


class SeesOnlyItsOwn(Sound):
    def key(self, key: str) -> str:
        return f"{self.name}/{id(self)}/{key}"


class WritesInTwoSteps(Sound):
    """A reader comes between the halves."""

    def get(self, key: str) -> Any:
        with self.room.between.entered():
            return super().get(key)

    def set(self, key: str, value: Any, timeout: int | None = None) -> bool:
        with self.room.lock:
            if isinstance(value, list):
                super().set(key, value[:100], timeout)
                self.room.between.hold()
            return super().set(key, value, timeout)


class SwallowsErrors(Sound):
    def get(self, key: str) -> Any:
        try:
            return super().get(key)
        except Unavailable:
            return None


class MakesRequestsWait(Sound):
    at_once = faults.SOON

    def ask(self) -> None:
        faults.insist(super().ask, Unavailable)


class TellsItsSecret(faults.TellsItsSecret, Sound):
    """In its representation."""


def bench_of(kind: type[Sound]) -> CacheBench:
    room = Room()
    return CacheBench(
        open=lambda: kind(room, "ours"),
        beside=lambda: kind(room, "theirs"),
        reach=lambda host, port: kind(Room(), "ours", (host, port)),
        secrets=["hunter22"],
        at_once=kind.at_once,
    )

"""Limiter storages that are wrong in one way each; the contract must tell which."""

from __future__ import annotations

import time
from collections import defaultdict
from dataclasses import dataclass
from typing import Any, ClassVar

from limits.storage import MovingWindowSupport, Storage

from dinnerkit.errors import Unavailable
from dinnerkit.ports.limiter import Lease, Unspent
from dinnerkit.ports.limiter_windows import Windows
from dinnerkit.testing import LimiterBench
from tests.teeth import faults
from tests.teeth.meeting import Between


class LeasingWindows(Windows):
    """Windows in memory that lease as the port has it."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.between = Between()

    def lease(self, key: str, limit: int, seconds: float, *, need: int, most: int, share: int, back: Unspent | None) -> Lease:
        self.acquire_entry(key, limit, int(seconds), 0)
        with self._lock:
            now, hits = self._clock(), self._windows[key].hits
            if back is not None:
                for _ in range(min(back.left, hits.count(back.stamp) - back.spent)):
                    hits.remove(back.stamp)
            free = limit - len(hits)
            granted = max(0, min(free, max(need, min(most, free // share))))
            hits.extend([now] * granted)
            return Lease(granted, now, hits[0] if hits else now, len(hits))


PLACES: defaultdict[str, LeasingWindows] = defaultdict(LeasingWindows)
"""Where the processes of one test count together."""


class SoundStorage(Storage, MovingWindowSupport):
    """A storage of the limits library that passes; it asks its service first, where it has one."""

    STORAGE_SCHEME: ClassVar[list[str]] = ["teeth-sound"]

    def __init__(
        self, uri: str, wrap_exceptions: bool = False, place: str = "", service: tuple[str, int] | None = None, **options: Any
    ) -> None:
        super().__init__(uri, wrap_exceptions=wrap_exceptions, **options)
        self.windows = PLACES[place]
        self.service = service

    @property
    def base_exceptions(self) -> type[Exception]:
        return OSError

    def ask(self) -> None:
        faults.ask(self.service)

    def acquire_entry(self, key: str, limit: int, expiry: int, amount: int = 1) -> bool:
        self.ask()
        return self.windows.acquire_entry(key, limit, expiry, amount)

    def get_moving_window(self, key: str, limit: int, expiry: int) -> tuple[float, int]:
        self.ask()
        return self.windows.get_moving_window(key, limit, expiry)

    def incr(self, key: str, expiry: float, amount: int = 1) -> int:
        return self.windows.incr(key, expiry, amount)

    def get(self, key: str) -> int:
        return self.windows.get(key)

    def get_expiry(self, key: str) -> float:
        return self.windows.get_expiry(key)

    def check(self) -> bool:
        try:
            self.ask()
        except OSError:
            return False
        return True

    def clear(self, key: str) -> None:
        self.windows.clear(key)

    def reset(self) -> int:
        return self.windows.reset()


@dataclass
class Sound:
    """Where it is, as the port has it."""

    place: str
    service: tuple[str, int] | None = None
    storage: ClassVar[type[SoundStorage]] = SoundStorage
    at_once: ClassVar[float] = faults.LATE

    @property
    def uri(self) -> str:
        return f"{self.storage.STORAGE_SCHEME[0]}://"

    @property
    def options(self) -> dict[str, Any]:
        return {"place": self.place, "service": self.service}

    def lease(self, key: str, limit: int, seconds: float, *, need: int, most: int, share: int, back: Unspent | None) -> Lease:
        faults.ask(self.service)
        return PLACES[self.options["place"]].lease(key, limit, seconds, need=need, most=most, share=share, back=back)

    def ping(self) -> None:
        if not self.storage(self.uri, **self.options).check():
            raise Unavailable("the store does not answer")

    def close(self) -> None:
        """Nothing to give back."""


class _LetsOneTooMany(SoundStorage):
    STORAGE_SCHEME: ClassVar[list[str]] = ["teeth-one-too-many"]

    def acquire_entry(self, key: str, limit: int, expiry: int, amount: int = 1) -> bool:
        return super().acquire_entry(key, limit + 1, expiry, amount)


class LetsOneTooMany(Sound):
    storage = _LetsOneTooMany


class _CountsWhatItRefuses(SoundStorage):
    STORAGE_SCHEME: ClassVar[list[str]] = ["teeth-counts-refused"]

    def acquire_entry(self, key: str, limit: int, expiry: int, amount: int = 1) -> bool:
        before = self.windows.get_moving_window(key, limit, expiry)[1]
        super().acquire_entry(key, 1 << 60, expiry, amount)
        return before + amount <= limit


class CountsWhatItRefuses(Sound):
    storage = _CountsWhatItRefuses


class _OneWindowForAll(SoundStorage):
    STORAGE_SCHEME: ClassVar[list[str]] = ["teeth-one-window"]

    def acquire_entry(self, key: str, limit: int, expiry: int, amount: int = 1) -> bool:
        return super().acquire_entry("everybody", limit, expiry, amount)


class OneWindowForAll(Sound):
    storage = _OneWindowForAll


class _LooksAndThenCounts(SoundStorage):
    """Lets through whoever sees that the last is free, and others by then."""

    STORAGE_SCHEME: ClassVar[list[str]] = ["teeth-looks-first"]

    def acquire_entry(self, key: str, limit: int, expiry: int, amount: int = 1) -> bool:
        if super().acquire_entry(key, limit - 1, expiry, amount):
            return True
        count = self.windows.get_moving_window(key, limit, expiry)[1]
        self.windows.between.meet()
        return count + amount <= limit and super().acquire_entry(key, 1 << 60, expiry, amount)


class LooksAndThenCounts(Sound):
    storage = _LooksAndThenCounts


class CountsForItself(Sound):
    @property
    def options(self) -> dict[str, Any]:
        return super().options | {"place": f"{self.place}-{id(self)}"}


class _FixedWindows(SoundStorage):
    """Begins to count anew at moments of its own, whatever was before: at the worst of all, when a window has just become full."""

    STORAGE_SCHEME: ClassVar[list[str]] = ["teeth-fixed"]

    def acquire_entry(self, key: str, limit: int, expiry: int, amount: int = 1) -> bool:
        let = super().acquire_entry(key, limit, expiry, amount)
        if not let:
            self.windows.clear(key)
        return let


class FixedWindows(Sound):
    storage = _FixedWindows


class _TellsTheWrongTime(SoundStorage):
    STORAGE_SCHEME: ClassVar[list[str]] = ["teeth-wrong-time"]

    def get_moving_window(self, key: str, limit: int, expiry: int) -> tuple[float, int]:
        return 0.0, super().get_moving_window(key, limit, expiry)[1]


class TellsTheWrongTime(Sound):
    storage = _TellsTheWrongTime


class _TakesWhatIsLeft(SoundStorage):
    """Counts a part of what it refuses."""

    STORAGE_SCHEME: ClassVar[list[str]] = ["teeth-takes-part"]

    def acquire_entry(self, key: str, limit: int, expiry: int, amount: int = 1) -> bool:
        return [super(_TakesWhatIsLeft, self).acquire_entry(key, limit, expiry) for _ in range(amount)][-1]


class TakesWhatIsLeft(Sound):
    storage = _TakesWhatIsLeft


class _ForgetsAll(SoundStorage):
    STORAGE_SCHEME: ClassVar[list[str]] = ["teeth-forgets-all"]

    def clear(self, key: str) -> None:
        self.windows.reset()


class ForgetsAll(Sound):
    storage = _ForgetsAll


class _LetsAllThroughWithoutItsService(SoundStorage):
    STORAGE_SCHEME: ClassVar[list[str]] = ["teeth-fails-open"]

    def acquire_entry(self, key: str, limit: int, expiry: int, amount: int = 1) -> bool:
        try:
            return super().acquire_entry(key, limit, expiry, amount)
        except OSError:
            return True


class LetsAllThroughWithoutItsService(Sound):
    storage = _LetsAllThroughWithoutItsService


class _MakesRequestsWait(SoundStorage):
    STORAGE_SCHEME: ClassVar[list[str]] = ["teeth-waits"]

    def ask(self) -> None:
        faults.insist(super().ask, OSError)


class MakesRequestsWait(Sound):
    storage = _MakesRequestsWait
    at_once = faults.SOON


class _SaysThatAllIsWell(SoundStorage):
    STORAGE_SCHEME: ClassVar[list[str]] = ["teeth-check-true"]

    def check(self) -> bool:
        return True


class SaysThatAllIsWell(Sound):
    storage = _SaysThatAllIsWell

    def ping(self) -> None:
        if self.service:
            raise Unavailable("the store does not answer")


class LeasesAllThatIsFree(Sound):
    def lease(self, key: str, limit: int, seconds: float, *, need: int, most: int, share: int, back: Unspent | None) -> Lease:
        return super().lease(key, limit, seconds, need=max(need, most), most=most, share=share, back=back)


class LeasesNoMoreThanAShare(Sound):
    def lease(self, key: str, limit: int, seconds: float, *, need: int, most: int, share: int, back: Unspent | None) -> Lease:
        return super().lease(key, limit, seconds, need=1, most=max(need, most), share=share, back=back)


class LeasesElsewhere(Sound):
    def lease(self, key: str, limit: int, seconds: float, *, need: int, most: int, share: int, back: Unspent | None) -> Lease:
        return super().lease(f"leases:{key}", limit, seconds, need=need, most=most, share=share, back=back)


class TakesBackTwice(Sound):
    def lease(self, key: str, limit: int, seconds: float, *, need: int, most: int, share: int, back: Unspent | None) -> Lease:
        back = back._replace(spent=0) if back is not None else None
        return super().lease(key, limit, seconds, need=need, most=most, share=share, back=back)


class LooksAndThenLeases(Sound):
    """Gives what it has seen to be the last, and others by then."""

    def lease(self, key: str, limit: int, seconds: float, *, need: int, most: int, share: int, back: Unspent | None) -> Lease:
        all_but_the_last = super().lease(key, limit - need, seconds, need=need, most=most, share=share, back=back)
        if all_but_the_last.granted:
            return all_but_the_last
        free = limit - PLACES[self.place].get_moving_window(key, limit, int(seconds))[1]
        PLACES[self.place].between.meet()
        return super().lease(key, 1 << 60, seconds, need=min(need, free), most=min(most, free), share=share, back=None)


class LeasesWithoutItsService(Sound):
    def lease(self, key: str, limit: int, seconds: float, *, need: int, most: int, share: int, back: Unspent | None) -> Lease:
        return Lease(need, time.time(), time.time(), need)


class TellsItsSecret(faults.TellsItsSecret, Sound):
    """In its representation."""


class CanNotBeClosedTwice(faults.CanNotBeClosedTwice, Sound):
    """Fails the second time."""


def bench_of(kind: type[Sound], place: str) -> LimiterBench:
    return LimiterBench(
        open=lambda: kind(place),
        reach=lambda host, port: kind(place, (host, port)),
        secrets=["hunter22"],
        at_once=kind.at_once,
    )

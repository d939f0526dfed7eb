"""Rate limits that go on where their storage fails: meanwhile the process counts on from what it was told last.

flask-limiter has a fallback of its own, by which only the first of the requests that meet a failing storage at the same time goes on, and
which comes back to the storage as soon as it answers a ping, whether or not it takes a hit.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import structlog
from limits.storage import MovingWindowSupport, Storage, storage_from_string

from dinnerkit.ports.leased_limits import LeasedWindows
from dinnerkit.ports.limiter import Leases, LimiterStorage
from dinnerkit.ports.limiter_windows import Windows
from dinnerkit.retry import Breaker

log = structlog.get_logger(__name__)

SCHEME = "dinnerkit-shielded"

_REST_SECONDS = 1.0

V = TypeVar("V")


class ShieldedWindows(Storage, MovingWindowSupport):
    """A storage of the limits library that never raises: what has just failed is left alone for a second, and the process counts.

    Args:
        uri: of no meaning here.
        wrap_exceptions: of no meaning either.
        storage: what counts while it works.
        ahead: whether several hits of a caller may be counted at a time, where the storage can.
    """

    STORAGE_SCHEME = [SCHEME]  # noqa: RUF012 - as the library has it

    def __init__(self, uri: str | None = None, wrap_exceptions: bool = False, *, storage: LimiterStorage, ahead: bool = False) -> None:
        super().__init__(uri, wrap_exceptions=wrap_exceptions)
        windows: Any = storage_from_string(storage.uri, **storage.options)
        self._storage: Any = LeasedWindows(windows, storage, ahead=ahead) if isinstance(storage, Leases) else windows
        self._hit = _in_one_step(self._storage)
        self._remembered = self._storage.remembered if isinstance(self._storage, LeasedWindows) else lambda _key, _expiry: 0
        self._meanwhile = Windows()
        self._breaker = Breaker(_REST_SECONDS)

    @property
    def base_exceptions(self) -> type[Exception]:
        """What a failing storage raises: this one does not fail."""
        return ValueError

    def acquire_entry(self, key: str, limit: int, expiry: int, amount: int = 1) -> bool:
        """Count ``amount`` hits, unless they would be more than ``limit`` in the last ``expiry`` seconds."""
        return self._by_either(lambda storage: bool(storage.acquire_entry(key, limit, expiry, amount)))

    def hit(self, key: str, limit: int, expiry: int) -> tuple[bool, float, int]:
        """Count a hit as :meth:`acquire_entry` does; whether it is within the limit, since when hits count, and how many do."""
        if self._breaker.lets():  # as by either, without a call more, since this is what is asked most
            try:
                found = self._hit(key, limit, expiry)
            except Exception as error:  # noqa: BLE001 - see there
                self._fail(error)
            else:
                self._breaker.worked()
                return found
        before = self._remembered(key, expiry)  # without which each process would let as many through again, and most fail under a flood
        let, began, hits = self._meanwhile.hit(key, limit - before, expiry)
        return let, began, min(limit, before + hits)

    def get_moving_window(self, key: str, limit: int, expiry: int) -> tuple[float, int]:
        """Since when hits count, and how many do."""
        return self._by_either(lambda storage: tuple(storage.get_moving_window(key, limit, expiry)))

    def incr(self, key: str, expiry: int, amount: int = 1) -> int:
        """Count; the count."""
        return self._by_either(lambda storage: int(storage.incr(key, expiry, amount)))

    def get(self, key: str) -> int:
        """The count."""
        return self._by_either(lambda storage: int(storage.get(key)))

    def get_expiry(self, key: str) -> float:
        """When the newest hit stops counting."""
        return self._by_either(lambda storage: float(storage.get_expiry(key)))

    def check(self) -> bool:
        """There is always one that counts."""
        return True

    def clear(self, key: str) -> None:
        """Forget one caller, here and there."""
        self._meanwhile.clear(key)
        self._by_either(lambda storage: storage.clear(key))

    def reset(self) -> int:
        """Forget all, here and there."""
        self._meanwhile.reset()
        return self._by_either(lambda storage: int(storage.reset() or 0))

    def _by_either(self, call: Callable[[Any], V]) -> V:
        if self._breaker.lets():
            try:
                found = call(self._storage)
            except Exception as error:  # noqa: BLE001 - every driver has errors of its own, and no request may fail by them
                self._fail(error)
            else:
                self._breaker.worked()
                return found
        return call(self._meanwhile)

    def _fail(self, error: Exception) -> None:
        self._breaker.failed()
        log.warning("limiter_failed", error=type(error).__name__)


def _in_one_step(storage: Any) -> Callable[[str, int, int], tuple[bool, float, int]]:
    """What counts a hit and tells of it; the storage is asked twice where it can't do both at once."""
    if isinstance(storage, Windows | LeasedWindows):
        return storage.hit

    def hit(key: str, limit: int, expiry: int) -> tuple[bool, float, int]:
        let = bool(storage.acquire_entry(key, limit, expiry))
        began, hits = storage.get_moving_window(key, limit, expiry)
        return let, began, hits

    return hit

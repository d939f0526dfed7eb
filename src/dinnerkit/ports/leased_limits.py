"""Moving windows that several processes share, of which each takes hits in advance, so that most hits need no round trip to the store.

A process counts some hits of a caller at once in the shared window and spends them by itself. How far that can be wrong:

- **Never is more let through than the limit allows**, in any stretch of time as long as its window. What is leased counts from the
  lease on, and may be spent for :func:`hold_seconds` after it. So that it counts for a whole window after it was spent too, all hits of
  a limit whose hits are leased count for that much longer (3 % of the window, half a minute at most).
- **A caller may be refused early**, by what other processes have leased for them and not spent: at most a 32nd of the limit and 64 hits
  for each of those processes, and of each process at most a quarter of what it let through for this caller during a window before.
  A process that is asked for this caller again gives back what it did not spend; one that ended, or forgot them among 10,000
  others, does not, and there it counts until the window has passed. Who comes to one process alone is never refused early.

As the window fills the leases shrink, and of its last 64 hits each is counted by itself. So is every hit of a limit below 64, or of a
window below half a minute.
"""

from __future__ import annotations

import math
import os
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from threading import Event, Lock
from typing import Any

from limits.storage import MovingWindowSupport, Storage

from dinnerkit.ports.limiter import Lease, Leases, Unspent

MOST_AHEAD = 64
SHARE = 32
GROWTH = 4
MOST_CALLERS = 10_000
"""Of so many callers a process remembers leases, at about 0.5 kB each."""

_HOLDS = 30
_LONGEST_HOLD = 30
_TOLD_SECONDS = 1.0
"""So long it is told from memory how full a window is, where nothing is leased."""


def hold_seconds(limit: int, expiry: int) -> int:
    """How long after a lease its hits may be spent; 0 where none are leased."""
    return min(expiry // _HOLDS, _LONGEST_HOLD) if limit >= 2 * SHARE else 0


@dataclass(slots=True)
class _Asking:
    """A question to the store that is under way."""

    refused: bool = False
    error: Exception | None = None
    answered: Event = field(default_factory=Event)


@dataclass(slots=True)
class _Account:
    """What this process knows of one window, and what it may spend of it.

    Attributes:
        since: since when ``streak`` hits came through here, by our clock.
        asked: when hits were leased, by our clock.
        stamp: the same by the store's.
        granted: how many hits were leased.
        left: how many of them are not spent.
        began: since when hits count, by the store's clock.
        hits: how many counted after the lease, those that were leased among them.
        streak: see ``since``.
        waiting: how many wait for somebody else's question.
        asking: that question.
    """

    since: float
    asked: float = float("-inf")
    stamp: float = 0.0
    granted: int = 0
    left: int = 0
    began: float = 0.0
    hits: int = 0
    streak: int = 0
    waiting: int = 0
    asking: _Asking | None = None

    def spend(self) -> bool:
        """Whether there was a hit to be spent."""
        if not self.left:
            return False
        self.left -= 1
        self.streak += 1
        return True

    def take(self, lease: Lease, asked: float) -> None:
        self.asked, self.stamp, self.granted, self.left = asked, lease.stamp, lease.granted, lease.granted
        self.began, self.hits = lease.began, lease.hits

    def give_back(self) -> Unspent | None:
        """What is not spent, and is nobody's from now on."""
        if not self.left:
            return None
        unspent = Unspent(self.stamp, self.granted - self.left, self.left)
        self.left = 0
        return unspent

    def told(self, now: float, expiry: int, hold: int) -> tuple[float, int]:
        """From when on a window of ``expiry`` seconds ends when the next hit stops counting, and how many count."""
        oldest = self.stamp + (now - self.asked) - expiry - hold
        return max(self.began, oldest) + hold, self.hits - self.left


class LeasedWindows(Storage, MovingWindowSupport):
    """A storage of the limits library's kind whose hits are leased.

    Where nothing may be leased for later, it still counts a hit and tells of it in one round trip instead of two.

    Args:
        windows: the limits library's storage.
        leases: the same windows, by leases.
        ahead: whether more may be leased than is spent at once.
        clock: tells seconds that only rise.
    """

    def __init__(self, windows: Any, leases: Leases, *, ahead: bool, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__()
        self._windows = windows
        self._leases = leases
        self._ahead = ahead
        self._clock = clock
        self._begin()

    def _begin(self) -> None:
        self._process = os.getpid()
        self._lock = Lock()
        self._accounts: OrderedDict[str, _Account] = OrderedDict()

    def __len__(self) -> int:
        """How many callers are remembered."""
        return len(self._accounts)

    @property
    def base_exceptions(self) -> Any:
        """What a failing storage raises."""
        return self._windows.base_exceptions

    def acquire_entry(self, key: str, limit: int, expiry: int, amount: int = 1) -> bool:
        """Count ``amount`` hits, unless they would be more than ``limit`` in the last ``expiry`` seconds; more than one go by no lease."""
        if amount == 1:
            return self.hit(key, limit, expiry)[0]
        return bool(self._windows.acquire_entry(key, limit, expiry + self._hold(limit, expiry), amount))

    def hit(self, key: str, limit: int, expiry: int) -> tuple[bool, float, int]:
        """Count a hit, unless it would be one too many; whether it comes through, since when hits count, and how many do.

        Raises:
            Exception: the store failed.
        """
        if self._process != os.getpid():
            self._begin()  # what was leased before a fork is the parent's
        hold = self._hold(limit, expiry)
        with self._lock:
            account = self._account(key)
            now = self._clock()
            if now < account.asked + hold and account.spend():
                return True, *account.told(now, expiry, hold)
            account.waiting += 1
        try:
            let = self._ask_or_wait(account, key, limit, expiry, hold)
        finally:
            with self._lock:
                account.waiting -= 1
        return let, *account.told(self._clock(), expiry, hold)

    def _ask_or_wait(self, account: _Account, key: str, limit: int, expiry: int, hold: int) -> bool:
        """Whether there is a hit for us. Of those who want one of the same window one asks for all, where hits may be leased for others."""
        while True:
            with self._lock:
                if self._clock() < account.asked + hold and account.spend():
                    return True
                asking = account.asking if hold else None
                if asking is None:
                    ours = account.asking = _Asking()
                    break
            asking.answered.wait()
            if asking.error is not None:
                raise asking.error
            if asking.refused:
                return False
        try:
            return self._ask(account, ours, key, limit, expiry, hold)
        except Exception as error:
            ours.error = error
            raise
        finally:
            account.asking = None
            ours.answered.set()

    def _ask(self, account: _Account, asking: _Asking, key: str, limit: int, expiry: int, hold: int) -> bool:
        with self._lock:
            asked = self._clock()
            if asked > account.since + expiry:
                account.since, account.streak = asked, 0
            back = account.give_back()
            need, most = (account.waiting, min(MOST_AHEAD, account.streak // GROWTH)) if hold else (1, 1)
        lease = self._leases.lease(key, limit, expiry + hold, need=need, most=most, share=SHARE, back=back)
        with self._lock:
            account.take(lease, asked)
            asking.refused = not account.spend()
        return not asking.refused

    def remembered(self, key: str, expiry: int) -> int:
        """How many hits of the last ``expiry`` seconds the store has told of, as if they had come evenly; it is not asked."""
        with self._lock:
            account = self._accounts.get(key)
            if account is None:
                return 0
            counts = account.asked + expiry - self._clock()  # so much of the time before it was asked is in the window still
            spread = account.stamp - account.began
            hits = account.hits - account.left
        if counts <= 0:
            return 0
        return hits if counts >= spread else math.ceil(hits * counts / spread)

    def get_moving_window(self, key: str, limit: int, expiry: int) -> tuple[float, int]:
        """Since when hits count, and how many do; what is leased here and not spent does not.

        Told from memory for a while, except that the window is full.
        """
        hold = self._hold(limit, expiry)
        with self._lock:
            account, now = self._accounts.get(key), self._clock()
            if account is not None and now < account.asked + max(hold, _TOLD_SECONDS):
                began, hits = account.told(now, expiry, hold)
                if hits < limit:
                    return began, hits
            left = account.left if account is not None else 0
        began, hits = self._windows.get_moving_window(key, limit, expiry + hold)
        return (began + hold if hits else began), max(0, hits - left)

    def incr(self, key: str, expiry: int, amount: int = 1) -> int:
        """Count; the count."""
        return int(self._windows.incr(key, expiry, amount))

    def get(self, key: str) -> int:
        """The count."""
        return int(self._windows.get(key))

    def get_expiry(self, key: str) -> float:
        """When the newest hit stops counting."""
        return float(self._windows.get_expiry(key))

    def check(self) -> bool:
        """Whether the store is there."""
        return bool(self._windows.check())

    def clear(self, key: str) -> None:
        """Forget one caller, here and there."""
        with self._lock:
            self._accounts.pop(key, None)
        self._windows.clear(key)

    def reset(self) -> int | None:
        """Forget all, here and there; how many there were."""
        with self._lock:
            self._accounts.clear()
        reset: int | None = self._windows.reset()
        return reset

    def _hold(self, limit: int, expiry: int) -> int:
        return hold_seconds(limit, expiry) if self._ahead else 0

    def _account(self, key: str) -> _Account:
        account = self._accounts.get(key)
        if account is None:
            account = self._accounts[key] = _Account(self._clock())
            if len(self._accounts) > MOST_CALLERS:
                self._accounts.popitem(last=False)
        else:
            self._accounts.move_to_end(key)
        return account

"""Moving windows in the process, at a cost that does not grow with the number of callers.

The memory storage of the limits library starts a timer thread with almost every hit, which goes through the windows of all callers
each 10 ms. Here each hit looks after the window that it hits, and forgets two others at most that nobody will ask for again.
"""

from __future__ import annotations

import time
from collections import OrderedDict, deque
from collections.abc import Callable
from dataclasses import dataclass, field
from threading import Lock
from typing import Any

from limits.storage import MovingWindowSupport, Storage

SCHEME = "dinnerkit-windows"
MOST_CALLERS = 100_000
"""How many are remembered, at about 1 kB each; of more, who was here longest ago is counted anew."""

_FORGOTTEN_A_HIT = 2


@dataclass(slots=True)
class _Window:
    """When each hit of one caller was, the oldest first."""

    seconds: float
    hits: deque[float] = field(default_factory=deque)

    def slide(self, now: float) -> None:
        while self.hits and self.hits[0] < now - self.seconds:
            self.hits.popleft()

    def is_over(self, now: float) -> bool:
        return not self.hits or self.hits[-1] < now - self.seconds


class Windows(Storage, MovingWindowSupport):
    """A storage of the limits library, for its moving windows and its plain counts."""

    STORAGE_SCHEME = [SCHEME]  # noqa: RUF012 - as the library has it

    def __init__(
        self, uri: str | None = None, wrap_exceptions: bool = False, *, clock: Callable[[], float] = time.time, **options: Any
    ) -> None:
        super().__init__(uri, wrap_exceptions=wrap_exceptions, **options)
        self._clock = clock
        self._windows: OrderedDict[str, _Window] = OrderedDict()
        self._lock = Lock()

    def __len__(self) -> int:
        """How many callers are remembered."""
        return len(self._windows)

    @property
    def base_exceptions(self) -> type[Exception]:
        """What a failing storage raises: memory does not fail."""
        return ValueError

    def acquire_entry(self, key: str, limit: int, expiry: int, amount: int = 1) -> bool:
        """Count ``amount`` hits, unless they would be more than ``limit`` in the last ``expiry`` seconds."""
        return self.hit(key, limit, expiry, amount)[0]

    def hit(self, key: str, limit: int, expiry: int, amount: int = 1) -> tuple[bool, float, int]:
        """The same, and since when hits count, and how many do, in one step."""
        now = self._clock()
        with self._lock:
            self._forget(now)
            window = self._windows.get(key)
            if window is None:
                window = self._windows[key] = _Window(expiry)
                if len(self._windows) > MOST_CALLERS:
                    self._windows.popitem(last=False)
            else:
                self._windows.move_to_end(key)
            window.slide(now)
            hits = window.hits
            let = len(hits) + amount <= limit
            if let:
                hits.extend([now] * amount)
            return let, hits[0] if hits else now, len(hits)

    def get_moving_window(self, key: str, limit: int, expiry: int) -> tuple[float, int]:
        """Since when hits count, and how many do."""
        now = self._clock()
        with self._lock:
            window = self._windows.get(key)
            if window is None:
                return now, 0
            window.slide(now)
            return (window.hits[0], len(window.hits)) if window.hits else (now, 0)

    def incr(self, key: str, expiry: float, amount: int = 1) -> int:
        """Count in a window that moves; the count."""
        self.acquire_entry(key, 1 << 62, int(expiry), amount)
        return self.get(key)

    def get(self, key: str) -> int:
        """The count."""
        return self.get_moving_window(key, 0, 0)[1]

    def get_expiry(self, key: str) -> float:
        """When the newest hit stops counting."""
        with self._lock:
            window = self._windows.get(key)
            return window.hits[-1] + window.seconds if window is not None and window.hits else self._clock()

    def check(self) -> bool:
        """Memory is always there."""
        return True

    def clear(self, key: str) -> None:
        """Forget one caller."""
        with self._lock:
            self._windows.pop(key, None)

    def reset(self) -> int:
        """Forget all; how many there were."""
        with self._lock:
            count = len(self._windows)
            self._windows.clear()
            return count

    def _forget(self, now: float) -> None:
        """Drop the callers who were here longest ago, where their time is over."""
        for _ in range(min(_FORGOTTEN_A_HIT, len(self._windows))):
            key, window = next(iter(self._windows.items()))
            if not window.is_over(now):
                return
            del self._windows[key]

"""The bounds of live connections."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from dinnerkit.live.errors import TooManyConnections

MOST_BYTES = 4096
"""The longest frame that is taken; a longer one ends the connection with 1009."""

MOST_WATCHED = 50
"""How much one connection may watch."""

MOST_FRAMES, FRAMES_SECONDS = 60, 10.0
"""How many frames may come within so many seconds; one more ends the connection with 1008."""

PING_SECONDS = 25
"""A connection on which nothing comes for so long is pinged; one that answers no ping until the next is over."""

SEND_SECONDS = 10.0
"""A connection that takes nothing for so long is over."""

AUTHENTICATE_SECONDS = 10.0
"""How long a connection may go without saying whose it is."""

RECHECK_SECONDS = 60.0
"""How often is asked anew whether it still is that user's."""

TELL_SECONDS = 0.25
"""What is watched is told no more often than this."""

MOST_UNSENT = 32_768
"""How many bytes may wait for a connection that takes nothing at the moment; with one more it is over."""

CLOSE_SECONDS = 5.0
"""How long the other side may take to hang up once it was told that the connection is over."""

_LOOK_SECONDS = 1.0


class Connections:
    """Counts the live connections of this process, and wakes them when it is about to end, so that none needs to look up for that.

    Args:
        each: how many one user may have.
        all_together: how many there may be.
    """

    def __init__(self, each: int = 10, all_together: int = 800) -> None:
        self._each, self._all_together = each, all_together
        self._lock = threading.Lock()
        self._of: Counter[str] = Counter()
        self._wakes: dict[object, Callable[[], None]] = {}
        self._apart = 0
        self._watched = False
        self.stopping: Callable[[], bool] = lambda: False
        """Whether the process is about to end; a server that drains says so here."""

    def __len__(self) -> int:
        """How many there are."""
        return len(self._wakes) + self._apart

    def take_in(self) -> None:
        """Count one more, whose owner asks by itself whether the process is about to end; until :meth:`let_go`.

        Raises:
            TooManyConnections: there are as many as there may be.
        """
        with self._lock:
            self._one_more()
            self._apart += 1

    def let_go(self) -> None:
        """Count one less of those."""
        with self._lock:
            self._apart -= 1

    def _one_more(self) -> None:
        if len(self) >= self._all_together:
            raise TooManyConnections("Too many live connections; try again in a while.")

    @contextmanager
    def one(self, wake: Callable[[], None]) -> Iterator[None]:
        """A connection, while it lasts.

        Args:
            wake: called, from a thread of its own, when the process is about to end.

        Raises:
            TooManyConnections: there are as many as there may be.
        """
        mark = object()
        with self._lock:
            self._one_more()
            if not self._watched:
                threading.Thread(target=self._watch, name="live-connections", daemon=True).start()
                self._watched = True  # and not before: where no thread is to be had nothing is counted
            self._wakes[mark] = wake
        try:
            yield
        finally:
            with self._lock:
                del self._wakes[mark]

    def _watch(self) -> None:
        """Look, once a second for all, whether the process is about to end, until there is nobody left to be told."""
        while True:
            time.sleep(_LOOK_SECONDS)
            with self._lock:
                if not self._wakes:
                    self._watched = False
                    return
                wakes = list(self._wakes.values()) if self.stopping() else []
            for wake in wakes:
                wake()

    def enter(self, user_id: str) -> bool:
        """Count one more of a user; False if they have as many as they may."""
        with self._lock:
            if self._of[user_id] >= self._each:
                return False
            self._of[user_id] += 1
            return True

    def leave(self, user_id: str) -> None:
        """Count one less of a user."""
        with self._lock:
            self._of[user_id] -= 1
            if not self._of[user_id]:
                del self._of[user_id]

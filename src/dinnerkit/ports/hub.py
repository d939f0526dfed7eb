"""The listeners of one process, by topic: where each of the buses ends."""

from __future__ import annotations

import threading
import time
from collections import defaultdict, deque
from collections.abc import Callable
from types import TracebackType
from typing import Self

from dinnerkit.ports.bus import MISSED, Heard, News


class Hub:
    """Hands news to the inboxes that listen to their topics.

    Args:
        emptied: called when the last inbox is closed.
    """

    def __init__(self, emptied: Callable[[], None] = lambda: None) -> None:
        self._emptied = emptied
        self._lock = threading.Lock()
        self._inboxes: set[Inbox] = set()
        self._listening: defaultdict[str, set[Inbox]] = defaultdict(set)

    def __len__(self) -> int:
        """How many inboxes are open."""
        return len(self._inboxes)

    def open(self, most: int) -> Inbox:
        """A new inbox, which listens to nothing yet."""
        inbox = Inbox(self, most)
        with self._lock:
            self._inboxes.add(inbox)
        return inbox

    def hand_out(self, news: News) -> None:
        """Put news into the inboxes that listen to their topic."""
        with self._lock:
            inboxes = list(self._listening.get(news.topic, ()))
        for inbox in inboxes:
            inbox.put(news)

    def tell_missed(self) -> None:
        """Tell all that news may have been lost."""
        with self._lock:
            inboxes = list(self._inboxes)
        for inbox in inboxes:
            inbox.miss()

    def listen(self, inbox: Inbox, topic: str) -> None:
        """Let an inbox hear of a topic, unless it is closed."""
        with self._lock:
            if inbox in self._inboxes:
                self._listening[topic].add(inbox)

    def unlisten(self, inbox: Inbox, topic: str) -> None:
        """Let it hear of it no more."""
        with self._lock:
            self._forget(inbox, topic)

    def leave(self, inbox: Inbox, topics: set[str]) -> None:
        """Forget an inbox."""
        with self._lock:
            there = inbox in self._inboxes
            self._inboxes.discard(inbox)
            for topic in topics:
                self._forget(inbox, topic)
            last = there and not self._inboxes
        if last:
            self._emptied()

    def _forget(self, inbox: Inbox, topic: str) -> None:
        self._listening[topic].discard(inbox)
        if not self._listening[topic]:
            del self._listening[topic]


class Inbox:
    """A subscription: what waits to be heard by one listener."""

    def __init__(self, hub: Hub, most: int) -> None:
        self._hub = hub
        self._most = most
        self._topics: set[str] = set()
        self._waiting: deque[Heard] = deque()
        self._awake = False
        self._changed = threading.Condition()

    def add(self, topic: str) -> None:
        """Hear of a topic too."""
        self._topics.add(topic)
        self._hub.listen(self, topic)

    def drop(self, topic: str) -> None:
        """Hear no more of it."""
        self._topics.discard(topic)
        self._hub.unlisten(self, topic)

    def next(self, timeout: float) -> Heard | None:
        """The next of what was heard, if there is any in time."""
        deadline = time.monotonic() + timeout
        with self._changed:
            while not self._waiting and not self._awake:
                left = deadline - time.monotonic()
                if left <= 0 or not self._changed.wait(left):
                    break
            if self._awake:
                self._awake = False
                return None
            return self._waiting.popleft() if self._waiting else None

    def wake(self) -> None:
        """Let the listener look up."""
        with self._changed:
            self._awake = True
            self._changed.notify()

    def close(self) -> None:
        """Hear nothing more."""
        self._hub.leave(self, self._topics)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def put(self, news: News) -> None:
        """Let news wait to be heard; all that wait are lost when they are too many."""
        with self._changed:
            if len(self._waiting) < self._most:
                self._waiting.append(news)
            else:
                self._waiting.clear()
                self._waiting.append(MISSED)
            self._changed.notify()

    def miss(self) -> None:
        """Say that news were lost; what waits is told by reading again, so it goes too."""
        with self._changed:
            self._waiting.clear()
            self._waiting.append(MISSED)
            self._changed.notify()

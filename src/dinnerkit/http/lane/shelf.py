"""The answers that one process keeps: so many bytes, found by who asks for them and forgotten by what they are about."""

from __future__ import annotations

import threading
from collections import OrderedDict, defaultdict
from collections.abc import Hashable, Sequence
from typing import Generic, Protocol, TypeVar

_MOST_PURGED = 10_000
"""Of so many keys it is remembered when they were last purged; what was begun before the oldest of them is not kept at all."""


class Sized(Protocol):
    """What is kept."""

    @property
    def keys(self) -> Sequence[str]:
        """What it is about."""
        ...

    @property
    def size(self) -> int:
        """Bytes that it takes, about."""
        ...


E = TypeVar("E", bound=Sized)


class Shelf(Generic[E]):
    """Entries by key, those forgotten first that were wanted longest ago.

    What is made takes time, and what it is made of may change meanwhile. So whoever makes an entry asks :meth:`mark` for the moment first,
    and :meth:`keep` takes it only if nothing that it is about was purged since.

    Args:
        most_bytes: how much is kept.
    """

    def __init__(self, most_bytes: int) -> None:
        self._most = most_bytes
        self._lock = threading.Lock()
        self._entries: OrderedDict[Hashable, E] = OrderedDict()
        self._sizes: dict[Hashable, int] = {}
        self._about: defaultdict[str, set[Hashable]] = defaultdict(set)
        self._purged: OrderedDict[str, int] = OrderedDict()
        self._moment = 0
        self._floor = 0
        self._bytes = 0

    def __len__(self) -> int:
        """How many are kept."""
        return len(self._entries)

    @property
    def bytes(self) -> int:
        """How much is kept."""
        return self._bytes

    def get(self, key: Hashable) -> E | None:
        """The entry, if it is kept."""
        entry = self._entries.get(key)  # without the lock, since each of the two is one step by itself, and this is what is done most
        if entry is not None:
            try:
                self._entries.move_to_end(key)
            except KeyError:  # forgotten in between
                return entry
        return entry

    def mark(self) -> int:
        """The present moment: it changes with each purge."""
        return self._moment

    def keep(self, key: Hashable, entry: E, begun: int) -> bool:
        """Keep an entry that was begun at that moment, unless it may be outdated already or takes up too much; whether it is kept."""
        with self._lock:
            if begun < self._floor or any(self._purged.get(about, 0) > begun for about in entry.keys):
                return False
            self._drop(key)
            if entry.size > self._most // 8:
                return False
            self._entries[key] = entry
            for about in entry.keys:
                self._about[about].add(key)
            self._weigh(key, entry)
            return True

    def grown(self, key: Hashable, entry: E) -> None:
        """Take note that an entry takes up more by now."""
        with self._lock:
            if self._entries.get(key) is entry:
                self._weigh(key, entry)

    def purge(self, keys: Sequence[str]) -> None:
        """Forget what is about one of these keys, and take nothing about them that was begun before now."""
        with self._lock:
            self._moment += 1
            for about in keys:
                self._purged[about] = self._moment
                self._purged.move_to_end(about)
                for key in list(self._about.get(about, ())):
                    self._drop(key)
            while len(self._purged) > _MOST_PURGED:
                self._floor = self._purged.popitem(last=False)[1]

    def clear(self) -> None:
        """Forget everything, and take nothing that was begun before now."""
        with self._lock:
            self._moment += 1
            self._floor = self._moment
            self._purged.clear()
            self._entries.clear()
            self._sizes.clear()
            self._about.clear()
            self._bytes = 0

    def _weigh(self, key: Hashable, entry: E) -> None:
        self._bytes += entry.size - self._sizes.get(key, 0)
        self._sizes[key] = entry.size
        while self._bytes > self._most:
            self._drop(next(iter(self._entries)))

    def _drop(self, key: Hashable) -> None:
        entry = self._entries.pop(key, None)
        if entry is None:
            return
        self._bytes -= self._sizes.pop(key)
        for about in entry.keys:
            self._about[about].discard(key)
            if not self._about[about]:
                del self._about[about]

"""One maker for each answer: who wants the same one meanwhile waits for it."""

from __future__ import annotations

import threading
from collections.abc import Hashable
from dataclasses import dataclass, field
from typing import Generic, TypeVar

A = TypeVar("A")


@dataclass(slots=True)
class Flight(Generic[A]):
    """An answer that is being made.

    Attributes:
        begun: the moment of the shelf at which it was begun.
        answer: once it has landed, what was made; None where that is for nobody else.
    """

    begun: int
    answer: A | None = None
    _landed: threading.Event = field(default_factory=threading.Event)

    def wait(self, seconds: float) -> A | None:
        """What was made, if it was made in time."""
        return self.answer if self._landed.wait(seconds) else None

    def land(self, answer: A | None) -> None:
        """Give what was made to all who wait."""
        self.answer = answer
        self._landed.set()


class Flights(Generic[A]):
    """The answers of one process that are being made."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._by_key: dict[Hashable, Flight[A]] = {}

    def board(self, key: Hashable, now: int) -> tuple[Flight[A], bool]:
        """The flight for this answer, and whether it is ours to make.

        One that was begun before the last purge is no good for whoever comes now: it may have read what was changed since.
        """
        with self._lock:
            flight = self._by_key.get(key)
            if flight is not None and flight.begun == now:
                return flight, False
            flight = self._by_key[key] = Flight(now)
            return flight, True

    def end(self, key: Hashable, flight: Flight[A], answer: A | None) -> None:
        """Land it, whatever came of it."""
        with self._lock:
            if self._by_key.get(key) is flight:
                del self._by_key[key]
        flight.land(answer)

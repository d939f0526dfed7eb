"""One read for many who ask at the same moment.

Each answer was read after its question came, so nobody is told what was before they asked: nothing is remembered. Who asks while nobody
else does reads at once; while a read is under way, those who come wait for it and are answered by the next one together. The busier a
process is, the fewer reads it sends for each answer.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Hashable, Sequence
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)
Q = TypeVar("Q")
A = TypeVar("A")

MOST = 64
"""So many are answered by one read at the most."""

PATIENCE_SECONDS = 0.02
"""So long a read that is under way is waited for: one that hangs must not hold up those who come after it."""


class JointReads(Generic[K, Q, A]):
    """Answers questions, those that come together by one read.

    Args:
        read: given what the questions are about and all of them, answers each, in their order.
    """

    def __init__(self, read: Callable[[K, Sequence[Q]], Sequence[A]]) -> None:
        self._read = read
        self._lock = threading.Lock()
        self._running: dict[K, _Reading[Q, A]] = {}
        self._waiting: dict[K, _Reading[Q, A]] = {}

    def ask(self, about: K, question: Q) -> A:
        """The answer, read from now on; only questions about the same are answered together.

        Raises:
            Exception: whatever the read raised.
        """
        reading, place, before = self._join(about, question)
        if place:
            return self._answered(reading, place, about, question)
        try:
            if before is not None:
                before.over.wait(PATIENCE_SECONDS)
                self._close(about, reading)
            reading.answers = self._read(about, reading.questions)
        except Exception as error:
            reading.error = error
            raise
        finally:  # also where whoever asks is ended in the middle
            self._end(about, reading)
        return reading.answers[0]

    def _close(self, about: K, reading: _Reading[Q, A]) -> None:
        """Let nobody join a read any more, which begins now."""
        with self._lock:
            if self._waiting.get(about) is reading:
                del self._waiting[about]
            self._running[about] = reading

    def _end(self, about: K, reading: _Reading[Q, A]) -> None:
        with self._lock:
            for readings in (self._running, self._waiting):
                if readings.get(about) is reading:
                    del readings[about]
        reading.over.set()

    def _join(self, about: K, question: Q) -> tuple[_Reading[Q, A], int, _Reading[Q, A] | None]:
        """The read that will answer; the place in it, of which the first has it carried out; and what that waits for, if anything."""
        with self._lock:
            waiting = self._waiting.get(about)
            if waiting is not None and len(waiting.questions) < MOST:
                waiting.questions.append(question)
                return waiting, len(waiting.questions) - 1, None
            mine: _Reading[Q, A] = _Reading(question)
            before = self._running.get(about)
            if before is None:
                self._running[about] = mine
            else:
                self._waiting[about] = mine
            return mine, 0, before

    def _answered(self, joined: _Reading[Q, A], place: int, about: K, question: Q) -> A:
        joined.over.wait()
        if joined.answers is not None:
            return joined.answers[place]
        if joined.error is not None:
            raise joined.error
        return self.ask(about, question)  # whoever read was ended in the middle, which is nobody else's business


class _Reading(Generic[Q, A]):
    """A read, of which others may wait for the end."""

    __slots__ = ("answers", "error", "over", "questions")

    def __init__(self, first: Q) -> None:
        self.questions = [first]
        self.answers: Sequence[A] | None = None
        self.error: Exception | None = None
        self.over = threading.Event()

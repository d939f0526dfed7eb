"""Where two meet in what goes wrong only between two, so that it always does, and not only where threads happen to meet."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from tests.waiting import DEADLINE


class Between:
    """A moment between two steps of what one does, in which another comes: once, and the first time that it can be.

    Whoever waits goes on alone in the end: a contract that lets nobody come is not to hang.

    Whoever made it, as the contract's own thread does with its bench, passes by: it is alone where it does anything itself.
    """

    def __init__(self) -> None:
        self._alone = threading.get_ident()
        self._first = threading.Lock()
        self._begun = threading.Event()
        self._over = threading.Event()

    def hold(self) -> bool:
        """Be between two steps until another has come; only the first who gets here, and whether that was this one."""
        held = self._one_of_many() and self._first.acquire(blocking=False)
        if held:
            self._begun.set()
            self._over.wait(DEADLINE)
        return held

    @contextmanager
    def entered(self) -> Iterator[None]:
        """Come while somebody is between two steps, who goes on at the end of the block."""
        if self._one_of_many():
            self._begun.wait(DEADLINE)
        yield
        if self._one_of_many():
            self._over.set()

    def meet(self) -> None:
        """Be between the same two steps as another is, both of whom have done the first and neither the second."""
        if self._one_of_many() and not self.hold():
            self._over.set()

    def _one_of_many(self) -> bool:
        return threading.get_ident() != self._alone

"""The offload port: a place where CPU-heavy work does not hold up an event loop."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol, TypeVar, runtime_checkable

T = TypeVar("T")


@runtime_checkable
class Offload(Protocol):
    """Runs a function that is heavy on the CPU and releases the GIL, such as a password hash.

    What an implementation must guarantee: the caller gets the result or the exception, and other greenlets go on meanwhile.
    """

    def __call__(self, function: Callable[[], T], needs: Sequence[str] = ()) -> T:
        """Run ``function`` and return its result; ``needs`` are the modules that it imports."""
        ...


def inline(function: Callable[[], T], needs: Sequence[str] = ()) -> T:
    """Run it here and now: right under threads and in commands, where no event loop waits. It imports what it needs itself."""
    return function()

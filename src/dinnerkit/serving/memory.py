"""Memory of the C library's: kept together, and given back to the system when nobody uses it any more."""

from __future__ import annotations

import ctypes
from typing import Any

import gevent

from dinnerkit.ports.offload import Offload

SECONDS = 10.0
"""How long free memory waits for somebody to use it again, at most."""

_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD, _M_ARENA_MAX = -1, -3, -8  # malloc.h
_LARGEST_THRESHOLD = 32 << 20
_NEVER = 1 << 30


def keep_together() -> None:
    """Have all threads take memory from one place, and what they free stay there until :func:`give_back`; before there is a second thread.

    glibc gives each thread a place of its own, so that threads need not wait for one another, and never gives back what is free at the
    end of such a place. Ours ask for little but the 19 MiB of a password hash, which takes half as long again where the system has to
    find memory for each. Left alone, glibc would give them back or not by the sizes that it has met.
    """
    for name, value in ((_M_ARENA_MAX, 1), (_M_MMAP_THRESHOLD, _LARGEST_THRESHOLD), (_M_TRIM_THRESHOLD, _NEVER)):
        _call("mallopt", name, value)


def give_back() -> None:
    """Give back what is free, which the C library keeps else for whoever asks next, however long that takes.

    It takes some milliseconds, in which the GIL is free.
    """
    _call("malloc_trim", 0)


def give_back_regularly(offload: Offload) -> None:
    """Give back what is free, again and again, on another thread, for as long as the process lives."""

    def regularly() -> None:
        while True:
            gevent.sleep(SECONDS)
            offload(give_back)

    gevent.spawn(regularly)


def _call(name: str, *arguments: int) -> None:
    """Call what glibc offers; elsewhere nothing is done."""
    library: Any = ctypes.CDLL(None)
    if hasattr(library, "malloc_trim"):
        getattr(library, name)(*arguments)

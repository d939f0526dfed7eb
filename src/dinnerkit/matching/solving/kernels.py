"""What the compiled searches share; importing this imports numba."""

from __future__ import annotations

from typing import Any

import numba as nb
import numpy as np

from dinnerkit.matching.solving.state import Words


def _can_keep() -> bool:
    """Whether there is a folder to keep compiled code in: beside this file, in the user's cache, or what NUMBA_CACHE_DIR names."""
    try:
        nb.njit(cache=True)(_can_keep)
    except RuntimeError:
        return False
    return True


KEPT = _can_keep()
"""Whether compiled code is kept on disk. Where it can't be, as for a user without a home, each process compiles for itself."""

JIT: dict[str, Any] = {"cache": KEPT, "fastmath": True, "error_model": "numpy"}
"""How code is compiled: kept on disk if that can be, and free to reorder sums. Infinities and NaN must not occur in what it is given."""

INNER: dict[str, Any] = JIT | {"no_cpython_wrapper": True, "no_cfunc_wrapper": True}
"""The same for what only compiled code calls: without a way in from Python, it is compiled in half the time."""

WOVEN: dict[str, Any] = INNER | {"forceinline": True}
"""The same, always made a part of what calls it. Otherwise a process that has just compiled calls the function by itself, and one that
reads the code from disk its caller's copy; the two sum in different orders, and the same seed would give other tables the first time."""

UNCOUNTED: dict[str, Any] = {"_nrt": False}
"""For what makes no arrays: no references to them are counted then. Otherwise each row that is looked at, and each array that is taken out
of a tuple, is an atomic addition and another that undoes it."""

MULTIPLIER, STEP = np.uint64(6364136223846793005), np.uint64(1442695040888963407)
"""Knuth's 64-bit linear congruential generator (MMIX): its high bits are good enough to shuffle with."""


@nb.njit(cache=KEPT, inline="always")
def meets(left: Words, right: Words) -> bool:
    """Whether two (families, words) have a bit in common in every family."""
    for family in range(left.shape[0]):
        some = False
        for word in range(left.shape[1]):
            if left[family, word] & right[family, word]:
                some = True
                break
        if not some:
            return False
    return True


@nb.njit(**INNER)
def swap_breaks(tables, one, other, home, target):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN201
    """How many more groups have no common bit once one of a group and another of a target have traded places.

    Args:
        tables: has ``masks``, ``rest`` and ``broken``, as :class:`~dinnerkit.matching.solving.state.State` explains them.
        one: who is in ``home``.
        other: who is in ``target``.
        home: a group.
        target: another.
    """
    breaks = -tables.broken[home] - tables.broken[target]
    if not meets(tables.rest[one], tables.masks[other]):
        breaks += 1
    if not meets(tables.rest[other], tables.masks[one]):
        breaks += 1
    return breaks


@nb.njit(**INNER)
def move_breaks(tables, one, home, target):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN201
    """The same once one of a group has gone over to the target, of whose members ``tables.common`` tells."""
    breaks = -tables.broken[home] - tables.broken[target]
    if not meets(tables.rest[one], tables.rest[one]):
        breaks += 1
    if not meets(tables.common[target], tables.masks[one]):
        breaks += 1
    return breaks

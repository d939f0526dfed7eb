"""Arguments of the solver turned into arrays that it can work on, or refused in words that say which and why."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from numbers import Integral
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from dinnerkit.matching.errors import RuleInvalid
from dinnerkit.matching.solving.state import Floats, Ints, Words

MOST_PEOPLE = 2**31 - 1
"""They are numbered by integers of 32 bits."""

_MOST_PROCESSES = 1000
_ROUNDING = 1e-8


def checked_weights(weights: ArrayLike) -> Floats:
    """(n, n) weights, finite and symmetric; 0 on the diagonal, whatever was there."""
    matrix = numbers(weights, "weights").copy()
    if matrix.ndim != 2 or matrix.shape[0] != matrix.shape[1]:  # noqa: PLR2004
        raise RuleInvalid(f"weights must be a square matrix, not of shape {matrix.shape}")
    np.fill_diagonal(matrix, 0.0)
    if not np.isfinite(matrix).all():
        raise RuleInvalid("weights must be finite; some are not a number, or infinite")
    largest = float(np.abs(matrix).max(initial=0.0))
    if largest > np.finfo(np.float64).max / max(1, matrix.size):
        raise RuleInvalid(f"weights must add up to a finite number; the largest is {largest:g}")
    if not np.allclose(matrix, matrix.T, atol=_ROUNDING * min(1.0, largest)):
        raise RuleInvalid("weights must be symmetric")
    return matrix


def checked_bounds(minimum: ArrayLike, maximum: ArrayLike, n: int) -> tuple[Ints, Ints]:
    """The smallest and the largest size of each group, into which n can be divided."""
    low, high = numbers(minimum, "the smallest sizes"), numbers(maximum, "the largest sizes")
    if low.shape != high.shape or low.ndim != 1 or not (low >= 0).all() or not (low <= high).all() or not (high >= 1).all():
        raise RuleInvalid("each group needs a minimum and a maximum size, 0 <= minimum <= maximum and maximum >= 1")
    low, high = np.ceil(low), np.floor(high)
    if (low > high).any():
        raise RuleInvalid("each group needs a whole number from its minimum to its maximum size")
    if not low.sum() <= n <= high.sum():
        raise RuleInvalid(f"{n} can't be divided into groups that hold from {low.sum():.0f} to {high.sum():.0f} in all")
    return low.astype(np.int64), np.minimum(high, max(n, 1)).astype(np.int64)


def checked_sets(sets: Iterable[Sequence[int] | Ints], n: int) -> list[list[int]]:
    """Sets of indexes that must share a group."""
    found = [tuple(members) if isinstance(members, Iterable) else members for members in sets]
    for members in found:
        if not isinstance(members, tuple):
            raise RuleInvalid(f"together must hold pairs, or more, of indexes, not {members!r}")
        if any(not isinstance(one, Integral) or not 0 <= int(one) < n for one in members):
            raise RuleInvalid(f"together must hold indexes from 0 to {n - 1}, not {members}")
    return [[int(one) for one in members] for members in found]


def checked_factor(factor: Floats | None, high: Ints) -> Floats:
    """(largest size + 1,) what a group's sum is multiplied by, given its size; 1 by default."""
    sizes = int(high.max(initial=0)) + 1
    if factor is None:
        return np.ones(sizes)
    found = numbers(factor, "factor")
    if found.ndim != 1 or len(found) < sizes or not np.isfinite(found).all() or (found < 0).any():
        raise RuleInvalid(f"factor must give each size from 0 to {sizes - 1} a finite number from 0 on")
    return found


def checked_masks(masks: Words | None, n: int) -> Words:
    """(n, families, words) of bits; no families by default."""
    if masks is None:
        return np.zeros((n, 0, 1), np.uint64)
    masks = np.asarray(masks)
    if masks.ndim != 3 or len(masks) != n or masks.dtype != np.uint64:  # noqa: PLR2004
        raise RuleInvalid(f"masks must be uint64 of shape ({n}, families, words), not {masks.dtype} of shape {masks.shape}")
    return masks


def check_budget(seconds: float | None, sweeps: int | None, heat: float, seed: int) -> None:
    """Refuse amounts below zero, and what is not a number."""
    if seconds is not None and not 0 <= seconds < np.inf:
        raise RuleInvalid(f"seconds must be a finite number from 0 on, not {seconds}")
    if sweeps is not None and (not isinstance(sweeps, int | np.integer) or sweeps < 0):
        raise RuleInvalid(f"sweeps must be a whole number from 0 on, not {sweeps}")
    if not 0 <= heat < np.inf:
        raise RuleInvalid(f"heat must be a finite number from 0 on, not {heat}")
    check_seed(seed)


def check_processes(processes: int) -> None:
    """Refuse numbers of processes that no machine has."""
    if not 1 <= processes <= _MOST_PROCESSES:
        bound = "at least one process must" if processes < 1 else f"at most {_MOST_PROCESSES} processes can"
        raise RuleInvalid(f"{bound} work, not {processes}")


def check_seed(seed: int) -> None:
    """Refuse what chance can't be drawn from."""
    if not isinstance(seed, int | np.integer) or seed < 0:
        raise RuleInvalid(f"seed must be a whole number from 0 on, not {seed}")


def checked_start(start: ArrayLike, n: int, low: Ints, high: Ints) -> Ints:
    """(n,) group numbers to begin from, sizes within bounds."""
    labels, groups = numbers(start, "start"), len(low)
    if labels.shape != (n,) or not (labels == np.floor(labels)).all() or (labels < 0).any() or (labels >= groups).any():
        raise RuleInvalid(f"start must give each a group from 0 to {groups - 1}")
    found = labels.astype(np.int64)
    size = np.bincount(found, minlength=groups)
    if (size < low).any() or (size > high).any():
        raise RuleInvalid("the groups to start from are not within the bounds of size")
    return found


def numbers(values: ArrayLike, what: str) -> NDArray[np.float64]:
    """Real numbers as an array."""
    try:
        found: NDArray[Any] = np.asarray(values)
        if np.iscomplexobj(found):
            raise RuleInvalid(f"{what} must be real numbers")
        return found.astype(np.float64, copy=False)
    except (TypeError, ValueError, OverflowError) as error:
        raise RuleInvalid(f"{what} must be numbers, in rows of the same length") from error

"""Columns that somebody hands in, looked at and brought into the shape of a crowd."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, SupportsIndex

import numpy as np
from numpy.typing import ArrayLike, NDArray

from dinnerkit.matching.errors import GuestInvalid
from dinnerkit.matching.people.guests import BUDGETS

_WORD = 64


class Numbers:
    """Ids that are numbers, made when they are asked for."""

    def __init__(self, numbers: NDArray[np.int32]) -> None:
        self._numbers = numbers

    def __len__(self) -> int:
        return len(self._numbers)

    def __iter__(self) -> Iterator[str]:
        return map(str, self._numbers.tolist())

    def __getitem__(self, place: SupportsIndex) -> str:
        return str(self._numbers[place])

    def take(self, index: NDArray[np.int64]) -> Numbers:
        """Some of them, in the order of the index."""
        return Numbers(self._numbers[index])


def ids(values: Sequence[str] | None, guests: int) -> tuple[str, ...] | Numbers:
    """The ids, or numbers from 0."""
    if values is None:
        return Numbers(np.arange(guests, dtype=np.int32))
    if len(values) != guests:
        raise GuestInvalid(f"{guests} guests need as many ids, not {len(values)}")
    if len(set(values)) < guests:
        raise GuestInvalid("some of the ids are in the list more than once")
    return tuple(values)


def numbers(name: str, values: ArrayLike, shape: tuple[int, ...], most: float) -> NDArray[np.float32]:
    """Numbers from 0 to the most, or NaN."""
    try:
        found = None if np.iscomplexobj(values) else np.asarray(values, np.float32)
    except (TypeError, ValueError, OverflowError):
        found = None
    if found is None:
        raise GuestInvalid(f"{name} must be numbers, or NaN where unset")
    _check_shape(name, found, shape)
    if not (np.isnan(found) | ((found >= 0) & (found <= most))).all():
        raise GuestInvalid(f"{name} must be from 0 to {most:g}, or NaN where unset")
    return found


def flags(name: str, values: ArrayLike | None, guests: int) -> NDArray[np.bool_]:
    """(n, kinds), whether each guest has each."""
    if values is None:
        return np.zeros((guests, 0), np.bool_)
    found = np.asarray(values)
    if found.ndim != 2 or len(found) != guests or found.dtype != np.bool_:  # noqa: PLR2004
        raise GuestInvalid(f"{name} must be true or false, of shape ({guests}, {name}), not {found.dtype} of shape {found.shape}")
    return found


def language_words(spoken: NDArray[np.bool_]) -> NDArray[np.uint64]:
    """A bit for each language; all bits where none is stated."""
    packed = np.packbits(spoken, axis=1, bitorder="little")
    words = np.zeros((len(spoken), max(1, -(-spoken.shape[1] // _WORD)) * _WORD // 8), np.uint8)
    words[:, : packed.shape[1]] = packed
    words[~spoken.any(axis=1)] = 0xFF
    return words.view(np.uint64)


def budgets(values: ArrayLike | None, guests: int) -> NDArray[np.int8]:
    """The tiers."""
    found = _whole("budget", np.zeros(guests, np.int8) if values is None else values, guests)
    if guests and not (found.min() >= 0 and found.max() <= len(BUDGETS)):
        raise GuestInvalid(f"budget must be from 0, unset, to {len(BUDGETS)}, {BUDGETS[-1]}")
    return found.astype(np.int8)


def parties(values: ArrayLike | None, guests: int) -> tuple[NDArray[np.int64], tuple[str | None, ...]]:
    """The number of each guest's party, in the order of their first members, and the name of each; None for a guest alone."""
    if values is None:
        return np.arange(guests), (None,) * guests
    found = _whole("party", values, guests)
    together = np.flatnonzero(found >= 0)
    _, first, number = np.unique(found[together], return_index=True, return_inverse=True)
    leader = np.arange(guests)
    leader[together] = together[first][number.reshape(-1)]
    leaders, party = np.unique(leader, return_inverse=True)
    names = tuple(None if found[one] < 0 else str(found[one]) for one in leaders.tolist())
    return party.reshape(-1).astype(np.int64), names


def pairs(name: str, values: ArrayLike, guests: int) -> NDArray[np.int64]:
    """(m, 2) of places."""
    found = np.asarray(values)
    if found.size == 0:
        return np.zeros((0, 2), np.int64)
    if found.ndim != 2 or found.shape[1] != 2 or not np.issubdtype(found.dtype, np.integer):  # noqa: PLR2004
        raise GuestInvalid(f"{name} must be pairs of whole numbers")
    if found.min() < 0 or found.max() >= guests:
        raise GuestInvalid(f"{name} must be places from 0 to {guests - 1}")
    return found.astype(np.int64)


def _whole(name: str, values: ArrayLike, guests: int) -> NDArray[Any]:
    found = np.asarray(values)
    _check_shape(name, found, (guests,))
    if guests and not np.issubdtype(found.dtype, np.integer):
        raise GuestInvalid(f"{name} must be whole numbers")
    return found


def _check_shape(name: str, found: NDArray[Any], shape: tuple[int, ...]) -> None:
    if found.shape != shape:
        raise GuestInvalid(f"{name} must be of shape {shape}, not {found.shape}")

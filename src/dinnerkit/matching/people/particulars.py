"""What only some rules ask about guests: diets, dinners been to, what they chose to state, and when they met whom."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dinnerkit.matching.people.guests import Guest

_LONG_AGO = 1 << 62
"""More dinners than anybody has been to, and as many as an array of whole numbers can hold."""


@dataclass(frozen=True)
class Stated:
    """One thing that people may state about themselves.

    Attributes:
        values: what anybody stated, in the order of the alphabet.
        code: (n,), the place in ``values`` of what each stated; -1 is unset.
    """

    values: tuple[str, ...]
    code: NDArray[np.int32]


@dataclass(frozen=True)
class Particulars:
    """Columns that only some rules read.

    Attributes:
        diets: (n, diets), whether the guest needs it.
        diet_names: of the columns of ``diets``.
        dinners: (n,), dinners been to before; NaN is unset.
        stated: by label, such as ``"gender"``.
        met_ago: (m, 3), two guests and how many dinners ago they met.
    """

    diets: NDArray[np.bool_]
    diet_names: tuple[str, ...]
    dinners: NDArray[np.float32]
    stated: Mapping[str, Stated]
    met_ago: NDArray[np.int64]

    @classmethod
    def of(cls, guests: Sequence[Guest], place: Mapping[str, int]) -> Particulars:
        """The columns of some guests; ``place`` tells each id's row."""
        names = tuple(sorted({diet for guest in guests for diet in guest.diets}))
        labels = sorted({label for guest in guests for label in guest.stated})
        rows = [
            (number, place[other], min(ago, _LONG_AGO))
            for number, g in enumerate(guests)
            for other, ago in g.met_ago.items()
            if other in place
        ]
        return cls(
            diets=np.array([name in guest.diets for guest in guests for name in names], np.bool_).reshape(len(guests), len(names)),
            diet_names=names,
            dinners=np.array([np.nan if g.dinners is None else min(g.dinners, _LONG_AGO) for g in guests], np.float32),
            stated={label: _stated(guests, label) for label in labels},
            met_ago=np.array(rows, np.int64).reshape(-1, 3),
        )

    @classmethod
    def unset(cls, guests: int) -> Particulars:
        """Those of guests of whom nothing is told."""
        nothing = np.full(guests, np.nan, np.float32)
        return cls(np.zeros((guests, 0), np.bool_), (), nothing, {}, np.zeros((0, 3), np.int64))

    def take(self, index: NDArray[np.int64]) -> Particulars:
        """Those of some guests, in the order of the index."""
        place = np.full(len(self.dinners), -1)
        place[index] = np.arange(len(index))
        rows = self.met_ago.copy()
        rows[:, :2] = place[rows[:, :2]]
        return Particulars(
            diets=self.diets[index],
            diet_names=self.diet_names,
            dinners=self.dinners[index],
            stated={label: Stated(one.values, one.code[index]) for label, one in self.stated.items()},
            met_ago=rows[(rows[:, :2] >= 0).all(axis=1)],
        )


def _stated(guests: Sequence[Guest], label: str) -> Stated:
    values = tuple(sorted({guest.stated[label] for guest in guests if label in guest.stated}))
    number = {value: code for code, value in enumerate(values)}
    return Stated(values, np.array([number.get(guest.stated.get(label, ""), -1) for guest in guests], np.int32))

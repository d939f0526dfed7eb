"""Parallel tempering: searches at a ladder of temperatures that trade places, so that none stays caught in a valley.

One cooling is what a short budget allows. Where more is left, copies that were taken as it passed each temperature go on there
side by side; neighbours trade places by the rule of Metropolis, so that good groups sink to the cold end while others are shaken
up at the hot one (Hukushima and Nemoto, Journal of the Physical Society of Japan 65, 1996).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol, Self

import numpy as np

from dinnerkit.matching.solving.state import Floats, Ints

RUNGS = 5
"""How many temperatures. More find the way up and down more easily, and leave less time for each."""

_VISITS = 5_000
"""About how many units are looked at between two trades: fewer would cost more in calls than in search."""

_FEWEST = 10


class Search(Protocol):
    """What the searches in numpy and in numba have in common; see :class:`dinnerkit.matching.solving.annealing.Search`."""

    @property
    def best(self) -> Ints:
        """The best groups so far."""
        ...

    @property
    def value(self) -> float:
        """What they are worth."""
        ...

    @property
    def worth(self) -> float:
        """What the groups that the search is at are worth."""
        ...

    def restart(self, group: Ints) -> None:
        """Go on from these groups."""
        ...

    def anneal(self, temperatures: Floats) -> Floats:
        """One sweep per temperature; how many steps were taken, as a share of the units."""
        ...

    def twin(self) -> Self:
        """Another search, by chances of its own, that goes on from the groups that this one is at."""
        ...


def sweeps_between_trades(units: int) -> int:
    """How many sweeps each search makes between two trades."""
    return max(_FEWEST, _VISITS // max(1, units))


def temper(
    searches: list[Search],
    temperatures: Floats,
    sweeps: int,
    rng: np.random.Generator,
    over: Callable[[int], bool],
    at_once: int | None = None,
) -> int:
    """Search at all temperatures, and trade places, until told to stop.

    Args:
        searches: one per temperature; they are reordered.
        temperatures: falling, above zero.
        sweeps: how many each makes between two trades.
        rng: the source of chance for the trades.
        over: told how many sweeps are done, whether to stop; asked after each search.
        at_once: after how many of its sweeps to ask already; by default when all are made.

    Returns:
        How many sweeps all made together.
    """
    colder = 1.0 / temperatures[1:] - 1.0 / temperatures[:-1]
    done, parity = 0, 0
    while True:
        for search, temperature in zip(searches, temperatures, strict=True):
            for first in range(0, sweeps, at_once or sweeps):
                part = min(at_once or sweeps, sweeps - first)
                search.anneal(np.full(part, temperature))
                done += part
                if over(done):
                    return done
        worths = [search.worth for search in searches]
        for rung in range(parity, len(colder), 2):
            if rng.exponential() > colder[rung] * (worths[rung + 1] - worths[rung]):
                searches[rung], searches[rung + 1] = searches[rung + 1], searches[rung]
        parity = 1 - parity

"""What is told of a search while it goes on, and from where it can go on if it is cut off."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from dinnerkit.matching.errors import RuleInvalid
from dinnerkit.matching.seating.constraints import Constraints
from dinnerkit.matching.solving.solver import Progress
from dinnerkit.matching.solving.state import Ints


@dataclass(frozen=True, eq=False)
class Halfway:
    """Where a search among many guests was after some of its rounds.

    The same call of :func:`dinnerkit.matching.seat` with it as ``resume`` goes on from there, and finds what it would have found
    without a break.

    Attributes:
        rounds: how many had passed.
        labels: (n,), the table of each guest who takes part in the search, as the search numbers them.
        score: the mean over these guests of the score of their table, 0–100.
    """

    rounds: int
    labels: NDArray[np.int32]
    score: float


@dataclass(slots=True)
class Following:
    """Who is told how a search goes on, and where it begins.

    Attributes:
        progress: told the fraction done, 0–1; raising from it cancels.
        best: told the best score so far, 0–100, whenever that is higher than before.
        halfway: told where the search is after each of its rounds, if it has any: among up to some hundreds there are none.
        resume: where an earlier search with the same arguments was.
    """

    progress: Progress | None = None
    best: Callable[[float], None] | None = None
    halfway: Callable[[Halfway], None] | None = None
    resume: Halfway | None = None
    _highest: float = field(default=0.0, init=False)

    def reached(self, score: float) -> None:
        """Tell of a score, if it is the best so far."""
        if self.best is not None and score > self._highest:
            self._highest = score
            self.best(score)

    def tell(self, done: float) -> bool:
        """Tell the fraction done; whether the search was asked to end."""
        return self.progress is not None and bool(self.progress(done))

    def part(self, share: float, begun: float = 0.0) -> Following:
        """The same for a search that is such a share of all, and begins when so much has been done."""
        return self if self.progress is None else replace(self, progress=lambda done: self.tell(begun + share * done))

    def begun(self, constraints: Constraints, labels: Ints) -> Ints:
        """Where the search begins, if not at these tables.

        Raises:
            RuleInvalid: what is to be resumed was a search for other guests, sizes or rules.
        """
        if self.resume is None:
            return labels
        found = self.resume.labels.astype(np.int64)
        if self.resume.rounds < 0 or found.shape != labels.shape or not _lawful(constraints, found, int(labels.max(initial=-1)) + 1):
            raise RuleInvalid("what is to be resumed was the search of another seating")
        return found


def _lawful(constraints: Constraints, labels: Ints, tables: int) -> bool:
    """Whether tables keep all rules among guests, sizes and parties among them."""
    if len(labels) and not (labels.min() >= 0 and labels.max() < tables):
        return False
    sizes, (low, high) = np.bincount(labels, minlength=tables), constraints.seats(np.arange(tables))
    of_unit = np.zeros(int(constraints.unit.max(initial=-1)) + 1, np.int64)
    of_unit[constraints.unit] = labels
    together = (of_unit[constraints.unit] == labels).all()
    return bool(((sizes >= low) & (sizes <= high)).all() and together and not len(constraints.broken_tables(labels)))

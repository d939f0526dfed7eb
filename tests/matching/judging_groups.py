"""An exact judge of `solve()` for a handful of things: every way to group them is tried, by code that shares nothing with the library."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field

import numpy as np


@dataclass
class Case:
    """Arguments of one call: weights, sizes, and the constraints as options."""

    weights: np.ndarray
    low: list[int]
    high: list[int]
    options: dict = field(default_factory=dict)

    @classmethod
    def drawn(cls, seed: int) -> Case:
        """A small case by chance, often hard to satisfy and sometimes impossible."""
        chance = np.random.default_rng(seed)
        n, groups = int(chance.integers(5, 9)), int(chance.integers(2, 5))
        weights = np.triu(chance.random((n, n)) * 100 - 30 * chance.integers(2), 1)
        low = high = np.zeros(groups, np.int64)
        while not (low.sum() <= n <= high.sum() and (high > 0).all()):
            low = chance.integers(0, 4, groups)
            high = low + chance.integers(0, 4, groups)
        pairs = np.array(list(itertools.combinations(range(n), 2)))
        apart = pairs[chance.random(len(pairs)) < chance.choice([0.0, 0.15, 0.35])]
        together = pairs[chance.random(len(pairs)) < chance.choice([0.0, 0.0, 0.07])]
        families = int(chance.integers(0, 3))
        masks = chance.integers(1, 8, (n, families, 1)).astype(np.uint64)
        factor = [None, np.concatenate([[0, 0], 2.0 / np.arange(1, n)]), chance.random(n + 1)][chance.integers(3)]
        return cls(
            weights + weights.T, low.tolist(), high.tolist(), {"apart": apart, "together": together, "masks": masks, "factor": factor}
        )

    def best(self) -> tuple[int, float] | None:
        """The fewest constraints that any groups break, and what the best of those are worth; None where no sizes fit."""
        n, groups = len(self.weights), len(self.low)
        ways = np.indices((groups,) * n, dtype=np.int8).reshape(n, -1).T
        ways = ways[[self.keeps(labels) for labels in ways]]
        if not len(ways):
            return None
        every = np.array([self.group([one for one in range(n) if some >> one & 1]) for some in range(1 << n)])
        broken, worth = sum(every[(ways == group) @ (1 << np.arange(n))] for group in range(groups)).T
        return int(broken.min()), float(worth[broken == broken.min()].max())

    def keeps(self, labels: np.ndarray) -> bool:
        """Whether sizes are kept, and those together."""
        sizes = np.bincount(labels, minlength=len(self.low))
        return bool((sizes >= self.low).all() and (sizes <= self.high).all()) and all(
            labels[one] == labels[other] for one, other in self.options["together"]
        )

    def told(self, labels: np.ndarray) -> tuple[int, float]:
        """How many constraints groups break, and what they are worth."""
        broken, worth = zip(*(self.group(np.flatnonzero(labels == group).tolist()) for group in range(len(self.low))), strict=True)
        return sum(broken), sum(worth)

    def group(self, members: list[int]) -> tuple[int, float]:
        """What a group breaks, and the worth of the pairs inside it."""
        apart = sum(one in members and other in members for one, other in self.options["apart"])
        inside = sum(self.weights[one, other] for one, other in itertools.combinations(members, 2))
        factor, masks = self.options["factor"], self.options["masks"]
        lacking = bool(members) and any(np.bitwise_and.reduce(masks[members, family, 0]) == 0 for family in range(masks.shape[1]))
        return int(apart) + int(lacking), float(inside * (1.0 if factor is None else factor[len(members)]))

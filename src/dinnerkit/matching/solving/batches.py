"""The blocks of a round, and this process searching them alone; with others it is :mod:`dinnerkit.matching.solving.crew`."""

from __future__ import annotations

import importlib
from collections.abc import Generator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from dinnerkit.matching.solving.state import Ints, Words
from dinnerkit.matching.solving.terms import Columns, Singles

Places = NDArray[np.int32]

BATCH = 32
"""Blocks searched at a time: some hundredths of a second."""


class Rules(NamedTuple):
    """What holds for all blocks.

    Attributes:
        minimum: (groups,), the fewest people of each.
        maximum: (groups,), the most.
        factor: what a group's sum is multiplied by, given its size.
        unit: (n,), people with the same number stay together; empty where all are free.
        masks: (n, families, words), in each family the members of a group must have a bit in common.
        first: (n + 1,), where each person's row in ``apart`` begins; empty where nobody is kept apart.
        apart: whom each person must not share a group with.
    """

    minimum: Places
    maximum: Places
    factor: Singles
    unit: Places
    masks: Words
    first: NDArray[np.int64]
    apart: Places


@dataclass(frozen=True, slots=True)
class Batches:
    """The blocks of one round.

    Attributes:
        cuts: (blocks + 1,), where each block begins in the order of the people.
        cooling: a temperature for each sweep.
        seeds: (blocks,), of each block.
        lift: how much more a gain counts in the end for the worst groups of a block.
    """

    cuts: Ints
    cooling: Singles
    seeds: Words
    lift: np.float32

    def __len__(self) -> int:
        return len(self.seeds)

    def part(self, begin: int, end: int) -> tuple[Ints, Singles, Words]:
        """Some of the blocks, as the compiled search takes them."""
        return self.cuts[begin : end + 1], self.cooling, self.seeds[begin:end]


class Alone:
    """All blocks searched in this process."""

    def __init__(self, columns: Columns, rules: Rules, noise: Singles, people: int) -> None:
        self._task = columns, rules
        self._noise = noise
        self._spot = np.empty(people, np.int32)
        self._improve = importlib.import_module("dinnerkit.matching.solving.block_search").improve

    def __enter__(self) -> Alone:
        return self

    def __exit__(self, *reason: object) -> None:
        pass

    def searched(self, labels: Places, order: Places, batches: Batches) -> Generator[float, None, None]:
        """Search all blocks, some at a time; changes ``labels``, and tells the share done."""
        self._spot[order] = np.arange(len(order), dtype=np.int32)
        for begin in range(0, len(batches), BATCH):
            end = min(len(batches), begin + BATCH)
            cuts, cooling, seeds = batches.part(begin, end)
            self._improve(*self._task, order, self._spot, cuts, labels, cooling, self._noise, seeds, batches.lift)
            yield end / len(batches)

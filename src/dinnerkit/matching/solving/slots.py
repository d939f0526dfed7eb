"""The search for people one by one, compiled by numba: the one that does nearly all of the work.

Importing this module imports numba; the solver does so only when there is enough work. The compiled code is cached on disk.

Groups are columns of *slots*: slot ``row * groups + group`` holds a person or nobody. Stored so, what the best person of
every group could bring is a maximum over rows of contiguous numbers, for groups of any size. For one person, a bound tells
for all groups at once whether any swap into them can be accepted; only the few groups that pass are looked at member by member.
"""

from __future__ import annotations

import copy

import numpy as np

from dinnerkit.matching.solving.annealing import NOISE
from dinnerkit.matching.solving.slot_steps import Work, anneal
from dinnerkit.matching.solving.slot_sums import Tables, padded, refresh, worth_of
from dinnerkit.matching.solving.state import Floats, Ints, Problem

_TINY = np.float32(1e-5)
"""The least worth of a step, as a share of the largest weight."""

_CHANGING = ("person", "gain", "own", "scale", "inside", "size", "place", "rest", "common", "broken", "best", "best_place", "record")
"""What of :class:`Tables` a search changes; the rest is shared by all that search the same problem."""


class Search:
    """A search over people who are alike: units of one person each."""

    def __init__(self, problem: Problem, group: Ints, rng: np.random.Generator) -> None:
        people, groups = len(group), len(problem.minimum)
        size = np.bincount(group, minlength=groups)
        rows = int(min(problem.maximum.max(), people)) if (problem.minimum < problem.maximum).any() else int(size.max())
        weights, floor = padded(problem.weights, -problem.penalty / 2)
        masks = np.full((people + 1, *problem.masks.shape[1:]), ~np.uint64(0))
        masks[:-1] = problem.masks
        slots = rows * groups
        self._tables = Tables(
            weights=weights,
            floor=floor,
            factor=problem.factor.astype(np.float32),
            minimum=problem.minimum,
            maximum=np.minimum(problem.maximum, rows),
            masks=masks,
            breach=np.float32(problem.breach),
            least=_TINY * np.float32(problem.largest),
            loose=bool((problem.minimum < problem.maximum).any() or np.ptp(size) > 0),
            person=np.empty(slots, np.int32),
            gain=np.empty((groups, slots), np.float32),
            own=np.empty(slots, np.float32),
            scale=np.empty(slots, np.float32),
            inside=np.zeros(groups),
            size=size,
            place=np.arange(groups),
            rest=np.zeros_like(masks),
            common=np.zeros((groups, *masks.shape[1:]), np.uint64),
            broken=np.zeros(groups, np.int64),
            best=np.empty(slots, np.int32),
            best_place=np.arange(groups),
            record=np.zeros(2),
        )
        self._work = _work(groups, slots)
        self._noise = rng.exponential(size=NOISE + 2 * groups).astype(np.float32)
        self._rng = rng
        self._chance = np.uint64(rng.integers(1 << 63))
        self.restart(group)
        self._tables.best[:] = self._tables.person
        self._tables.record[0] = worth_of(self._tables)

    def restart(self, group: Ints) -> None:
        """Go on from these groups."""
        tables, groups = self._tables, len(self._tables.minimum)
        person = np.full((len(tables.person) // groups, groups), len(group), np.int32)
        order = np.argsort(group, kind="stable")
        size = np.bincount(group, minlength=groups)
        person[np.arange(len(group)) - np.repeat(np.cumsum(size) - size, size), group[order]] = order
        tables.person[:] = person.ravel()
        tables.size[:] = size
        tables.place[:] = np.arange(groups)
        refresh(tables)

    def twin(self) -> Search:
        """Another search, by chances of its own, that goes on from here."""
        twin, tables = copy.copy(self), self._tables
        twin._tables = tables._replace(**{name: getattr(tables, name).copy() for name in _CHANGING})
        twin._chance = np.uint64(self._rng.integers(1 << 63))
        return twin

    def anneal(self, temperatures: Floats) -> Floats:
        """Look at each person once per temperature; returns the steps taken, as a share of them, per temperature."""
        accepted, order = np.zeros(len(temperatures)), np.arange(len(self._tables.minimum))
        self._chance = np.uint64(anneal(self._tables, self._work, temperatures, self._noise, self._chance, accepted, order))
        return accepted

    @property
    def worth(self) -> float:
        """What the groups that the search is at are worth."""
        return float(worth_of(self._tables))

    @property
    def value(self) -> float:
        """What the best groups are worth."""
        return float(self._tables.record[0])

    @property
    def best(self) -> Ints:
        """(people,), the best groups seen at the end of a sweep."""
        labels = np.zeros(len(self._tables.weights), np.int64)
        labels[self._tables.best] = np.tile(self._tables.best_place, len(self._tables.best) // len(self._tables.best_place))
        return labels[:-1]


def _work(groups: int, slots: int) -> Work:
    factors, reach, going, highest, slack, widening, room = (np.empty(groups, np.float32) for _ in range(7))
    base, change, spare, more = (np.empty(slots, np.float32) for _ in range(4))
    return Work(factors, reach, going, highest, slack, np.empty(groups + 1, np.int32), widening, room, base, change, spare, more)

"""Groups among many, block by block: some hundreds of people at a time have a matrix, are annealed, and blocks are cut anew."""

from __future__ import annotations

import importlib
import os
import time
from collections.abc import Callable, Generator
from contextlib import closing
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Protocol

import numpy as np

from dinnerkit.matching.solving.batches import Alone, Batches, Places, Rules
from dinnerkit.matching.solving.budget import Progress
from dinnerkit.matching.solving.pairs import neighbours
from dinnerkit.matching.solving.solver import compiled_available, solve
from dinnerkit.matching.solving.state import Floats, Ints, Words
from dinnerkit.matching.solving.terms import Singles, Worths

BLOCK = 252
"""People in a block: its matrix of single precision takes a quarter of a megabyte, and so stays near the processor. By trial on real
answers larger blocks reach no more in the same time."""

_SWEEPS = 5
_HOT, _COLD = 0.13, 0.06
"""Temperatures at which the first and the last round begin, in units of what exchanges differ by; the last sweep only climbs."""

_ROUNDS = (4, 40)
_ROUNDS_OF_MANY = 3
_MANY = 50_000
_ROUNDS_FOR = 40_000
_COOLING = 0.92
_NOISE = 1 << 13
_SEEDS = 1 << 62
_SWEEPS_ALONE = {True: 12, False: 4}


class Undeclared(Protocol):
    """What people are worth to each other where that can only be asked for, block by block."""

    columns: None

    def matrix(self, people: Ints) -> Singles:
        """(m, m): what some of them are worth to each other."""
        ...

    def axes(self) -> Singles:
        """(n, k): coordinates in which those who are near are worth much to each other."""
        ...


@dataclass(frozen=True, slots=True)
class Task:
    """People, and what their groups must keep.

    Attributes:
        worths: what any two are worth to each other.
        minimum: (groups,), the fewest people of each group.
        maximum: (groups,), the most.
        factor: (largest maximum + 1,), what a group's sum is multiplied by, given its size.
        unit: (n,), people with the same number stay together; None where all are free.
        apart: (m, 2), pairs who must not share a group.
        masks: (n, families, words), in each family the members of a group must have a bit in common.
        lift: how much more a gain counts, once a block is searched, for its groups that are worth the least; not in numpy.
    """

    worths: Worths | Undeclared
    minimum: Ints
    maximum: Ints
    factor: Floats
    unit: Ints | None
    apart: Ints
    masks: Words
    lift: float = 0.0


@dataclass(slots=True)
class Effort:
    """How long to search, and whom to tell.

    Attributes:
        seed: what all chance is drawn from.
        rounds: how often blocks are cut anew and searched.
        seconds: how long to go on by the clock, in place of a number of rounds.
        progress: see :data:`dinnerkit.matching.solving.budget.Progress`.
        processes: how many work on it; the answer does not depend on that.
        clock: what tells the time.
        passed: rounds that an earlier search has done from the same beginning, from whose groups this one goes on as it would have.
        after: told after each round how many have passed, and the group of everybody, which the next round changes in place.
    """

    seed: int
    rounds: int
    seconds: float | None = None
    progress: Progress | None = None
    processes: int = 1
    clock: Callable[[], float] = time.monotonic
    passed: int = 0
    after: Callable[[int, Places], None] | None = None
    stopped: bool = field(default=False, init=False)
    _ends: float = field(default=0.0, init=False)

    def begin(self) -> None:
        """Time counts from here on."""
        self._ends = self.clock() + (self.seconds or 0.0)

    def heat(self, number: int) -> float:
        """The temperature at which a round begins."""
        if self.seconds is not None:
            return max(_COLD, _HOT * _COOLING**number)
        return float(_HOT * (_COLD / _HOT) ** (number / max(1, self.rounds - 1)))

    def goes_on(self, number: int) -> bool:
        """Whether there is another round."""
        return not self.stopped and (number < self.rounds if self.seconds is None else self.clock() < self._ends)

    def end(self) -> None:
        """Nothing is left to do."""
        if self.progress and self.seconds is not None and not self.stopped:
            self.progress(1.0)

    def tell(self, passed: float) -> bool:
        """Tell how many rounds have passed, whole and parts; whether to go on."""
        by_clock = self.seconds is not None
        fraction = min(1.0, 1.0 - (self._ends - self.clock()) / self.seconds) if self.seconds else passed / max(1, self.rounds)
        if self.progress and self.progress(fraction):
            self.stopped = True
        return not self.stopped and not (by_clock and fraction >= 1.0)


def usual_rounds(people: int) -> int:
    """How many rounds suit so many people: more for fewer, whose search takes little time anyway."""
    if people > _MANY:
        return _ROUNDS_OF_MANY
    return int(np.clip(_ROUNDS_FOR // max(1, people), *_ROUNDS))


def searched(task: Task, labels: Ints, effort: Effort) -> tuple[Ints, int]:
    """Better groups than those given, and how many sweeps it took.

    Args:
        task: people and constraints.
        labels: (n,), the group of each, within bounds and with parties together; what else they break is mended first.
        effort: how long.
    """
    n, axes = len(labels), task.worths.axes()
    found = labels.astype(np.int32)
    if not n or found.min() == found.max():
        return labels, 0
    number = effort.passed
    with _engine(task, found, np.random.default_rng(effort.seed), effort.processes) as engine:
        effort.begin()
        while effort.goes_on(number):
            rng = np.random.default_rng((effort.seed, number))  # of its own, so that a search can go on from any round
            order, cuts = _regrouped(task, found, axes, max(1, round(n / BLOCK)), rng)
            cooling = np.append(np.linspace(1.0, 0.2, _SWEEPS - 1) * effort.heat(number), 0.0).astype(np.float32)
            seeds = rng.integers(_SEEDS, size=len(cuts) - 1).astype(np.uint64)
            with closing(engine.searched(found, order, Batches(cuts, cooling, seeds, np.float32(task.lift)))) as steps:
                any(not effort.tell(number + passed) for passed in steps)
            number += 1
            if effort.after and not effort.stopped:
                effort.after(number, found)
    effort.end()
    return found.astype(np.int64), number * _SWEEPS


class _Engine(Protocol):
    """Searches the blocks of a round."""

    def __enter__(self) -> _Engine: ...

    def __exit__(self, *reason: object) -> None: ...

    def searched(self, labels: Places, order: Places, batches: Batches) -> Generator[float, None, None]:
        """Search all blocks, a batch for each step: changes ``labels``, and tells the share done; whoever stops early gets no more."""
        ...


def _engine(task: Task, labels: Places, rng: np.random.Generator, processes: int) -> _Engine:
    """Who searches: others too where they are asked for, and the system lets processes share memory."""
    if not compiled_available() or not isinstance(task.worths, Worths):
        return _OneByOne(task)
    n = len(labels)
    first, apart = neighbours(task.apart, n) if len(task.apart) else (np.zeros(0, np.int64), np.zeros(0, np.int32))
    largest = 4 * (BLOCK + int(task.maximum.max(initial=1)))
    rules = Rules(
        minimum=task.minimum.astype(np.int32),
        maximum=task.maximum.astype(np.int32),
        factor=task.factor.astype(np.float32),
        unit=np.zeros(0, np.int32) if task.unit is None else task.unit.astype(np.int32),
        masks=task.masks,
        first=first,
        apart=apart,
    )
    noise = rng.exponential(size=_NOISE + largest).astype(np.float32)
    if processes > 1 and os.name == "posix":
        crew: _Engine = importlib.import_module("dinnerkit.matching.solving.crew").Crew(task.worths.columns, rules, noise, n, processes)
        return crew
    return Alone(task.worths.columns, rules, noise, n)


def near_order(axes: Singles, parts: int, rng: np.random.Generator) -> tuple[Ints, Ints]:
    """The rows cut into so many parts of neighbours, as nearly equal as can be: a k-d tree over randomly turned axes.

    Returns:
        The rows in the order of the parts, and (parts + 1,) where each begins.
    """
    n, dimensions = axes.shape
    cuts = np.arange(parts + 1) * n // parts
    if dimensions == 0:
        return rng.permutation(n), cuts
    points = np.ascontiguousarray((axes @ np.linalg.qr(rng.normal(size=(dimensions, dimensions)))[0]).astype(np.float32).T)
    order, pending = np.empty(n, np.int64), [(0, parts, np.arange(n), points)]
    while pending:
        begin, end, rows, points = pending.pop()
        widest = int(np.argmax(points.max(axis=1) - points.min(axis=1))) if len(rows) else 0
        if end - begin == 1:
            order[cuts[begin] : cuts[end]] = rows[np.argsort(points[widest], kind="stable")]
            continue
        middle = (begin + end) // 2
        at = int(cuts[middle] - cuts[begin])
        if len(rows):
            split = np.argpartition(points[widest], min(at, len(rows) - 1))
            rows, points = rows[split], points[:, split]
        pending += [(begin, middle, rows[:at], points[:, :at]), (middle, end, rows[at:], points[:, at:])]
    return order, cuts


def _regrouped(task: Task, labels: Places, axes: Singles, blocks: int, rng: np.random.Generator) -> tuple[Places, Ints]:
    """The people in the order of new blocks of near groups, and where each block begins.

    Groups with the same bits in common come together first, for then any exchange keeps them.
    """
    groups = len(task.minimum)
    sizes = np.maximum(np.bincount(labels, minlength=groups), 1)
    used = np.flatnonzero(np.bincount(labels, minlength=groups))
    means = np.stack([np.bincount(labels, weights=axis, minlength=groups) / sizes for axis in axes.T], axis=1) if axes.size else None
    points = np.zeros((len(used), 0), np.float32) if means is None else means[used].astype(np.float32)
    blocks = min(blocks, max(1, len(used) // 2))
    order = _by_kind(_kinds(task.masks, labels), points, blocks, rng)
    block = np.zeros(groups, np.int64)
    block[used[order]] = np.arange(len(used)) * blocks // max(1, len(used))
    people = np.argsort(block[labels] * groups + labels, kind="stable")
    cuts = np.concatenate([[0], np.cumsum(np.bincount(block[labels], minlength=blocks))])
    return people.astype(np.int32), cuts.astype(np.int64)


def _kinds(masks: Words, labels: Places) -> Ints | None:
    """A number for each used group by what its members have in common; None where that is the same for all."""
    if not masks.shape[1]:
        return None
    order = np.argsort(labels, kind="stable")
    starts = np.flatnonzero(np.diff(labels[order], prepend=-1))
    common = np.bitwise_and.reduceat(masks[order].reshape(len(labels), -1), starts, axis=0)
    kinds = np.unique(common, axis=0, return_inverse=True)[1].reshape(-1)
    return kinds if kinds.any() else None


def _by_kind(kinds: Ints | None, points: Singles, blocks: int, rng: np.random.Generator) -> Ints:
    """The rows of points kind by kind, the most frequent first, and near ones together within a kind."""
    if kinds is None:
        return near_order(points, blocks, rng)[0]
    counts = np.bincount(kinds)
    parts = [np.flatnonzero(kinds == kind) for kind in np.argsort(-counts, kind="stable") if counts[kind]]
    return np.concatenate([rows[near_order(points[rows], max(1, round(blocks * len(rows) / len(points))), rng)[0]] for rows in parts])


class _OneByOne:
    """Blocks searched one by one by :func:`solve`: as correct, and much slower; in numpy, where numba is missing, some fifty times."""

    def __init__(self, task: Task) -> None:
        self._task = task
        self._first, self._apart = neighbours(task.apart, len(task.masks))

    def __enter__(self) -> _OneByOne:
        return self

    def __exit__(self, *reason: object) -> None:
        pass

    def searched(self, labels: Places, order: Places, batches: Batches) -> Generator[float, None, None]:
        """Anneal the blocks."""
        for number, (begin, end) in enumerate(pairwise(batches.cuts.tolist()), 1):
            self._improve(labels, order[begin:end].astype(np.int64), float(batches.cooling[0]), int(batches.seeds[number - 1]))
            yield number / len(batches)

    def _improve(self, labels: Places, people: Ints, heat: float, seed: int) -> None:
        task = self._task
        names, start = np.unique(labels[people], return_inverse=True)
        if len(names) < 2:  # noqa: PLR2004
            return
        solution = solve(
            task.worths.matrix(people),
            task.minimum[names],
            task.maximum[names],
            seed=seed,
            sweeps=_SWEEPS_ALONE[compiled_available()],
            together=[] if task.unit is None else parties(task.unit[people]),
            apart=self._pairs(people),
            masks=task.masks[people],
            start=start.reshape(-1),
            factor=task.factor,
            heat=heat,
        )
        labels[people] = names[solution.labels]

    def _pairs(self, people: Ints) -> Ints:
        """The pairs among some people who are kept apart, by their places."""
        place = {int(one): number for number, one in enumerate(people)}
        found = [
            (place[one], place[other])
            for one in place
            for other in self._apart[self._first[one] : self._first[one + 1]].tolist()
            if other in place and one < other
        ]
        return np.array(found, np.int64).reshape(-1, 2)


def parties(unit: Ints) -> list[Ints]:
    """The places of those who share a number with somebody."""
    order = np.argsort(unit, kind="stable")
    cuts = np.flatnonzero(np.diff(unit[order])) + 1
    return [members for members in np.split(order, cuts) if len(members) > 1] if len(order) else []

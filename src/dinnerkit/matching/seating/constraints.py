"""What the hard rules ask of some guests, put together; and whether tables keep it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dinnerkit.matching.people.crowd import Crowd
from dinnerkit.matching.rules.default_rules import BlockedApart
from dinnerkit.matching.rules.kinds import HardRule, Rule
from dinnerkit.matching.solving.pairs import distinct

Ints = NDArray[np.int64]
Words = NDArray[np.uint64]


@dataclass(frozen=True, slots=True)
class Family:
    """One thing that all guests of a table must have in common, and how to speak of it; see :class:`rules.Keep`."""

    rule: str
    lacking: str
    sharing: str


@dataclass(frozen=True)
class Constraints:
    """The hard rules for some guests.

    Attributes:
        low: fewest guests at a table.
        high: most guests.
        unit: (n,), guests with the same number sit together; numbered from 0 without gaps.
        apart: (m, 2), pairs who don't.
        masks: (n, families, words), in each family the guests of a table must have a bit in common.
        families: of the second axis of ``masks``.
        tables: the fewest and most guests of each table by its number, where tables differ in them.
        apart_by: the name of the rule that ``apart`` comes of; of several, that of :class:`BlockedApart`, which is kept from most.
    """

    low: int
    high: int
    unit: Ints
    apart: Ints
    masks: Words
    families: tuple[Family, ...]
    tables: tuple[Ints, Ints] | None = None
    apart_by: str = BlockedApart.name

    @classmethod
    def of(cls, crowd: Crowd, rules: Sequence[Rule], low: int, high: int) -> Constraints:
        """What the hard ones among the rules ask of a crowd."""
        unit = np.arange(len(crowd), dtype=np.int64)
        apart, shares, families = [np.zeros((0, 2), np.int64)], [], []
        apart_by = []
        for rule in rules:
            if not isinstance(rule, HardRule):
                continue
            keep = rule.keep(crowd)
            if keep.together is not None:
                unit = _joined(unit, keep.together)
            if keep.apart is not None:
                apart.append(keep.apart.pairs())
                apart_by += [rule.name] if len(keep.apart) else []
            if keep.share is not None:
                shares.append(keep.share)
                families.append(Family(rule.name, keep.lacking, keep.sharing))
        words = max((share.shape[1] for share in shares), default=1)
        masks = np.zeros((len(crowd), len(shares), words), np.uint64)
        for number, share in enumerate(shares):
            masks[:, number, : share.shape[1]] = share
        by = apart_by[0] if len(apart_by) == 1 else BlockedApart.name
        return cls(low, high, unit, _distinct(apart, len(crowd)), masks, tuple(families), apart_by=by)

    def __len__(self) -> int:
        return len(self.unit)

    def take(self, index: Ints) -> Constraints:
        """The same for some of the guests, in the order of the index; parties must be in it whole."""
        if len(index) == len(self) and (index == np.arange(len(self))).all():
            return self
        place = np.full(len(self), -1)
        place[index] = np.arange(len(index))
        pairs = place[self.apart]
        unit = np.unique(self.unit[index], return_inverse=True)[1].reshape(-1).astype(np.int64)
        pairs = pairs[(pairs >= 0).all(axis=1)]
        return Constraints(self.low, self.high, unit, pairs, self.masks[index], self.families, self.tables, self.apart_by)

    def seats(self, tables: Ints) -> tuple[Ints, Ints]:
        """The fewest and most guests of each of the tables of these numbers."""
        if self.tables is None:
            return np.full(len(tables), self.low), np.full(len(tables), self.high)
        return self.tables[0][tables], self.tables[1][tables]

    def binding(self) -> Words:
        """``masks`` without the families in which all guests have a bit in common: those ask for nothing."""
        if not len(self):
            return self.masks
        return self.masks[:, ~np.bitwise_and.reduce(self.masks, axis=0).any(axis=-1)]

    def units(self) -> list[Ints]:
        """The guests of each unit."""
        order = np.argsort(self.unit, kind="stable")
        return np.split(order, np.cumsum(np.bincount(self.unit))[:-1]) if len(order) else []

    def unit_masks(self) -> Words:
        """(units, families, words): what the members of each unit have in common."""
        if not len(self) or (self.unit == np.arange(len(self))).all():
            return self.masks
        order = np.argsort(self.unit, kind="stable")
        counts = np.bincount(self.unit)
        return np.bitwise_and.reduceat(self.masks[order], np.cumsum(counts) - counts, axis=0)

    def together(self) -> list[Ints]:
        """The units of more than one guest."""
        shared = np.flatnonzero(np.bincount(self.unit)[self.unit] > 1) if len(self) else np.zeros(0, np.int64)
        order = shared[np.argsort(self.unit[shared], kind="stable")]
        return np.split(order, np.flatnonzero(np.diff(self.unit[order])) + 1) if len(order) else []

    def divisible(self, guests: int) -> bool:
        """Whether so many guests can be divided into tables, other rules aside."""
        return -(-guests // self.high) * self.low <= guests

    def broken_tables(self, labels: Ints) -> Ints:
        """The tables at which a rule is broken: guests apart, or without a bit in common; sizes and parties are not looked at.

        Args:
            labels: (n,), the table of each guest; -1 is unseated.
        """
        one, other = labels[self.apart[:, 0]], labels[self.apart[:, 1]]
        broken = one[(one == other) & (one >= 0)]
        seated = np.flatnonzero(labels >= 0)
        masks = self.binding()
        if masks.shape[1] and len(seated):
            order = seated[np.argsort(labels[seated], kind="stable")]
            tables, starts = np.unique(labels[order], return_index=True)
            common = np.bitwise_and.reduceat(masks[order], starts, axis=0)
            broken = np.concatenate([broken, tables[~common.any(axis=-1).all(axis=-1)]])
        return np.unique(broken)


def _distinct(pairs: list[Ints], guests: int) -> Ints:
    """All pairs once, in order."""
    if len(pairs) == 1:
        return pairs[0]
    together = np.concatenate(pairs)
    keys = distinct(together[:, 0] * guests + together[:, 1])
    return np.stack(np.divmod(keys, max(guests, 1)), axis=1)


def kinds_of(rows: Words) -> tuple[Words, Ints]:
    """The different rows of a matrix, and which of them each row is; many times as fast as ``np.unique`` along an axis."""
    kind = np.zeros(len(rows), np.int64)
    for column in rows.T:
        if len(column) and (column != column[0]).any():
            values, code = np.unique(column, return_inverse=True)
            kind = np.unique(kind * len(values) + code.reshape(-1), return_inverse=True)[1].reshape(-1)
    first = np.unique(kind, return_index=True)[1]
    return rows[first], kind


def _joined(unit: Ints, together: Ints) -> Ints:
    """Units of guests who sit together by either of two numberings, numbered from 0 without gaps."""
    together = np.unique(together, return_inverse=True)[1].reshape(-1).astype(np.int64)
    if len(unit) == int(unit.max(initial=-1)) + 1:
        return together
    root = {int(one): int(one) for one in np.unique(unit)}

    def find(one: int) -> int:
        while root[one] != one:
            one = root[one]
        return one

    first = np.unique(together, return_index=True)[1]
    for number, one in enumerate(unit[first[together]].tolist()):
        ours, theirs = sorted((find(int(unit[number])), find(one)))
        root[theirs] = ours
    return np.unique([find(int(one)) for one in unit], return_inverse=True)[1].reshape(-1).astype(np.int64)

"""A judge of tables: what is wrong with each, and what it scores, by all rules together.

It looks at whole tables, given as rows of guests, and at many at once; so it can tell what any exchange would bring, whatever
the rule. Searches that look at pairs alone (:mod:`dinnerkit.matching.solving.solver`) are much faster, and come first.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dinnerkit.matching.people.crowd import Crowd
from dinnerkit.matching.rules.kinds import FULL, Floor, Rule, Scores, TableRule
from dinnerkit.matching.seating.constraints import Constraints
from dinnerkit.matching.seating.rooms import Room
from dinnerkit.matching.seating.scoring import STEP, Scoring
from dinnerkit.matching.solving.state import Ints, Words

_MATRIX_UP_TO = 1500
_ALL = ~np.uint64(0)


@dataclass(frozen=True, slots=True)
class _TablePart:
    rule: TableRule
    columns: Scores
    shares: Scores


class House:
    """Guests, tables and rules, ready to judge.

    Attributes:
        crowd: the guests.
        constraints: the hard rules among guests.
        lows: (tables,), the fewest guests of each; an empty table has no fault.
        highs: (tables,), the most.
        least: the score, unrounded, that the host wants every table to have; 0 if no floor is set.
    """

    def __init__(self, crowd: Crowd, constraints: Constraints, scoring: Scoring, rules: Sequence[Rule], room: Room, tables: int) -> None:
        self.crowd = crowd
        self.constraints = constraints
        self.lows, self.highs = room.seats(tables)
        least = next((rule.least for rule in rules if isinstance(rule, Floor)), 0.0)
        self.least = min(FULL, least + STEP / 2) if least else 0.0
        self._scoring = scoring
        self._worth = scoring.matrix(crowd).astype(np.float32) if len(crowd) <= _MATRIX_UP_TO else None
        served = room.served(crowd, rules, len(self.lows))
        needs = crowd.particulars.diets
        unserved = np.asarray((needs[None] & ~served[:, None]).any(axis=2), np.bool_)
        self._unserved = unserved if unserved.any() else None
        self._parts = tuple(_part(rule, crowd) for rule in rules if isinstance(rule, TableRule))
        one, other = constraints.apart.T
        self._apart = np.sort(np.concatenate([one * len(crowd) + other, other * len(crowd) + one]))

    def __len__(self) -> int:
        """How many tables there are."""
        return len(self.lows)

    @property
    def table_rules(self) -> tuple[TableRule, ...]:
        """The rules about whole tables."""
        return tuple(part.rule for part in self._parts)

    def rows(self, labels: Ints) -> Ints:
        """(tables, most guests): the guests of each table, -1 after them."""
        seated = np.flatnonzero(labels >= 0)
        order = seated[np.argsort(labels[seated], kind="stable")]
        sizes = np.bincount(labels[order], minlength=len(self))
        rows = np.full((len(self), max(int(self.highs.max(initial=0)), int(sizes.max(initial=0)))), -1)
        rows[np.arange(rows.shape[1])[None] < sizes[:, None]] = order
        return rows

    def scores(self, rows: Ints) -> NDArray[np.float64]:
        """(rows,): the score of each table, 0–100, unrounded; guests are in any columns, -1 elsewhere. A guest alone scores 0."""
        one, other = np.triu_indices(rows.shape[1], 1)
        first, second = rows[:, one], rows[:, other]
        valid = (first >= 0) & (second >= 0)
        worth = self._pairs(np.maximum(first, 0), np.maximum(second, 0))
        total = np.where(valid, worth, np.float32(0.0)).sum(axis=1, dtype=np.float64)
        return np.asarray(FULL * total / np.maximum(valid.sum(axis=1), 1), np.float64)

    def scores_of(self, guest: int, rows: Ints) -> NDArray[np.float64]:
        """(rows,): what a guest would score at each table, of whom the guest is one: the mean over the others, 0–100."""
        valid = (rows >= 0) & (rows != guest)
        worth = self._pairs(np.full(rows.shape, guest), np.maximum(rows, 0))
        total = np.where(valid, worth, np.float32(0.0)).sum(axis=1, dtype=np.float64)
        return np.asarray(FULL * total / np.maximum(valid.sum(axis=1), 1), np.float64)

    def faults(self, rows: Ints, tables: Ints) -> NDArray[np.float64]:
        """(rows,): how much is wrong with each table, 0 if it keeps every hard rule; ``tables`` are their numbers."""
        return np.asarray(sum(self._by_kind(rows, tables).values()), np.float64) + np.zeros(len(rows))

    def faults_by_rule(self, rows: Ints, tables: Ints) -> dict[str, NDArray[np.float64]]:
        """The same, told by the names of the rules."""
        return self._by_kind(rows, tables)

    def _pairs(self, one: Ints, other: Ints) -> Scores:
        if self._worth is not None:
            return self._worth[one, other]
        return self._scoring.pairs(self.crowd, one, other)

    def _by_kind(self, rows: Ints, tables: Ints) -> dict[str, NDArray[np.float64]]:
        there = np.greater_equal(rows, 0)
        guests = np.where(there, rows, 0)
        sizes = there.sum(axis=1)
        seated = sizes > 0
        lacking = np.where(seated, np.maximum(self.lows[tables] - sizes, 0), 0)
        found = {"table_size": (lacking + np.maximum(sizes - self.highs[tables], 0)).astype(np.float64)}
        if len(self._apart):
            found["apart"] = self._pairs_apart(rows, there)
        for number, family in enumerate(self.constraints.families):
            found[family.rule] = self._without_common(self.constraints.masks[:, number], guests, there)
        if self._unserved is not None:
            found["diets_served"] = np.asarray((self._unserved[tables[:, None], guests] & there).sum(axis=1), np.float64)
        for part in self._parts:
            counts = np.where(there[:, :, None], part.columns[guests], np.float32(0.0)).sum(axis=1)
            found[part.rule.name] = part.rule.faults(counts, sizes.astype(np.float32), part.shares).astype(np.float64)
        return found

    def _pairs_apart(self, rows: Ints, there: NDArray[np.bool_]) -> NDArray[np.float64]:
        one, other = np.triu_indices(rows.shape[1], 1)
        keys = rows[:, one] * len(self.crowd) + rows[:, other]
        place = np.minimum(np.searchsorted(self._apart, keys), len(self._apart) - 1)
        broken = np.equal(self._apart[place], keys) & there[:, one] & there[:, other]
        return np.asarray(broken.sum(axis=1), np.float64)

    @staticmethod
    def _without_common(masks: Words, guests: Ints, there: NDArray[np.bool_]) -> NDArray[np.float64]:
        """How many guests are outside the bit that most have in common, where not all have one."""
        words = np.where(there[..., None], masks[guests], _ALL)
        common: Words = np.asarray(np.bitwise_and.reduce(words, axis=1), np.uint64)
        faults = np.zeros(len(guests))
        for row in np.flatnonzero(np.all(common == 0, axis=1)):
            bits = np.unpackbits(np.ascontiguousarray(masks[guests[row][there[row]]]).view(np.uint8), axis=1).sum(axis=0)
            faults[row] = there[row].sum() - int(bits.max())
        return faults


def _part(rule: TableRule, crowd: Crowd) -> _TablePart:
    columns = rule.columns(crowd)
    shares = columns.mean(axis=0) if len(crowd) else np.zeros(columns.shape[1], np.float32)
    return _TablePart(rule, columns, shares)

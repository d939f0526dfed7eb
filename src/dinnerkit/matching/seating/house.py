"""A judge of tables: what is wrong with each, and what it scores, by all rules together.

It looks at whole tables, given as rows of guests, and at many at once; so it can tell what any exchange would bring, whatever
the rule. Searches that look at pairs alone (:mod:`dinnerkit.matching.solving.solver`) are much faster, and come first.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from dinnerkit.matching.people.crowd import Crowd
from dinnerkit.matching.rules.kinds import Demand, Floor, HardRule, Rule, Scores, TableRule
from dinnerkit.matching.rules.scale import FULL
from dinnerkit.matching.seating.constraints import Constraints
from dinnerkit.matching.seating.counting import Counted, rows_of
from dinnerkit.matching.seating.rooms import Room
from dinnerkit.matching.seating.scoring import STEP, Scoring
from dinnerkit.matching.solving.pairs import within
from dinnerkit.matching.solving.state import Ints, Words

FLOOR = 10.0
"""What a point below the floor costs, per guest of the table."""

_AT_ALL = 0.5
"""What it counts that a table breaks a rule at all, beside by how many guests: so what can't be mended gathers at few tables."""

_MATRIX_UP_TO = 1500
_ROUNDING = 1e-6
_ALL = ~np.uint64(0)


class House:
    """Guests, tables and rules, ready to judge: tables of these guests, by what all have who dine in the room.

    Attributes:
        crowd: the guests.
        constraints: the hard rules among guests.
        lows: (tables,), the fewest guests of each; an empty table has no fault.
        highs: (tables,), the most.
        alike: whether there are as many tables as are wanted, all of them alike, and not a venue's own.
        least: the score, unrounded, that the host wants every table to have; 0 if no floor is set.
    """

    def __init__(self, crowd: Crowd, constraints: Constraints, scoring: Scoring, rules: Sequence[Rule], room: Room, tables: int) -> None:
        self.crowd = crowd
        self.constraints = constraints
        self.lows, self.highs = room.seats(tables)
        self.alike = room.tables is None
        least = next((rule.least for rule in rules if isinstance(rule, Floor)), 0.0)
        self.least = min(FULL, least + STEP / 2) if least else 0.0
        self._scoring = scoring
        self._worth = self._matrix(scoring)
        served = room.served(crowd, rules, len(self.lows))
        needs = crowd.particulars.diets
        unserved = np.asarray((needs[None] & ~served[:, None]).any(axis=2), np.bool_)
        self._unserved = unserved if unserved.any() else None
        company = room.company(crowd)
        self._parts = tuple(Counted.of(rule, crowd, company) for rule in rules if isinstance(rule, TableRule))
        self._wishes = scoring.counted(crowd, company)
        demands = [rule for rule in rules if isinstance(rule, Demand) and rule.rule.in_play(company)]
        self._demands = {rule: Scoring((rule.rule,), (1.0,)) for rule in demands}
        self._demanded = {rule: self._matrix(alone) for rule, alone in self._demands.items()}
        self._rules = rules
        self._apart = {constraints.apart_by: _both_ways(constraints.apart, len(crowd))} if len(constraints.apart) else {}

    def __len__(self) -> int:
        """How many tables there are."""
        return len(self.lows)

    @property
    def broken(self) -> dict[str, str]:
        """What is wrong with a table that breaks a rule about whole tables, by the rule's name."""
        return {part.rule.name: part.rule.broken for part in self._parts} | {rule.name: rule.broken for rule in self._demands}

    def rows(self, labels: Ints) -> Ints:
        """(tables, most guests): the guests of each table, -1 after them."""
        return rows_of(labels, len(self), int(self.highs.max(initial=0)) if len(labels) else 0)

    def scores(self, rows: Ints) -> NDArray[np.float64]:
        """(rows,): the score of each table, 0–100, unrounded; guests are in any columns, -1 elsewhere.

        A guest alone earns nothing from rules about pairs.
        """
        return FULL * (_mean_of_pairs(rows, self._pairs) + self.wished(rows))

    def worth(self, rows: Ints) -> NDArray[np.float64]:
        """(rows,): what each table adds to what a search looks for: its score for each guest, less what it is below the floor."""
        scores, sizes = self.scores(rows), (rows >= 0).sum(axis=1)
        return np.where(sizes > 0, sizes * (scores - FLOOR * np.maximum(self.least - scores, 0.0)), 0.0)

    def kind(self, table: int) -> bytes:
        """The same for tables that are alike: of the same sizes, with a kitchen that serves the same guests."""
        unserved = b"" if self._unserved is None else np.packbits(self._unserved[table]).tobytes()
        return bytes(f"{self.lows[table]} {self.highs[table]} ", "ascii") + unserved

    @property
    def most_wished(self) -> float:
        """What :meth:`wished` is at best."""
        return sum(share for share, _ in self._wishes)

    def counted(self) -> NDArray[np.bool_]:
        """(n,), the guests whom a rule about whole tables with a weight counts."""
        counted = np.zeros(len(self.crowd), np.bool_)
        for _, part in self._wishes:
            counted |= part.columns.any(axis=1)
        return counted

    def wished(self, rows: Ints) -> NDArray[np.float64]:
        """(rows,): the part of the score, 0–1, that comes from rules about whole tables with a weight."""
        total = np.zeros(len(rows))
        for share, part in self._wishes:
            total += share * part.kept(rows)
        return total

    def scores_of(self, guest: int, rows: Ints) -> NDArray[np.float64]:
        """(rows,): what a guest would score at each table, of whom the guest is one: the mean over the others, 0–100."""
        valid = (rows >= 0) & (rows != guest)
        worth = self._pairs(np.full(rows.shape, guest), np.maximum(rows, 0))
        total = np.where(valid, worth, np.float32(0.0)).sum(axis=1, dtype=np.float64)
        return np.asarray(FULL * (total / np.maximum(valid.sum(axis=1), 1) + self.wished(rows)), np.float64)

    def faults(self, rows: Ints, tables: Ints) -> NDArray[np.float64]:
        """(rows,): how much is wrong with each table, 0 if it keeps every hard rule; ``tables`` are their numbers."""
        return np.asarray(sum(faults + _AT_ALL * (faults > 0) for faults in self._by_kind(rows, tables, self._apart).values()), np.float64)

    def keeps(self, labels: Ints) -> bool:
        """Whether every hard rule is kept by tables of all guests, (n,) labels."""
        return not self.faults(self.rows(labels), np.arange(len(self))).any()

    def faults_by_rule(self, rows: Ints, tables: Ints) -> dict[str, NDArray[np.float64]]:
        """(rows,) by the names of the rules: by how many guests, about, each table is off what the rule asks for; 0 where it is kept."""
        return self._by_kind(rows, tables, self.apart_by_rule)

    @cached_property
    def apart_by_rule(self) -> dict[str, Ints]:
        """By the names of the rules that keep some guests apart, the pairs, as :func:`_both_ways` has them."""
        kept = {rule.name: rule.keep(self.crowd).apart for rule in self._rules if isinstance(rule, HardRule)}
        return {name: _both_ways(links.pairs(), len(self.crowd)) for name, links in kept.items() if links is not None and len(links)}

    def _matrix(self, scoring: Scoring) -> Scores | None:
        return scoring.matrix(self.crowd).astype(np.float32) if len(self.crowd) <= _MATRIX_UP_TO else None

    def _pairs(self, one: Ints, other: Ints) -> Scores:
        if self._worth is not None:
            return self._worth[one, other]
        return self._scoring.pairs(self.crowd, one, other)

    def _below_demand(self, demand: Demand, rows: Ints) -> NDArray[np.float64]:
        """How far each table is from what is demanded: 1 or more where it is."""
        matrix, alone = self._demanded[demand], self._demands[demand]
        mean = _mean_of_pairs(rows, lambda one, other: alone.pairs(self.crowd, one, other) if matrix is None else matrix[one, other])
        sizes = (rows >= 0).sum(axis=1)
        short = demand.least - mean
        return np.where((sizes > 1) & (short > _ROUNDING), 1.0 + sizes * short, 0.0)

    def _by_kind(self, rows: Ints, tables: Ints, apart: Mapping[str, Ints]) -> dict[str, NDArray[np.float64]]:
        there = np.greater_equal(rows, 0)
        guests = np.where(there, rows, 0)
        sizes = there.sum(axis=1)
        seated = sizes > 0
        lacking = np.where(seated, np.maximum(self.lows[tables] - sizes, 0), 0)
        found = {"table_size": (lacking + np.maximum(sizes - self.highs[tables], 0)).astype(np.float64)}
        for name, pairs in apart.items():
            found[name] = self._pairs_apart(pairs, rows, there)
        for number, family in enumerate(self.constraints.families):
            found[family.rule] = self._without_common(self.constraints.masks[:, number], guests, there)
        if self._unserved is not None:
            found["diets_served"] = np.asarray((self._unserved[tables[:, None], guests] & there).sum(axis=1), np.float64)
        for part in self._parts:
            found[part.rule.name] = part.faults(rows)
        for demand in self._demands:
            found[demand.name] = self._below_demand(demand, rows)
        return found

    def _pairs_apart(self, apart: Ints, rows: Ints, there: NDArray[np.bool_]) -> NDArray[np.float64]:
        one, other = np.triu_indices(rows.shape[1], 1)
        keys = rows[:, one] * len(self.crowd) + rows[:, other]
        broken = within(keys, apart) & there[:, one] & there[:, other]
        return np.asarray(broken.sum(axis=1), np.float64)

    @staticmethod
    def _without_common(masks: Words, guests: Ints, there: NDArray[np.bool_]) -> NDArray[np.float64]:
        """How many guests are outside the bit that most have in common, where not all have one."""
        words = np.where(there[..., None], masks[guests], _ALL)
        common: Words = np.asarray(np.bitwise_and.reduce(words, axis=1), np.uint64)
        faults = np.zeros(len(guests))
        wrong = np.flatnonzero(np.all(common == 0, axis=1))
        if len(wrong):
            bits = np.unpackbits(np.where(there[wrong][..., None], words[wrong], 0).view(np.uint8), axis=-1)
            faults[wrong] = there[wrong].sum(axis=1) - bits.sum(axis=1).max(axis=1)
        return faults


def house_of(crowd: Crowd, scoring: Scoring, rules: Sequence[Rule], room: Room) -> House:
    """The judge of all tables that a crowd can be seated at: the venue's own, or as many as it can fill."""
    constraints = Constraints.of(crowd, rules, room.low, room.high)
    return House(crowd, constraints, scoring, rules, room, max(1, len(crowd) // room.low))


def _both_ways(pairs: Ints, guests: int) -> Ints:
    """The pairs, (m, 2), as ascending numbers, each from both sides."""
    one, other = pairs.T
    return np.sort(np.concatenate([one * guests + other, other * guests + one]))


def _mean_of_pairs(rows: Ints, worth: Callable[[Ints, Ints], Scores]) -> NDArray[np.float64]:
    """(rows,): the mean over each table's pairs; 0 for fewer than two guests."""
    one, other = np.triu_indices(rows.shape[1], 1)
    first, second = rows[:, one], rows[:, other]
    valid = (first >= 0) & (second >= 0)
    each = worth(np.maximum(first, 0), np.maximum(second, 0))
    total = np.where(valid, each, np.float32(0.0)).sum(axis=1, dtype=np.float64)
    return np.asarray(total / np.maximum(valid.sum(axis=1), 1), np.float64)

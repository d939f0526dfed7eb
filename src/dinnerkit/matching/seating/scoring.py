"""Points: what the soft rules give pairs of guests, and how a table's reasons add up to its score."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dinnerkit.matching.people.crowd import Crowd
from dinnerkit.matching.rules.kinds import Rule, SoftRule, TableWish
from dinnerkit.matching.rules.scale import FULL
from dinnerkit.matching.seating.counting import Counted, rows_of
from dinnerkit.matching.seating.reasons import NO_DIFFERENCE, Reason
from dinnerkit.matching.solving.pairs import pairs_inside
from dinnerkit.matching.solving.state import Floats, Ints

STEP = 0.125
"""Points are whole eighths, which binary floats hold exactly: reasons add up to the score in any order, without rounding."""

_ROUNDS = 2
"""Where points are rounded: whatever is cut off, one more for each of the others is more than enough."""

_CHANCE_PAIRS = 200_000
_CHANCE_TABLES = 400
_PAIRS_AT_ONCE = 1 << 19


@dataclass(frozen=True)
class Scoring:
    """The soft rules in play for a crowd, with their shares of the scale, which add up to 1.

    Attributes:
        rules: those about pairs.
        shares: theirs.
        wishes: those about whole tables.
        wish_shares: theirs.
    """

    rules: tuple[SoftRule, ...]
    shares: tuple[float, ...]
    wishes: tuple[TableWish, ...] = ()
    wish_shares: tuple[float, ...] = ()

    @classmethod
    def of(cls, crowd: Crowd, rules: Sequence[Rule]) -> Scoring:
        """The soft ones among the rules that can tell these guests apart."""
        playing = tuple(rule for rule in rules if isinstance(rule, SoftRule) and rule.in_play(crowd))
        wishes = tuple(rule for rule in rules if isinstance(rule, TableWish) and rule.in_play(crowd))
        total = sum(rule.weight for rule in playing) + sum(rule.weight for rule in wishes)
        return cls(playing, tuple(rule.weight / total for rule in playing), wishes, tuple(rule.weight / total for rule in wishes))

    def counted(self, crowd: Crowd, company: Crowd | None = None) -> list[tuple[float, Counted]]:
        """The rules about whole tables, ready for a crowd, and their shares; the company is all who dine, by default the crowd."""
        company = crowd if company is None else company
        return [(share, Counted.of(wish.rule, crowd, company)) for wish, share in zip(self.wishes, self.wish_shares, strict=True)]

    def wished(self, crowd: Crowd, labels: Ints) -> Floats:
        """(tables,): what the rules about whole tables add to each table's score, 0–1."""
        rows = rows_of(labels, int(labels.max(initial=-1)) + 1)
        return sum((share * part.kept(rows) for share, part in self.counted(crowd)), np.zeros(len(rows)))

    def pairs(self, crowd: Crowd, one: Ints, other: Ints) -> NDArray[np.float32]:
        """0–1 for each pair of two broadcast arrays of places in the crowd; 1 throughout where no rule is in play.

        What rules about whole tables give comes on top, see :meth:`wished`.
        """
        if not self.rules and not self.wishes:
            return np.ones(np.broadcast_shapes(one.shape, other.shape), np.float32)
        worth = np.zeros(np.broadcast_shapes(one.shape, other.shape), np.float32)
        for rule, share in zip(self.rules, self.shares, strict=True):
            worth += np.float32(share) * rule.score(crowd, one, other)
        return worth

    def tables(self, crowd: Crowd, labels: Ints) -> Floats:
        """(tables,): the score of each table, 0–100, unrounded; a label of -1 is no table."""
        tables = int(labels.max(initial=-1)) + 1
        one, other = pairs_inside(labels)
        totals, counts = np.zeros(tables), np.bincount(labels[one], minlength=tables)
        for begin in range(0, len(one), _PAIRS_AT_ONCE):
            part = slice(begin, begin + _PAIRS_AT_ONCE)
            totals += np.bincount(labels[one[part]], weights=self.pairs(crowd, one[part], other[part]), minlength=tables)
        scores = totals / np.maximum(counts, 1)
        if self.wishes:
            there = np.flatnonzero(labels >= 0)
            scores += self.wished(crowd.take(there), labels[there])
        return FULL * scores

    def matrix(self, crowd: Crowd) -> Floats:
        """(n, n) of :meth:`pairs`."""
        everybody = np.arange(len(crowd))
        return self.pairs(crowd, everybody[:, None], everybody[None, :]).astype(np.float64)

    def axes(self, crowd: Crowd) -> NDArray[np.float32]:
        """(n, k): coordinates in which near guests score well."""
        columns = [rule.axes(crowd) for rule in self.rules]
        return np.concatenate([np.zeros((len(crowd), 0), np.float32), *columns], axis=1)

    def chance(self, crowd: Crowd, sizes: Ints, rng: np.random.Generator) -> float:
        """0–100: the mean score of tables of these sizes drawn at random, hard rules aside; from a sample of pairs if they are many."""
        n = len(crowd)
        if n < 2:  # noqa: PLR2004
            return 0.0 if self.rules or self.wishes else FULL
        if n * (n - 1) // 2 <= _CHANCE_PAIRS:
            one, other = np.triu_indices(n, 1)
        else:
            one = rng.integers(n, size=_CHANCE_PAIRS)
            other = (one + rng.integers(1, n, size=_CHANCE_PAIRS)) % n
        drawn = self._wished_by_chance(crowd, sizes, rng) if self.wishes else 0.0
        return FULL * (float(self.pairs(crowd, one, other).mean(dtype=np.float64)) + drawn)

    def _wished_by_chance(self, crowd: Crowd, sizes: Ints, rng: np.random.Generator) -> float:
        labels = np.repeat(np.arange(len(sizes)), sizes)
        drawn = [self.wished(crowd, rng.permutation(labels)) for _ in range(max(1, _CHANCE_TABLES // len(sizes)))]
        return float(np.average(np.mean(drawn, axis=0), weights=sizes))

    def reasons(self, crowd: Crowd, labels: Ints) -> list[tuple[Reason, ...]]:
        """The reasons of each table, from 0 on.

        Args:
            crowd: the guests.
            labels: (n,) the table of each, numbered without gaps; -1 is unseated.
        """
        tables = int(labels.max(initial=-1)) + 1
        one, other = pairs_inside(labels)
        counts = np.maximum(np.bincount(labels[one], minlength=tables), 1)
        if not self.rules and not self.wishes:
            alike = Reason(NO_DIFFERENCE, "By these rules every table is as good as any other.", FULL, FULL)
            return [(alike,)] * tables
        means = [np.bincount(labels[one], weights=rule.score(crowd, one, other), minlength=tables) / counts for rule in self.rules]
        if self.wishes:
            seated = np.flatnonzero(labels >= 0)
            rows = rows_of(labels[seated], tables)
            means += [part.kept(rows) for _, part in self.counted(crowd.take(seated))]
        return self._of_tables(np.stack(means, axis=1))

    def reasons_of_guest(self, crowd: Crowd, guest: int, company: Ints) -> tuple[Reason, ...]:
        """What the rules give one guest with the others at a table; they add up as a table's reasons do, and are for the host."""
        if not self.rules and not self.wishes:
            return (Reason(NO_DIFFERENCE, "By these rules every company is as good as any other.", FULL, FULL),)
        one = np.full(len(company), guest)
        means = [float(rule.score(crowd, one, company).mean(dtype=np.float64)) if len(company) else 0.0 for rule in self.rules]
        means += [float(part.kept(np.array([[guest, *company]]))[0]) for _, part in self.counted(crowd)]
        (reasons,) = self._of_tables(np.array([means]))
        return tuple(
            Reason(
                reason.rule, f"{reason.rule} with the others at the table: {reason.points:g} of {reason.most:g}", reason.points, reason.most
            )
            for reason in reasons
        )

    def _of_tables(self, means: Floats) -> list[tuple[Reason, ...]]:
        """The reasons of each table, given (tables, rules) of what each rule finds, 0–1."""
        rules: tuple[SoftRule | TableWish, ...] = (*self.rules, *self.wishes)
        shares = np.array((*self.shares, *self.wish_shares))
        most = _eighths(shares[None] * FULL)[0]
        points = _eighths(means * shares * FULL, most)
        columns = []
        for rule, found, given, top in zip(rules, means.T.tolist(), points.T.tolist(), most.tolist(), strict=True):
            # Many tables have the same reasons, and one of each will do.
            alike: dict[tuple[str, float], Reason] = {}
            told = zip(map(rule.text, found), given, strict=True)
            columns.append([alike.get(one) or alike.setdefault(one, Reason(rule.name, *one, top)) for one in told])
        return list(zip(*columns, strict=True))


def _eighths(points: Floats, most: Floats | float = np.inf) -> Floats:
    """(rows, parts), points rounded to whole eighths so that the sum of each row is off by half an eighth at most (largest remainders).

    None becomes more than the most it can be, a number or (parts,): what is cut off there goes to others.
    """
    steps = points / STEP
    whole = np.floor(steps)
    for _ in range(_ROUNDS):
        room = whole < most / STEP
        short = np.rint(steps.sum(axis=1) - whole.sum(axis=1))
        rank = np.argsort(np.argsort(np.where(room, whole - steps, np.inf), axis=1, kind="stable"), axis=1, kind="stable")
        whole += room & (rank < short[:, None])
    return np.asarray(whole * STEP)

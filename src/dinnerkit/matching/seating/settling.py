"""Settling guests at tables by all rules together: exchanges of guests that mend what is wrong first, and then raise the score.

A local search on whole tables, in the manner of WalkSAT (Selman, Kautz & Cohen 1994): take somebody from a table that breaks a rule, look
at many exchanges of theirs at once, and take the best of them, give or take a little chance. It follows the faster search on
pairs, and has only the remaining rules to mend: those about whole tables, a venue's own tables, the floor, and who should not move.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dinnerkit.matching.seating.house import House
from dinnerkit.matching.solving.state import Floats, Ints

FAULT = 1e6
"""What one fault costs, in points of one guest's score: more than any exchange can bring."""

_LEAST_GAIN = 1e-9
_LOOKED_AT = 160
_STEPS_PER_FAULT = 40
_FEWEST_STEPS = 150
_MOST_STEPS = 6000
_RESTLESS = 200.0
_WARM, _COOL = 60.0, 0.5
_LIFTING = 300
_SWEEPS_OF_UNMET = 3
_SHAKEN, _SHAKING, _SWEEPS_OF_ROAMING = 3, 5.0, 10


@dataclass(frozen=True)
class Settled:
    """Where the search ended.

    Attributes:
        labels: (n,), the table of each guest.
        faults: how much is still wrong, over all tables; 0 if every hard rule is kept.
        steps: exchanges that were looked for.
    """

    labels: Ints
    faults: float
    steps: int


@dataclass(frozen=True, slots=True)
class Exchange:
    """A unit that goes to another table, and the unit that comes for it.

    Attributes:
        unit: who goes.
        other: who comes in exchange; -1 for nobody.
        table: where to.
        left: the guests then at the unit's table so far, among -1s.
        right: those then at the other.
    """

    unit: int
    other: int
    table: int
    left: Ints
    right: Ints


@dataclass(frozen=True, slots=True)
class Exchanges:
    """Many exchanges of one unit, as columns of :class:`Exchange`, and what each would gain, faults included."""

    unit: int
    others: Ints
    tables: Ints
    left: Ints
    right: Ints
    gains: Floats

    def one(self, place: int) -> Exchange:
        """One of them."""
        return Exchange(self.unit, int(self.others[place]), int(self.tables[place]), self.left[place], self.right[place])


class Settling:
    """One search. Units (parties) stay whole; those named ``fixed`` stay where they are.

    Args:
        house: the judge.
        labels: (n,), where everybody sits at first; nobody is unseated.
        rng: the source of chance.
        fixed: (n,), guests who must not move.
        home: (n,), the table that each should rather stay at, -1 if it does not matter.
        fee: what each guest away from home costs, in points.
    """

    def __init__(
        self,
        house: House,
        labels: Ints,
        rng: np.random.Generator,
        *,
        fixed: NDArray[np.bool_] | None = None,
        home: Ints | None = None,
        fee: float = 0.0,
    ) -> None:
        self._house = house
        self._rng = rng
        self._home, self._fee = home, fee
        self._units = house.constraints.units()
        self._widest = max((len(unit) for unit in self._units), default=1)
        self._padded = np.full((len(self._units), self._widest), -1)
        for number, unit in enumerate(self._units):
            self._padded[number, : len(unit)] = unit
        self._sizes = np.array([len(unit) for unit in self._units], np.int64)
        free = np.ones(len(labels), np.bool_) if fixed is None else ~fixed
        self._free = np.array([bool(free[unit].all()) for unit in self._units], np.bool_)
        self.table = np.array([labels[unit[0]] for unit in self._units], np.int64)
        self._rows = house.rows(labels)
        self._faults, self._value = self._judge(self._rows, np.arange(len(house)))

    @property
    def faults(self) -> float:
        """How much is wrong now."""
        return float(self._faults.sum())

    def labels(self) -> Ints:
        """(n,), the table of each guest now."""
        return self.table[self._house.constraints.unit]

    def mend(self) -> Settled:
        """Exchange guests until no hard rule is broken, or no more is found; what was best is kept."""
        steps, limit = 0, int(min(_MOST_STEPS, max(_FEWEST_STEPS, _STEPS_PER_FAULT * self.faults)))
        best, best_total, best_faults = self.table.copy(), self._total(), self.faults
        while best_faults > 0 and steps < limit and self._free.any() and len(self._house) > 1:
            steps += 1
            unit = self._pick(np.flatnonzero(self._faults > 0))
            if unit < 0:
                break
            self.step(unit, restless=_RESTLESS)
            if self._total() > best_total:
                best, best_total, best_faults = self.table.copy(), self._total(), self.faults
        self._restore(best)
        return Settled(self.labels(), self.faults, steps)

    def lift(self, until: Callable[[], bool] = lambda: False) -> int:
        """Exchange guests of tables below the floor until none is, or it is over; what was best is kept. Returns the steps taken."""
        best, best_total = self.table.copy(), self._total()
        steps = 0
        for heat in np.geomspace(_WARM, _COOL, _LIFTING):
            low = np.flatnonzero((self._house.scores(self._rows) < self._house.least) & (self._rows >= 0).any(axis=1))
            unit = self._pick(low) if len(low) and len(self._house) > 1 else -1
            if unit < 0 or until():
                break
            steps += 1
            self.step(unit, restless=float(heat))
            if self._total() > best_total:
                best, best_total = self.table.copy(), self._total()
        if self._total() < best_total:
            self._restore(best)
        return steps

    def fulfil(self, until: Callable[[], bool] = lambda: False) -> int:
        """Take exchanges that gain, of guests at tables where a rule about whole tables with a weight is not kept; returns the steps taken.

        Only those whom such a rule counts: what :meth:`polish` does for all guests, for crowds that are too large for that.
        """
        steps, counted = 0, self._house.counted()
        concerned = self._free & np.array([counted[unit].any() for unit in self._units], np.bool_)
        for _ in range(_SWEEPS_OF_UNMET):
            unmet = np.flatnonzero((self._house.wished(self._rows) < self._house.most_wished - _LEAST_GAIN) & (self._rows >= 0).any(axis=1))
            for unit in self._rng.permutation(np.flatnonzero(concerned & np.isin(self.table, unmet)))[:_MOST_STEPS]:
                if until():
                    return steps
                steps += 1
                self.step(int(unit), restless=0.0)
        return steps

    def polish(self, sweeps: int, until: Callable[[], bool] = lambda: False) -> int:
        """Take exchanges that gain, over all guests, so many times or until none does; returns the steps taken."""
        steps = 0
        for _ in range(sweeps):
            before = self._total()
            for unit in self._rng.permutation(np.flatnonzero(self._free)):
                if until():
                    return steps
                steps += 1
                self.step(int(unit), restless=0.0)
            if self._total() <= before + 1e-9:
                break
        return steps

    def roam(self, until: Callable[[], bool]) -> int:
        """Take exchanges that gain until none does, shake some guests out of their places, and so on until it is over.

        What was best is kept. Returns the steps taken.
        """
        movable = np.flatnonzero(self._free)
        steps, best, best_total = 0, self.table.copy(), self._total()
        while True:
            steps += self.polish(_SWEEPS_OF_ROAMING, until)
            if self._total() > best_total:
                best, best_total = self.table.copy(), self._total()
            else:
                self._restore(best)
            if until() or not len(movable) or len(self._house) < 2:  # noqa: PLR2004
                return steps
            for unit in self._rng.choice(movable, min(_SHAKEN, len(movable)), replace=False):
                steps += 1
                self.step(int(unit), restless=_SHAKING)

    def _judge(self, rows: Ints, tables: Ints) -> tuple[Floats, Floats]:
        """What is wrong with each table, and what it is worth without that."""
        value = self._house.worth(rows)
        if self._home is not None:
            home = np.where(rows >= 0, self._home[np.maximum(rows, 0)], -1)
            value -= self._fee * ((home >= 0) & (home != tables[:, None])).sum(axis=1)
        return self._house.faults(rows, tables), value

    def _total(self) -> float:
        return float(self._value.sum() - FAULT * self._faults.sum())

    def _pick(self, tables: Ints) -> int:
        """A unit that may move, of one of the tables."""
        for table in self._rng.permutation(tables)[:20]:
            units = np.flatnonzero(self._free & (self.table == table))
            if len(units):
                return int(self._rng.choice(units))
        return int(self._rng.choice(np.flatnonzero(self._free))) if self._free.any() else -1

    def best(self, most_moves: int) -> Exchange | None:
        """The exchange that gains most for each guest whom it takes away from home; None if none gains.

        Args:
            most_moves: how many more guests than now may be away from home.
        """
        best: Exchange | None = None
        worth = 0.0
        for unit in np.flatnonzero(self._free):
            exchanges = self.exchanges(int(unit))
            if exchanges is None:
                continue
            moves = self._moves(int(unit), exchanges)
            allowed = (moves <= most_moves) & (exchanges.gains > _LEAST_GAIN)
            rate = np.where(allowed, exchanges.gains / np.maximum(moves, 0.1), 0.0)
            place = int(np.argmax(rate))
            if rate[place] > worth:
                worth, best = float(rate[place]), exchanges.one(place)
        return best

    def take(self, exchange: Exchange) -> None:
        """Make an exchange."""
        here = int(self.table[exchange.unit])
        if exchange.other >= 0:
            self.table[exchange.other] = here
        self.table[exchange.unit] = exchange.table
        for table, row in ((here, exchange.left), (exchange.table, exchange.right)):
            guests = row[row >= 0]
            self._rows[table] = -1
            self._rows[table, : len(guests)] = guests
        pair = np.array([here, exchange.table])
        self._faults[pair], self._value[pair] = self._judge(self._rows[pair], pair)

    def _moves(self, unit: int, exchanges: Exchanges) -> Ints:
        """How many more guests each exchange takes away from home."""
        home = self._unit_homes()
        here, others = self.table[unit], np.maximum(exchanges.others, 0)

        def away(units: Ints, tables: Ints) -> Ints:
            return np.where((home[units] >= 0) & (home[units] != tables), self._sizes[units], 0)

        mine = np.full(len(others), unit)
        added = away(mine, exchanges.tables) - away(mine, np.full(len(others), here))
        theirs = away(others, np.full(len(others), here)) - away(others, exchanges.tables)
        return np.asarray(added + np.where(exchanges.others >= 0, theirs, 0), np.int64)

    def _unit_homes(self) -> Ints:
        if self._home is None:
            return np.full(len(self._units), -1)
        return np.array([self._home[unit].max() for unit in self._units], np.int64)

    def exchanges(self, unit: int) -> Exchanges | None:
        """Exchanges of a unit with all others, or many at random, whatever they break; None if there is no other table."""
        here = int(self.table[unit])
        others, tables = self._exchanges(unit)
        if not len(tables):
            return None
        left, right = self._after(unit, others, here, tables)
        count = len(tables)
        faults, value = self._judge(np.concatenate([left, right]), np.concatenate([np.full(count, here), tables]))
        total = value - FAULT * faults
        now = self._value - FAULT * self._faults
        return Exchanges(unit, others, tables, left, right, total[:count] + total[count:] - now[here] - now[tables])

    def step(self, unit: int, restless: float = 0.0) -> None:
        """The best of many exchanges of a unit, if it gains or chance will have it."""
        exchanges = self.exchanges(unit)
        if exchanges is None:
            return
        noise = restless * self._rng.exponential(size=len(exchanges.gains)) if restless else np.zeros(len(exchanges.gains))
        best = int(np.argmax(exchanges.gains + noise))
        if exchanges.gains[best] + noise[best] > _LEAST_GAIN:
            self.take(exchanges.one(best))

    def _exchanges(self, unit: int) -> tuple[Ints, Ints]:
        """Units to swap with (-1 for none: to move there) and their tables, all or many at random."""
        swaps = np.flatnonzero(self._free & (self.table != self.table[unit]))
        if len(swaps) > _LOOKED_AT:
            swaps = self._rng.choice(swaps, _LOOKED_AT, replace=False)
        opened = np.flatnonzero(self._house.highs)  # the others keep their guests, and get none
        moves = opened[opened != self.table[unit]]
        if len(moves) > _LOOKED_AT // 4:
            moves = self._rng.choice(moves, _LOOKED_AT // 4, replace=False)
        others, tables = np.concatenate([swaps, np.full(len(moves), -1)]), np.concatenate([self.table[swaps], moves])
        taken = (self._rows >= 0).sum(axis=1)
        width = np.where(others >= 0, self._sizes[np.maximum(others, 0)], 0)
        growth = self._sizes[unit] - width
        fits = (taken[tables] + growth <= self._rows.shape[1]) & (taken[self.table[unit]] - growth <= self._rows.shape[1])
        return others[fits], tables[fits]

    def _after(self, unit: int, others: Ints, here: int, tables: Ints) -> tuple[Ints, Ints]:
        """The two tables of each exchange as they would be."""
        incoming = np.where((others >= 0)[:, None], self._padded[np.maximum(others, 0)], -1)
        stay = np.where(np.isin(self._rows[here], self._units[unit]), -1, self._rows[here])
        left = np.concatenate([np.broadcast_to(stay, (len(tables), len(stay))), incoming], axis=1)
        there = self._rows[tables]
        unit_of = np.where(there >= 0, self._house.constraints.unit[np.maximum(there, 0)], -2)
        there = np.where(unit_of == others[:, None], -1, there)
        right = np.concatenate([there, np.broadcast_to(self._padded[unit], (len(tables), self._widest))], axis=1)
        return left, right

    def _restore(self, table: Ints) -> None:
        self.table = table.copy()
        self._rows = self._house.rows(self.labels())
        self._faults, self._value = self._judge(self._rows, np.arange(len(self._house)))

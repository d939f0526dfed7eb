"""The worst tables of a large crowd, made better one exchange at a time.

The search among many lifts the worst tables of each block, and leaves one here and there whose guests suit nobody in theirs. So in
the end the few worst of all are held against others from anywhere.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from dinnerkit.matching.people.crowd import Crowd
from dinnerkit.matching.rules.kinds import Floor, Rule
from dinnerkit.matching.rules.scale import FULL
from dinnerkit.matching.seating.constraints import Constraints
from dinnerkit.matching.seating.house import House
from dinnerkit.matching.seating.rooms import Room
from dinnerkit.matching.seating.scoring import Scoring
from dinnerkit.matching.seating.settling import Settling
from dinnerkit.matching.solving.state import Ints

_ROUNDS, _WORST, _OTHERS, _PASSES = 2, 3, 60, 2
_AIM = 24


def lift_worst(
    guests: tuple[Crowd, Constraints, Scoring],
    rules: Sequence[Rule],
    room: Room,
    labels: Ints,
    rng: np.random.Generator,
    until: Callable[[], bool],
) -> Ints:
    """(n,), the tables with guests of the worst exchanged for those of others; every hard rule is kept, and no table falls below the worst.

    Args:
        guests: all of them seated, with the hard rules and the soft ones.
        rules: all of them; none about whole tables, and no floor.
        room: of tables that are alike.
        labels: (n,), the table of each, numbered without gaps.
        rng: the source of chance.
        until: whether time is up.
    """
    crowd, constraints, scoring = guests
    scores = scoring.tables(crowd, labels)
    if len(scores) <= _AIM:
        return labels
    labels = labels.copy()
    for _ in range(_ROUNDS):
        order = np.argsort(scores, kind="stable")
        tables = np.sort(np.concatenate([order[:_WORST], rng.permutation(order[_WORST:])[:_OTHERS]]))
        places = np.flatnonzero(np.isin(labels, tables))
        aim = Floor(float(np.clip(scores[order[_AIM]], 0.0, FULL)))
        house = House(crowd.take(places), constraints.take(places), scoring, (*rules, aim), room, len(tables))
        settling = Settling(house, np.searchsorted(tables, labels[places]), rng)
        faults = settling.faults
        for _ in range(_PASSES):
            low = np.flatnonzero(house.scores(house.rows(settling.labels())) < aim.least)
            for unit in np.flatnonzero(np.isin(settling.table, low)):
                if until():
                    return labels
                settling.step(int(unit))
        found = settling.labels()
        lifted = house.scores(house.rows(found))
        if not faults and not settling.faults and lifted.min() >= scores[order[0]]:
            labels[places], scores[tables] = tables[found], lifted
    return labels

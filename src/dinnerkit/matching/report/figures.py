"""The figures that the report shows: how a seating does against simple ones, rule by rule, and which wishes it broke."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from dinnerkit.matching.files.rows import People
from dinnerkit.matching.people.crowd import Crowd
from dinnerkit.matching.people.guests import Guest
from dinnerkit.matching.report.baselines import at_random, greedily, scores_of_tables
from dinnerkit.matching.rules.kinds import Rule
from dinnerkit.matching.rules.scale import FULL
from dinnerkit.matching.rules.wishes import PairWish
from dinnerkit.matching.seating.counting import rows_of
from dinnerkit.matching.seating.rooms import Room, Size
from dinnerkit.matching.seating.scoring import Scoring
from dinnerkit.matching.seating.tables import Seating
from dinnerkit.matching.seating.why import Why
from dinnerkit.matching.solving.pairs import pairs_inside
from dinnerkit.matching.solving.state import Floats, Ints

_EXPLAINED_UP_TO = 3000
_EXTREMES = 3
_TABLES_NAMED = 8
_FEWEST_RANDOM_TABLES = 400


@dataclass(frozen=True, slots=True)
class RuleFigures:
    """One soft rule: its points on average over guests, by chance, and at best."""

    name: str
    points: float
    chance: float
    most: float


@dataclass(frozen=True, slots=True)
class Figures:
    """What the report shows.

    Attributes:
        ours: the score of each table.
        greedy: of tables filled greedily.
        chance: of tables drawn at random.
        rules: the soft rules in play, those of the most weight first.
        worst: numbers of the worst tables, from 1, the worst first.
        best: numbers of the best tables, the best first.
        better: by the number of a table among the worst, what would have raised it and what prevented that.
        traits: by table, the traits of the guests who told them, (guests, 5).
        random_traits: the same for tables drawn at random.
        wishes: the broken wishes, a sentence each.
    """

    ours: Floats
    greedy: Floats
    chance: Floats
    rules: tuple[RuleFigures, ...]
    worst: tuple[int, ...]
    best: tuple[int, ...]
    better: dict[int, str]
    traits: tuple[Floats, ...]
    random_traits: tuple[Floats, ...]
    wishes: tuple[str, ...]


def figures(people: People, seating: Seating, *, size: Size, rules: Sequence[Rule]) -> Figures:
    """Everything that the report shows about a seating of some people."""
    everybody = Crowd.of(people.guests)
    scoring = Scoring.of(everybody, rules)
    table_of = {name: number for number, table in enumerate(seating.tables) for name in table.guests}
    seated = np.array([one for one, name in enumerate(everybody.ids) if name in table_of], np.int64)
    crowd = everybody.take(seated)
    labels = np.array([table_of[name] for name in crowd.ids], np.int64)
    sizes = [len(table.guests) for table in seating.tables]
    rng = np.random.default_rng(seating.seed)
    random = at_random(sizes, rng)
    repeats = max(1, _FEWEST_RANDOM_TABLES // max(1, len(sizes)))
    by_chance = [scores_of_tables(crowd, scoring, random)]
    by_chance += [scores_of_tables(crowd, scoring, at_random(sizes, rng)) for _ in range(repeats - 1)]
    order = sorted(range(1, len(sizes) + 1), key=lambda number: seating.tables[number - 1].score)
    worst = tuple(order[:_EXTREMES])
    best = tuple(number for number in reversed(order[-_EXTREMES:]) if number not in worst)
    return Figures(
        ours=scores_of_tables(crowd, scoring, labels),
        greedy=scores_of_tables(crowd, scoring, greedily(crowd, scoring, sizes, rng)),
        chance=np.concatenate(by_chance),
        rules=_by_rule(crowd, scoring, labels, random),
        worst=worst,
        best=best,
        better=_better(people.guests, seating, worst, size, rules),
        traits=_traits(crowd, labels),
        random_traits=_traits(crowd, random),
        wishes=tuple(_wishes(people, seating, crowd, labels, Room.of(size)) + _not_kept(crowd, labels, scoring)),
    )


def _by_rule(crowd: Crowd, scoring: Scoring, labels: Ints, random: Ints) -> tuple[RuleFigures, ...]:
    found = []
    alone = [(rule.name, share, Scoring((rule,), (1.0,))) for rule, share in zip(scoring.rules, scoring.shares, strict=True)]
    alone += [(wish.name, share, Scoring((), (), (wish,), (1.0,))) for wish, share in zip(scoring.wishes, scoring.wish_shares, strict=True)]
    for name, share, only in alone:
        ours, chance = (
            share * float(np.average(scores_of_tables(crowd, only, tables), weights=np.bincount(tables))) for tables in (labels, random)
        )
        found.append(RuleFigures(name, ours, chance, FULL * share))
    return tuple(sorted(found, key=lambda rule: -rule.most))


def _better(guests: Sequence[Guest], seating: Seating, worst: Sequence[int], size: Size, rules: Sequence[Rule]) -> dict[int, str]:
    if len(guests) > _EXPLAINED_UP_TO:
        return {}
    why = Why(seating, guests, size=size, rules=rules)
    found = {number: why.table(number).better for number in worst}
    return {number: better.text for number, better in found.items() if better is not None}


def _traits(crowd: Crowd, labels: Ints) -> tuple[Floats, ...]:
    told = np.asarray(~np.isnan(crowd.traits).any(axis=1))
    order = np.argsort(labels, kind="stable")
    cuts = np.cumsum(np.bincount(labels))[:-1]
    return tuple(crowd.traits[part[told[part]]].astype(np.float64) for part in np.split(order, cuts))


def _not_kept(crowd: Crowd, labels: Ints, scoring: Scoring) -> list[str]:
    """What the hard rules with a weight would have had otherwise, and where."""
    found = []
    one, other = pairs_inside(labels)
    for rule in scoring.rules:
        if isinstance(rule, PairWish):
            broken = rule.score(crowd, one, other) == 0.0
            if broken.any():
                pairs = int(broken.sum())
                who = "1 pair of guests" if pairs == 1 else f"{pairs} pairs of guests"
                found.append(f"the wish {rule.rule.name} is not kept by {who}, {_at(np.unique(labels[one[broken]]))}")
    rows = rows_of(labels, int(labels.max(initial=-1)) + 1)
    for _, part in scoring.counted(crowd):
        tables = np.flatnonzero(part.faults(rows) > 0)
        if len(tables):
            found.append(f"the wish {part.rule.name} is not kept {_at(tables)}")
    return found


def _at(tables: Ints) -> str:
    named = [str(table + 1) for table in tables[:_TABLES_NAMED]]
    if len(tables) > _TABLES_NAMED:
        named.append(f"{len(tables) - _TABLES_NAMED} more")
    listed = named[0] if len(named) == 1 else f"{', '.join(named[:-1])} and {named[-1]}"
    return f"at table{'s' if len(tables) > 1 else ''} {listed}"


def _wishes(people: People, seating: Seating, crowd: Crowd, labels: Ints, room: Room) -> list[str]:
    found = [f"no table for {one.guest}: {one.reason}" for one in seating.unseated]
    found += [one.text for one in seating.broken]
    found += [one.text for one in seating.below]
    one, other = pairs_inside(labels)
    if len(crowd.met):
        again = int(crowd.met.linked(one, other).sum())
        if again:
            found.append(f"{again} pairs who met at an earlier dinner share a table again")
    if room.tables is not None and len(seating.tables) < len(room.tables):
        found.append(f"{len(room.tables) - len(seating.tables)} of the venue's {len(room.tables)} tables stay empty")
    if people.bad:
        found.append(f"{len(people.bad)} rows of the file could not be used; nobody in them is seated")
    if people.careless:
        found.append(f"{len(people.careless)} people answered as if they had not read the questions; they are seated all the same")
    return found

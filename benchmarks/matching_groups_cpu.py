"""How good groups are, by the CPU time they take: against chance, greedy filling, GroupEng's way, a local search and two published solvers.

Each search runs once per seed, and its worst and its middle seed are told. ``--drawn`` adds instances that nothing was tuned on, drawn by
the rules of MDGPLIB; ``--instances FOLDER`` takes other instances of the library (files as they are published, gzipped), ``--only`` those
whose names contain something, ``--seconds`` other budgets, ``--seeds`` a number of seeds.
"""

from __future__ import annotations

import argparse
import gzip
import itertools
import json
import time
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

from dinnerkit.matching import solve

SECONDS = {60: (0.2, 1.0), 240: (1.0, 3.0), 10**9: (3.0, 10.0)}
"""The budgets of up to so many people."""

SEEDS = 5
KINDS = ("Geo", "RanInt", "RanReal")
SIZES = {120: (10, 12, 8, 16), 240: (12, 20, 15, 25)}
"""By the number of people: of groups, of people in each, and the fewest and the most where groups differ."""

UNIFORM = (24, 480, 960)
DATA = Path(__file__).parent / "data" / "mdgp"


def instance(path: Path) -> tuple[Any, Any, Any]:
    """Weights, and the smallest and largest size per group."""
    with gzip.open(path, "rt") as lines:
        head = lines.readline().split()
        rows = np.loadtxt(lines)
    people, groups = int(head[0]), int(head[1])
    bounds = np.array(head[3 : 3 + 2 * groups], np.int64).reshape(groups, 2)
    weights = np.zeros((people, people))
    one, other = rows[:, 0].astype(int), rows[:, 1].astype(int)
    weights[one, other] = weights[other, one] = rows[:, 2]
    return weights, bounds[:, 0], bounds[:, 1]


def uniform(people: int) -> tuple[Any, Any, Any]:
    """Independent weights from 0 to 1 and tables of six: the rule of dinners, and what search finds hardest."""
    values = np.triu(np.random.default_rng(1).random((people, people)), 1)
    return values + values.T, np.full(people // 6, 6), np.full(people // 6, 6)


def drawn(kind: str, people: int, different: bool, number: int) -> tuple[Any, Any, Any]:
    """An instance by the rules of the library: distances of points with 4 to 21 coordinates, or independent weights up to 100."""
    chance = np.random.default_rng([people, number, len(kind), not different, 77])
    if kind == "Geo":
        points = 100 * chance.random((people, int(chance.integers(4, 22))))
        weights = np.sqrt(((points[:, None] - points[None]) ** 2).sum(axis=-1))
    else:
        size = (people, people)
        weights = np.triu(chance.integers(1, 101, size) if kind == "RanInt" else 100 * chance.random(size), 1).astype(float)
        weights += weights.T
    groups, usual, least, most = SIZES[people]
    if not different:
        return weights, np.full(groups, usual), np.full(groups, usual)
    bounds = np.array([(chance.integers(least, usual + 1), chance.integers(usual, most + 1)) for _ in range(groups)])
    return weights, bounds[:, 0], bounds[:, 1]


def worth(weights: NDArray[np.float64], labels: NDArray[np.int64]) -> float:
    return float(np.triu(weights * (labels[:, None] == labels[None, :]), 1).sum())


def sizes_of(people: int, low: NDArray[np.int64], high: NDArray[np.int64]) -> NDArray[np.int64]:
    """The smallest groups, then one after the other made as large as can be."""
    sizes = low.copy()
    for group in range(len(sizes)):
        sizes[group] += min(high[group] - low[group], people - sizes.sum())
    return sizes


def at_random(weights: NDArray[np.float64], low: NDArray[np.int64], high: NDArray[np.int64]) -> NDArray[np.int64]:
    sizes = sizes_of(len(weights), low, high)
    return np.random.default_rng(0).permutation(np.repeat(np.arange(len(sizes)), sizes))


def greedy(weights: NDArray[np.float64], low: NDArray[np.int64], high: NDArray[np.int64]) -> NDArray[np.int64]:
    """The groups take turns; each takes the person left who adds the most to it, the first one by chance."""
    sizes = sizes_of(len(weights), low, high)
    labels = np.full(len(weights), -1)
    labels[np.random.default_rng(0).permutation(len(weights))[: len(sizes)]] = np.arange(len(sizes))
    for seat in range(1, int(sizes.max())):
        for group in np.flatnonzero(sizes > seat):
            gains = weights[:, labels == group].sum(axis=1)
            labels[int(np.argmax(np.where(labels < 0, gains, -np.inf)))] = group
    return labels


def weakest_first(weights: NDArray[np.float64], low: NDArray[np.int64], high: NDArray[np.int64], passes: int = 20) -> NDArray[np.int64]:
    """In the manner of GroupEng, which teachers use: from chance, the weakest groups first, each person takes the first swap that leaves
    the weaker of the two groups better off, until nobody finds one."""
    labels = at_random(weights, low, high)
    everybody, groups = np.arange(len(weights)), len(low)
    gains = np.stack([weights[:, labels == group].sum(axis=1) for group in range(groups)], axis=1)
    inside = np.array([0.5 * gains[labels == group, group].sum() for group in range(groups)])
    for _ in range(passes):
        swaps = 0
        for home in np.argsort(inside, kind="stable"):
            for one in np.flatnonzero(labels == home):
                here = inside[home] + gains[:, home] - weights[one] - gains[one, home]
                there = inside[labels] + gains[one, labels] - weights[one] - gains[everybody, labels]
                better = (labels != home) & (np.minimum(here, there) > np.minimum(inside[home], inside[labels]) + 1e-9)
                if not better.any():
                    continue
                other = int(np.argmax(better))
                away = int(labels[other])
                inside[home], inside[away] = here[other], there[other]
                change = weights[other] - weights[one]
                gains[:, home] += change
                gains[:, away] -= change
                labels[one], labels[other] = away, home
                swaps += 1
        if not swaps:
            break
    return labels


def table_of(
    name: str, problem: tuple[Any, Any, Any], published: dict[str, Any], budgets: tuple[float, ...], seeds: int
) -> dict[str, float]:
    """The worth of groups, by how they were found."""
    weights, low, high = problem
    rows = {"random": worth(weights, at_random(*problem)), "greedy": worth(weights, greedy(*problem))}
    rows["weakest first"] = worth(weights, weakest_first(*problem))
    climbed = solve(weights, low, high, start=at_random(*problem), heat=0.0, sweeps=30)
    rows["one local search"] = climbed.objective
    for seconds in budgets:
        found = []
        for seed in range(1, seeds + 1):
            began = time.process_time()
            found.append(solve(weights, low, high, seconds=seconds, seed=seed, clock=time.process_time).objective)
            if time.process_time() - began > 1.05 * seconds:
                print(f"{name}: {time.process_time() - began:.3f} s were taken where {seconds:g} s were given")
        rows |= {f"dinnerkit {seconds:g} s, worst": min(found), f"dinnerkit {seconds:g} s, middle": float(np.median(found))}
    for solver, value in published.items():
        if solver != "seconds":
            rows[f"{solver} {published['seconds']} s"] = value
    return rows


def main() -> None:
    """Run all instances and print how far each way is from the best of its row."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--json", type=Path)
    parser.add_argument("--instances", type=Path, default=DATA)
    parser.add_argument("--only", default="")
    parser.add_argument("--seconds", type=float, nargs="+")
    parser.add_argument("--seeds", type=int, default=SEEDS)
    parser.add_argument("--drawn", action="store_true")
    options = parser.parse_args()
    known = json.loads((DATA / "published.json").read_text())
    problems = {path.name.split(".")[0]: instance(path) for path in sorted(options.instances.glob("*.txt.gz")) if options.only in path.name}
    names = {f"uniform {people}, tables of 6": people for people in UNIFORM}
    problems |= {name: uniform(people) for name, people in names.items() if options.only in name}
    if options.drawn:
        cases = itertools.product(KINDS, SIZES, (False, True))
        names = {f"{kind}_n{people}_{'ds' if different else 'ss'} drawn": (kind, people, different) for kind, people, different in cases}
        problems |= {name: drawn(*case, number=1) for name, case in names.items() if options.only in name}
    if not problems:
        parser.error(f"nothing to run: no instance in {options.instances} has {options.only!r} in its name")
    for high in (6, 7):  # compiles, or reads what was compiled
        solve(np.ones((60, 60)), [6] * 10, [high] * 10, seconds=0.01)
    found = {}
    for name, problem in problems.items():
        usual = next(budgets for people, budgets in SECONDS.items() if len(problem[0]) <= people)
        found[name] = table_of(name, problem, known.get(name, {}), tuple(options.seconds or usual), options.seeds)
    table = Table("", "way", "worth", "% below the best", "% above IMS, TPSDP", title="Groups: worth by CPU seconds on one core")
    for name, rows in found.items():
        best = max(rows.values())
        rivals = max((value for way, value in rows.items() if way.startswith(("IMS", "TPSDP"))), default=np.nan)
        for way, value in rows.items():
            table.add_row(name, way, f"{value:,.3f}", f"{100 * (1 - value / best):.3f}", f"{100 * (value / rivals - 1):+.3f}")
            name = ""  # noqa: PLW2901
    Console(width=100).print(table)
    if options.json is not None:
        options.json.parent.mkdir(parents=True, exist_ok=True)
        options.json.write_text(json.dumps({"title": table.title, "rows": found}, indent=2) + "\n")


if __name__ == "__main__":
    main()

"""What it costs to seat very many people, and how good their tables are against a search of ten times the rounds.

``--file data.csv.gz`` takes the 19,719 real people of openpsychometrics.org in place of the demo's 2,400, of whom larger crowds are
drawn with replacement; ``--people`` names other sizes.
"""

from __future__ import annotations

import argparse
import json
import resource
import time
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

from dinnerkit.demo.respondents import respondents
from dinnerkit.matching import DEFAULT_RULES, TRAITS, Crowd, NeverMet, seat_crowd
from dinnerkit.matching.files.people import read_people

DINNERS = 5
SIZE = (5, 7)


def answers(file: Path | None) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Traits and ages of real people."""
    if file is None:
        people = respondents()
        return np.array([[one.traits[trait] for trait in TRAITS] for one in people], np.float32), np.array(
            [one.age for one in people], np.float32
        )
    guests = read_people(file).guests
    ages = [np.nan if guest.age is None else guest.age for guest in guests]
    return np.array([tuple(guest.traits or ()) for guest in guests], np.float32), np.array(ages, np.float32)


def crowd(real: tuple[NDArray[np.float32], NDArray[np.float32]], people: int, met: NDArray[np.int64]) -> Crowd:
    """So many people, one in ten of whom is of a blocked pair."""
    chance = np.random.default_rng(1)
    drawn = chance.integers(len(real[1]), size=people)
    blocked = chance.permutation(people)[: people // 10].reshape(-1, 2)
    return Crowd.of_columns(people, traits=real[0][drawn], age=real[1][drawn], met=met, blocked=blocked)


def company(labels: NDArray[np.int32]) -> NDArray[np.int64]:
    """All pairs who share a table."""
    order = np.argsort(labels, kind="stable")
    one = [np.stack([order[:-step], order[step:]], axis=1) for step in range(1, SIZE[1])]
    pairs = np.concatenate(one)
    return pairs[labels[pairs[:, 0]] == labels[pairs[:, 1]]]


def spent() -> float:
    """CPU seconds, those of ended processes that this one started among them."""
    ours, theirs = resource.getrusage(resource.RUSAGE_SELF), resource.getrusage(resource.RUSAGE_CHILDREN)
    return ours.ru_utime + ours.ru_stime + theirs.ru_utime + theirs.ru_stime


def main() -> None:
    """Seat each number of people in a row of dinners at which nobody meets again, and print the last."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--json", type=Path)
    parser.add_argument("--file", type=Path)
    parser.add_argument("--people", type=int, nargs="+", default=[2_400, 10_000])
    parser.add_argument("--dinners", type=int, default=DINNERS)
    parser.add_argument("--processes", type=int, default=1)
    options = parser.parse_args()
    real = answers(options.file)
    rules = (*(rule for rule in DEFAULT_RULES if rule.name != "not_met_before"), NeverMet())
    seat_crowd(crowd(real, 1_000, np.zeros((0, 2), np.int64)))  # compiles, or reads what was compiled
    found = {}
    for people in options.people:
        met = np.zeros((0, 2), np.int64)
        for dinner in range(options.dinners + 1):
            clock, cpu = time.monotonic(), spent()
            guests = crowd(real, people, met)
            seated = seat_crowd(guests, size=SIZE, rules=rules, seed=dinner, processes=options.processes)
            took = spent() - cpu, time.monotonic() - clock
            together = company(seated.labels)
            again = int(guests.met.linked(*together.T).sum() + guests.blocked.linked(*together.T).sum())
            met = np.concatenate([met, together])
        found[f"{people:,} people"] = {"cpu": took[0], "clock": took[1], "again": again, "score": seated.score, "floor": seated.floor}
    table = Table("", "CPU s", "clock s", "met again or blocked", "score", "worst table", title=f"After {options.dinners} dinners")
    for name, row in found.items():
        table.add_row(
            name, *(f"{row[key]:,.2f}" for key in ("cpu", "clock")), str(row["again"]), *(f"{row[key]:.1f}" for key in ("score", "floor"))
        )
    Console(width=110).print(table)
    if options.json is not None:
        options.json.parent.mkdir(parents=True, exist_ok=True)
        options.json.write_text(json.dumps(found, indent=2) + "\n")


if __name__ == "__main__":
    main()

"""What it costs to seat very many people, and how good their tables are.

The 19,719 real people of openpsychometrics.org are seated themselves, and larger crowds are drawn of them with replacement. Their file,
``data.csv`` out of BIG5.zip at openpsychometrics.org/_rawdata, gzipped or not, is the one that ``--file`` names, or else
``data/big5/data.csv.gz`` in this folder or in one beside the repository. Without it the demo's 2,400 of them are taken. ``--people`` names
other sizes of crowds, and ``--long`` a time to search for comparison.
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
from dinnerkit.matching import DEFAULT_RULES, TRAITS, Crowd, NeverMet, seat, seat_crowd
from dinnerkit.matching.files.people import read_people
from dinnerkit.matching.seating.audit import breaches

DINNERS = 5
SIZE = (5, 7)
SIXES = (5, 6)
ROOT = Path(__file__).parents[1]


def real_file() -> Path | None:
    """The answers of all real people, if they are here."""
    found = [ROOT / "benchmarks/data/big5/data.csv.gz", *sorted(ROOT.parent.glob("*/data/big5/data.csv.gz"))]
    return next((path for path in found if path.is_file()), None)


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


def themselves(file: Path, processes: int, long: float | None) -> dict[str, float]:
    """The people of a file at tables of six, from the file to the tables."""
    clock, cpu = time.monotonic(), spent()
    guests = read_people(file).guests
    seating = seat(guests, size=SIXES, processes=processes)
    took = {"cpu": spent() - cpu, "clock": time.monotonic() - clock}
    again = float(len(breaches(seating, guests, size=SIXES)))
    found = took | {"again": again, "score": seating.score, "floor": seating.floor}
    return found if long is None else found | {"share": seating.score / seat(guests, size=SIXES, processes=processes, seconds=long).score}


def main() -> None:
    """Seat each number of people in a row of dinners at which nobody meets again, and print the last."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--json", type=Path)
    parser.add_argument("--file", type=Path)
    parser.add_argument("--people", type=int, nargs="+", default=[2_400, 10_000])
    parser.add_argument("--dinners", type=int, default=DINNERS)
    parser.add_argument("--processes", type=int, default=1)
    parser.add_argument("--long", type=float, help="seconds of another search, of whose score the share is told")
    options = parser.parse_args()
    file = options.file or real_file()
    console = Console(width=110)
    if file is None:
        console.print(
            "The 19,719 real people are not here (BIG5.zip at openpsychometrics.org/_rawdata; --file data.csv), so the demo's are taken."
        )
    real = answers(file)
    rules = (*(rule for rule in DEFAULT_RULES if rule.name != "not_met_before"), NeverMet())
    seat_crowd(crowd(real, 1_000, np.zeros((0, 2), np.int64)))  # compiles, or reads what was compiled
    found = {} if file is None else {"real people, tables of 6": themselves(file, options.processes, options.long)}
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
        row = {"cpu": took[0], "clock": took[1], "again": float(again), "score": seated.score, "floor": seated.floor}
        if options.long is not None:
            longer = seat_crowd(guests, size=SIZE, rules=rules, seed=dinner, processes=options.processes, seconds=options.long)
            row["share"] = seated.score / longer.score
        found[f"{people:,} people after {options.dinners} dinners"] = row
    table = Table("", "CPU s", "clock s", "rules broken", "score", "worst table", "of a long search", title="Seating many")
    for name, row in found.items():
        figures = (
            *(f"{row[key]:,.2f}" for key in ("cpu", "clock")),
            f"{row['again']:.0f}",
            *(f"{row[key]:.1f}" for key in ("score", "floor")),
        )
        table.add_row(name, *figures, f"{row['share']:.1%}" if "share" in row else "")
    console.print(table)
    if options.json is not None:
        options.json.parent.mkdir(parents=True, exist_ok=True)
        options.json.write_text(json.dumps(found, indent=2) + "\n")


if __name__ == "__main__":
    main()

"""``dinnerkit match``."""

from __future__ import annotations

import importlib
import math
import re
import sys
from collections import defaultdict
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Protocol, TypeVar

import click

from dinnerkit.matching.files.people import People
from dinnerkit.matching.files.rulesfile import RulesFile, read_rules
from dinnerkit.matching.matching_files import MatchReport, match_file
from dinnerkit.matching.people.carelessness import LONG_STRING
from dinnerkit.matching.rules.default_rules import DEFAULT_RULES
from dinnerkit.matching.seating.arranging import AT_ONCE
from dinnerkit.matching.seating.tables import Seating
from dinnerkit.matching.solving.solver import compiled_available

T = TypeVar("T")

DEFAULT_SIZE = (5, 7)
_MOST_SHOWN = 100


def _size(ctx: click.Context, parameter: click.Parameter, value: str | None) -> tuple[int, int] | None:
    if value is None:
        return None
    match = re.fullmatch(r"(\d{1,6})(?:-(\d{1,6}))?", value)
    low, high = (int(match[1]), int(match[2] or match[1])) if match else (0, 0)
    if not 1 <= low <= high:
        why = f"{value!r} is not a table size, such as 5-7 or 6"
        raise click.BadParameter(why, ctx, parameter)
    return low, high


@click.command("match")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--size", metavar="MIN-MAX", callback=_size, help="Fewest and most people at a table.  [default: 5-7]")
@click.option("--out", metavar="FILE", type=click.Path(dir_okay=False, path_type=Path), required=True, help="Where to write person,table.")
@click.option("--rules", "rules_file", metavar="FILE", type=click.Path(path_type=Path), help="Rules, and a venue's tables, in TOML.")
@click.option("--report", metavar="FILE", type=click.Path(dir_okay=False, path_type=Path), help="Where to write a page about it, in HTML.")
@click.option("--best-effort", is_flag=True, help="If the rules can't all be kept, leave out as few as is found.")
@click.option("--everybody", is_flag=True, help="If the rules can't all be kept, seat all, and break as few as is found.")
@click.option("--seconds", metavar="S", type=click.FloatRange(0, min_open=True), help="How long to search. Default: what suits the number.")
@click.option(
    "--processes", metavar="N", type=click.IntRange(1, 64), default=1, show_default=True, help="How many search, for large crowds."
)
@click.option("--seed", metavar="N", type=click.IntRange(0), default=0, show_default=True, help="What all chance is drawn from.")
def command(
    file: Path,
    size: tuple[int, int] | None,
    out: Path,
    rules_file: Path | None,
    report: Path | None,
    best_effort: bool,
    everybody: bool,
    seconds: float | None,
    processes: int,
    seed: int,
) -> None:
    """Seat the people of FILE at tables; needs no server.

    FILE is CSV or TSV, gzipped or not, or Parquet, one person a line: answers E1 … O10 to the 50 IPIP Big-Five markers, and if you like
    id, age, languages, interests, budget, party, diets, dinners, met, met_ago, blocked and state:gender or other state: columns. Rows that
    can't be used are skipped, and listed on stderr with their line numbers.

    The result has a line person,table for each person at a table: the id column or else the row's number, from 1, and the table's number.
    """
    if best_effort and everybody:
        raise click.UsageError("--best-effort leaves people out, and --everybody nobody: only one of them can be")
    named = [path.resolve() for path in (file, rules_file, out, report) if path]
    if len(set(named)) < len(named):
        raise click.UsageError("FILE, --rules, --out and --report must be different files: what is read would be written over")
    rules = read_rules(rules_file) if rules_file else RulesFile(DEFAULT_RULES, None)
    if size and rules.tables:
        raise click.UsageError(f"{rules_file} names the venue's own tables, so there can be no --size")
    sizes = rules.tables or size or DEFAULT_SIZE
    with _progress_bar() as bar:
        done = match_file(
            file,
            size=sizes,
            out=out,
            report=report,
            rules=rules.rules,
            best_effort=best_effort,
            everybody=everybody,
            seconds=seconds,
            seed=seed,
            processes=processes,
            progress=bar.progress if bar else None,
            best=bar.best if bar else None,
        )
    for line in (*_skipped(done.people), *_careless(done.people), *done.idle, *_left_out(done.seating), *_falling_short(done.seating)):
        click.echo(line, err=True)
    if done.breaches and not done.seating.broken:
        raise RuntimeError(f"the tables break their own rules: {done.breaches[0]}")
    for line in _summary(done, out, report):
        click.echo(line)


def _skipped(people: People) -> Iterator[str]:
    """One line for each reason, with the numbers of the lines that it is true of."""
    for reason, lines in _by_reason((row.reason, row.line) for row in people.bad):
        yield f"skipped {len(lines)}: {reason}: {_lines(lines)}"


def _careless(people: People) -> Iterator[str]:
    """One line on those whose answers look careless."""
    lines = [row.line for row in people.careless]
    if lines:
        yield f"careless {len(lines)}: {LONG_STRING} or more equal answers in a row, seated all the same: {_lines(lines)}"


def _left_out(seating: Seating) -> Iterator[str]:
    """One line for each reason why people have no table, with their ids."""
    for reason, ids in _by_reason((one.reason, one.guest) for one in seating.unseated):
        yield f"left out {len(ids)}: {_listed(ids)}: {reason}"


def _falling_short(seating: Seating) -> Iterator[str]:
    """One line for each table that breaks a rule or is below the floor, but for those beyond the first of them."""
    texts = [*(one.text for one in seating.broken), *(one.text for one in seating.below)]
    yield from texts[:_MOST_SHOWN]
    if len(texts) > _MOST_SHOWN:
        yield f"and {len(texts) - _MOST_SHOWN} more times a table breaks a rule or is below the floor"


def _by_reason(found: Iterable[tuple[str, T]]) -> Iterable[tuple[str, list[T]]]:
    """What each reason is true of."""
    things: dict[str, list[T]] = defaultdict(list)
    for reason, thing in found:
        things[reason].append(thing)
    return things.items()


def _lines(lines: list[int]) -> str:
    return f"line{'s' if len(lines) > 1 else ''} {_listed(lines)}"


def _listed(things: list[int] | list[str]) -> str:
    """The first of them, and how many more there are."""
    more = f" and {len(things) - _MOST_SHOWN} more" if len(things) > _MOST_SHOWN else ""
    return ", ".join(str(thing) for thing in things[:_MOST_SHOWN]) + more


def _summary(done: MatchReport, out: Path, report: Path | None) -> Iterator[str]:
    seating, people = done.seating, done.people
    sizes = [len(table.guests) for table in seating.tables]
    span = "-".join(str(size) for size in sorted({min(sizes, default=0), max(sizes, default=0)}))
    tables = f"{len(sizes):,} table{'s' if len(sizes) != 1 else ''}"
    yield f"{sum(sizes):,} of {people.rows:,} people sit at {tables} of {span}; {len(people.bad):,} rows were skipped"
    if not any(math.isnan(value) for value in people.alphas.values()):
        yield "reliability (Cronbach's alpha): " + ", ".join(f"{trait} {value:.2f}" for trait, value in people.alphas.items())
    yield f"score {seating.score:.1f} of 100, {seating.chance:.1f} by chance; the worst table has {seating.floor:.1f}"
    if sum(sizes) > AT_ONCE and not compiled_available():
        yield "searched without numba, which is some fifty times as fast: pip install 'dinnerkit[matching]'"
    written = f"{out} and {report}" if report else str(out)
    yield f"{done.seconds:.1f} s, seed {seating.seed}; written to {written}"


class _Bar(Protocol):
    def progress(self, fraction: float) -> None: ...

    def best(self, score: float) -> None: ...


def _progress_bar() -> AbstractContextManager[_Bar | None]:
    """A bar on stderr; nothing where stderr is no terminal, and then what draws it is not even loaded."""
    if not sys.stderr.isatty():
        return nullcontext()
    bar: AbstractContextManager[_Bar] = importlib.import_module("dinnerkit.cli.progress").bar("seating")
    return bar

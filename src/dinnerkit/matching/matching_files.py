"""Files of people in, a file of tables out: what ``dinnerkit match`` does, without the command line."""

from __future__ import annotations

import csv
import errno
import io
import os
import secrets
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from dinnerkit.matching.errors import PeopleFileInvalid
from dinnerkit.matching.files.people import People, read_people
from dinnerkit.matching.files.rows import STATED
from dinnerkit.matching.people.guests import Guest
from dinnerkit.matching.report.page import report_page
from dinnerkit.matching.rules.default_rules import DEFAULT_RULES
from dinnerkit.matching.rules.kinds import Demand, Rule, TableWish
from dinnerkit.matching.rules.pair_rules import MixedCompany
from dinnerkit.matching.rules.table_rules import Balanced, NobodyAlone
from dinnerkit.matching.seating.audit import breaches
from dinnerkit.matching.seating.rooms import Size
from dinnerkit.matching.seating.seat import seat
from dinnerkit.matching.seating.tables import Seating
from dinnerkit.matching.solving.solver import Progress


@dataclass(frozen=True, slots=True)
class MatchReport:
    """What became of a file of people.

    Attributes:
        people: what was read.
        seating: who sits where.
        idle: rules that ask for nothing, as nobody in the file stated what they are about; a phrase each.
        breaches: hard rules that the tables break, from an independent check; unless some had to be, for everybody to be seated, empty
            but for a bug.
        seconds: reading, seating, checking and writing, by the clock.
    """

    people: People
    seating: Seating
    idle: tuple[str, ...]
    breaches: tuple[str, ...]
    seconds: float


def match_file(
    path: str | os.PathLike[str],
    *,
    size: Size = (5, 7),
    out: str | os.PathLike[str] | None = None,
    report: str | os.PathLike[str] | None = None,
    seconds: float | None = None,
    seed: int = 0,
    rules: Sequence[Rule] = DEFAULT_RULES,
    best_effort: bool = False,
    everybody: bool = False,
    processes: int = 1,
    progress: Progress | None = None,
    best: Callable[[float], None] | None = None,
) -> MatchReport:
    """Seat the people of a file, and write ``person,table`` (tables numbered from 1, people in the file's order).

    The file appears at ``out`` whole or not at all, and so does a page about it at ``report``; that they can is seen before the search.
    What is there and is no file, such as a pipe, is written to. See :func:`read_people` for the columns and :func:`seat` for the rest.

    Raises:
        PeopleFileInvalid: it can't be read as a file of people, or the result can't be written.
        SeatingImpossible: the hard rules can't all be met, and neither ``best_effort`` nor ``everybody`` is asked for.
    """
    began = time.monotonic()
    people = read_people(path)
    for target in (out, report):
        if target is not None:
            _check_place(target)
    seating = seat(
        people.guests,
        size=size,
        rules=rules,
        seed=seed,
        seconds=seconds,
        best_effort=best_effort,
        everybody=everybody,
        processes=processes,
        progress=progress,
        best=best,
    )
    broken = breaches(seating, people.guests, size=size, rules=rules)
    page = "" if report is None else report_page(people, seating, size=size, rules=rules, title=Path(path).name)
    if out is not None:
        _write(out, _tables(people, seating))
    if report is not None:
        _write(report, page)
    return MatchReport(people, seating, tuple(_idle(people.guests, rules)), tuple(broken), time.monotonic() - began)


def _idle(guests: Sequence[Guest], rules: Sequence[Rule]) -> Iterator[str]:
    """The rules about what people state that nobody's statement is about: a column of another name is the likeliest reason."""
    for rule in rules:
        asked = rule.rule if isinstance(rule, TableWish | Demand) else rule
        if isinstance(asked, NobodyAlone | Balanced | MixedCompany):
            value = asked.value if isinstance(asked, NobodyAlone) else None
            if not any(told is not None and value in (None, told) for told in (guest.stated.get(asked.label) for guest in guests)):
                what = f"{STATED}{asked.label}" + (f" as {value!r}" if value is not None else "")
                yield f"the rule {rule.name} asks for nothing: nobody in the file has told {what}"


def _tables(people: People, seating: Seating) -> str:
    """Lines ``person,table`` with a header; whoever has no table is left out."""
    table_of = {name: number for number, table in enumerate(seating.tables, 1) for name in table.guests}
    text = io.StringIO(newline="")
    rows = csv.writer(text, lineterminator="\n")
    rows.writerow(("person", "table"))
    rows.writerows((guest.id, table_of[guest.id]) for guest in people.guests if guest.id in table_of)
    return text.getvalue()


def _check_place(path: str | os.PathLike[str]) -> None:
    """Refuse a place where no file can be made, before anybody waits for tables that would be lost.

    Raises:
        PeopleFileInvalid: it is one.
    """
    with _writing(path) as target:
        if _becomes_a_file(target):
            with _draft(target):
                pass


def _write(path: str | os.PathLike[str], text: str) -> None:
    """A file that appears whole or not at all; a pipe or a device can't, and must stay what it is.

    Raises:
        PeopleFileInvalid: it can't be written.
    """
    with _writing(path) as target:
        if not _becomes_a_file(target):
            with target.open("w", encoding="utf-8", newline="") as stream:
                stream.write(text)
            return
        with _draft(target) as draft:
            with draft.open("w", encoding="utf-8", newline="") as stream:
                stream.write(text)
                stream.flush()
                os.fsync(stream.fileno())
            draft.replace(target.resolve())


@contextmanager
def _writing(path: str | os.PathLike[str]) -> Iterator[Path]:
    """Where to write; what goes wrong meanwhile is told in one line."""
    try:
        yield Path(path)
    except OSError as error:
        raise PeopleFileInvalid(f"{path} can't be written: {error.strerror or error}") from error


def _becomes_a_file(target: Path) -> bool:
    """Whether there is a file, or nothing yet; of a folder an error, so that it is told before the search."""
    if target.is_dir():
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
    return target.is_file() or not target.exists()


@contextmanager
def _draft(target: Path) -> Iterator[Path]:
    """A new file beside the target, links followed, which is gone afterwards unless it has taken the target's place."""
    place = target.resolve()
    draft = place.with_name(f".{place.name}.{secrets.token_hex(4)}")
    draft.touch(exist_ok=False)
    try:
        yield draft
    finally:
        draft.unlink(missing_ok=True)

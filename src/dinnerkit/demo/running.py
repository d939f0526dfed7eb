"""The demo as one call: a world is made, or gone on with, or just looked at, and its summary printed."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from rich.console import Console

from dinnerkit.accounts.people import People
from dinnerkit.backends.mongod.locks import FileLock
from dinnerkit.demo.background import BackgroundWork
from dinnerkit.demo.building import Builder
from dinnerkit.demo.figures import Count, WorldFigures
from dinnerkit.demo.interruption import interruptible
from dinnerkit.demo.logbook import Logbook
from dinnerkit.demo.plan import Plan, Scale, plan
from dinnerkit.demo.report import WIDTH, show
from dinnerkit.demo.telling import telling
from dinnerkit.errors import Invalid
from dinnerkit.kit import Kit
from dinnerkit.settings import Settings

SEED = 2012
"""What the demo is drawn from unless told otherwise: the year in which its people answered."""

_MANY = 500
"""From so many bookings on a world is worth more processes."""


@dataclass(frozen=True, slots=True)
class World:
    """A world that is made.

    Attributes:
        figures: see there.
        password: of the demo's accounts.
        stale: whether all of its dinners are over.
    """

    figures: WorldFigures
    password: str
    stale: bool


def run(
    settings: Settings, *, scale: Scale | None = None, seed: int = SEED, out: Console | None = None, err: Console | None = None
) -> World:
    """Make the world that lies in the settings' data folder, or what is missing of it, and print its summary.

    A run that is interrupted, or killed, is continued by the next; a finished world is only looked at. SIGINT, SIGTERM and SIGHUP become a
    KeyboardInterrupt, once everything that was started has been stopped; a second one ends the process at once.

    Args:
        settings: see :func:`dinnerkit.demo.demo_settings`.
        scale: how large a world, unless it was begun before; by default the one of 2,400 people.
        seed: what everything is drawn from, the same.
        out: where the summary goes; by default standard output.
        err: where progress is told; by default standard error.

    Raises:
        Invalid: the folder or the database can't be used, or holds something else.
        Unavailable: a backend can't be started.
    """
    out, err = out or _console(), err or _console(stderr=True)
    folder = Path(settings.data)
    with interruptible(), _alone(folder):
        book = Logbook.open(folder, seed=seed, scale=scale or Scale())
        script = plan(book.scale, book.keys)
        if book.finished_at is None:
            book = _made(settings, script, book, folder, err)
        with Kit.open(settings) as kit:
            if not kit.service(People).find([script.admin]):
                raise Invalid(f"the database is not the one in which the world of {folder} was made; remove the folder to start anew")
            figures = Count(kit, script).world()
        show(out, figures, book, folder)
        return World(figures, book.password, stale=all(one.event.details.starts_at <= kit.clock() for one in script.scripts))


def _made(settings: Settings, script: Plan, book: Logbook, folder: Path, err: Console) -> Logbook:
    """Make the world; the logbook that says so."""
    began = time.monotonic()
    work = BackgroundWork(settings, folder / "work.log", large=script.visits > _MANY)
    try:
        with work as background, Kit.open(settings) as kit, telling(err) as told:
            if min(one.event.details.starts_at for one in script.scripts) <= kit.clock():
                raise Invalid(f"the demo in {folder} was begun too long ago to go on with; remove the folder to start anew")
            Builder(kit, script, book, background, told).build()
            book = book.finished()
    finally:
        book = replace(book, seconds=book.seconds + time.monotonic() - began)
        book.save(folder)
    return book


def _console(*, stderr: bool = False) -> Console:
    console = Console(stderr=stderr)
    return console if console.is_terminal or "COLUMNS" in os.environ else Console(stderr=stderr, width=WIDTH)


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Keep others from working in the folder, which is made if it is missing."""
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        lock = FileLock(folder / "demo.lock")
    except OSError as error:
        raise Invalid(f"{folder} can't be used for the demo: {error.strerror}") from error
    try:
        if not lock.try_exclusive():
            raise Invalid(f"another demo is at work in {folder}")
        yield
    finally:
        lock.close()

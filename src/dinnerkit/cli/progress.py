"""A bar for work that takes its time; loading this takes as long as seating a hundred guests."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from dinnerkit.matching.solving.budget import Progress as Told


@contextmanager
def bar(what: str) -> Iterator[Told]:
    """A bar on stderr, and what to tell the fraction done, 0–1."""
    columns = (TextColumn(what), BarColumn(), TextColumn("{task.percentage:>3.0f} %"), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bars:
        task = bars.add_task(what, total=1.0)
        yield lambda fraction: bars.update(task, completed=fraction)

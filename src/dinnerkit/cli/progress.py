"""A bar for work that takes its time; loading this takes as long as seating a hundred guests."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn


class Bar:
    """A bar on the terminal: how much is done, and the best score so far."""

    def __init__(self, bars: Progress, task: TaskID) -> None:
        self._bars, self._task = bars, task

    def progress(self, fraction: float) -> None:
        """Show the fraction done, 0–1."""
        self._bars.update(self._task, completed=fraction)

    def best(self, score: float) -> None:
        """Show the best score so far, 0–100."""
        self._bars.update(self._task, best=f"best so far {score:.1f} of 100")


@contextmanager
def bar(what: str, console: Console | None = None) -> Iterator[Bar]:
    """A bar, by default on stderr."""
    columns = (
        TextColumn(what),
        BarColumn(),
        TextColumn("{task.percentage:>3.0f} %"),
        TimeElapsedColumn(),
        TextColumn("{task.fields[best]}"),
    )
    with Progress(*columns, console=console or Console(stderr=True), transient=True) as bars:
        yield Bar(bars, bars.add_task(what, total=1.0, best=""))

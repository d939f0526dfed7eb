"""How the demo tells what it is doing: bars on a terminal, a few plain lines elsewhere."""

from __future__ import annotations

import time
from types import TracebackType
from typing import Protocol, Self

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TaskID, TextColumn, TimeElapsedColumn


class Task(Protocol):
    """Something that takes a while."""

    def advance(self, steps: int = 1) -> None:
        """So many more steps are done; may be called from any thread."""
        ...

    def done(self) -> None:
        """All of it is done."""
        ...


class Telling(Protocol):
    """Tells of tasks while it is entered."""

    def task(self, what: str, steps: int) -> Task:
        """Begin one."""
        ...

    def __enter__(self) -> Self: ...

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None: ...


def telling(console: Console) -> Telling:
    """What suits the console."""
    return _Bars(console) if console.is_terminal else _Lines(console)


class _Bars:
    """A bar for each task."""

    def __init__(self, console: Console) -> None:
        columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
        self._progress = Progress(*columns, console=console)

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._progress.stop()

    def task(self, what: str, steps: int) -> Task:
        """Add a bar."""
        return _Bar(self._progress, self._progress.add_task(what, total=steps))


class _Bar:
    def __init__(self, progress: Progress, task: TaskID) -> None:
        self._progress = progress
        self._task = task

    def advance(self, steps: int = 1) -> None:
        """Grow."""
        self._progress.advance(self._task, steps)

    def done(self) -> None:
        """Be full, whatever is missing."""
        completed = self._progress.tasks[self._task].completed
        self._progress.update(self._task, completed=completed, total=completed)


class _Lines:
    """A line for each task, when it is done."""

    def __init__(self, console: Console) -> None:
        self._console = console

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        pass

    def task(self, what: str, steps: int) -> Task:
        """Note when it began."""
        return _Line(self._console, what, time.monotonic())


class _Line:
    def __init__(self, console: Console, what: str, began: float) -> None:
        self._console = console
        self._what = what
        self._began = began

    def advance(self, steps: int = 1) -> None:
        """Say nothing."""

    def done(self) -> None:
        """Say how long it took."""
        self._console.print(f"{self._what}: {time.monotonic() - self._began:.1f} s", highlight=False)

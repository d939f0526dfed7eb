"""Libraries that others load wherever they find them, for what a web process never does."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, cast

from dinnerkit.ports.urls import parse_url
from dinnerkit.settings import Settings


def spared(settings: Settings) -> list[str]:
    """The libraries that a web process with these settings has no use for, and would load all the same."""
    found = ["rich", "yaml"]  # 4 MB, by structlog, for coloured tracebacks; 1 MB, by flask-smorest, for a command of its own
    if not settings.jobs:
        found.append("PIL")  # 3 MB, by mongoengine, for fields with images: ours are none, and a plugin's documents may have some
    if parse_url(settings.queue).scheme == "sqlite":
        found.append("redis")  # 7 MB, by huey, which loads the driver of every store that it knows
    return found


@contextmanager
def without(libraries: list[str]) -> Iterator[None]:
    """Have what is imported meanwhile not find these libraries, as if they were not installed; afterwards whoever wants them does.

    Only for the entry point of a process that knows all of its imports.
    """
    modules = cast("dict[str, Any]", sys.modules)
    hidden = [name for name in libraries if name not in modules]
    modules.update(dict.fromkeys(hidden))  # None is how Python marks a module that is not to be found
    try:
        yield
    finally:
        for name in hidden:
            del modules[name]

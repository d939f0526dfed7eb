"""What a kit sends to its database, counted by the driver itself."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import pytest
from pymongo.monitoring import CommandFailedEvent, CommandListener, CommandStartedEvent, CommandSucceededEvent

from dinnerkit.backends import database


class Commands(CommandListener):
    """Notes the commands of whoever wants to know, each as its name and its collection; not those of other threads, such as a bus's."""

    def __init__(self) -> None:
        self.seen: list[str] | None = None
        self._watched: int | None = None

    def started(self, event: CommandStartedEvent) -> None:
        if self.seen is not None and threading.get_ident() == self._watched:
            self.seen.append(f"{event.command_name} {_collection(event)}")

    def succeeded(self, event: CommandSucceededEvent) -> None: ...

    def failed(self, event: CommandFailedEvent) -> None: ...

    @contextmanager
    def watched(self) -> Iterator[list[str]]:
        """What is sent meanwhile."""
        found: list[str] = []
        self.seen, self._watched = found, threading.get_ident()
        yield found
        self.seen = None


def watch(patch: pytest.MonkeyPatch) -> Commands:
    """Have every client that is opened from now on tell of its commands."""
    commands = Commands()
    opened = database.MongoClient

    def open_watched(url: str, *, event_listeners: Sequence[Any] = (), **options: Any) -> Any:
        return opened(url, event_listeners=[*event_listeners, commands], **options)

    patch.setattr(database, "MongoClient", open_watched)
    return commands


def _collection(event: CommandStartedEvent) -> Any:
    return event.command.get("collection") or event.command.get(event.command_name)

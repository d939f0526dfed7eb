"""What a kit sends to its database, counted by the driver itself."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import pytest
from pymongo.monitoring import CommandFailedEvent, CommandListener, CommandStartedEvent, CommandSucceededEvent

from dinnerkit.backends import database


class Commands(CommandListener):
    """Notes commands while somebody wants to know, each as its name and its collection."""

    def __init__(self) -> None:
        self.seen: list[str] | None = None

    def started(self, event: CommandStartedEvent) -> None:
        if self.seen is not None:
            self.seen.append(f"{event.command_name} {_collection(event)}")

    def succeeded(self, event: CommandSucceededEvent) -> None: ...

    def failed(self, event: CommandFailedEvent) -> None: ...

    @contextmanager
    def watched(self) -> Iterator[list[str]]:
        """What is sent meanwhile."""
        self.seen = found = []
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

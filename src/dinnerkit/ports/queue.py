"""The queue port: named huey queues that carry hints to the workers."""

from __future__ import annotations

from typing import Protocol, runtime_checkable

from huey.api import Huey

QUEUES: dict[str, int] = {"default": 2, "emails": 5, "payments": 10, "matching": 3, "media": 2, "analytics": 2}
"""The named queues, each with how many tasks a worker runs side by side unless told otherwise."""


@runtime_checkable
class Queue(Protocol):
    """A maker of Huey instances, one for each named queue.

    What a backend must guarantee: a task enqueued by one process is run by some consumer of that queue at most once. It may lose tasks
    (huey does, when a consumer is killed): what must happen is a document in the database, and a task is only the hint to look at it.
    """

    def huey(self, name: str) -> Huey:
        """The Huey instance of the named queue; the same object each time."""
        ...

    def ping(self) -> None:
        """Reach the store.

        Raises:
            Unavailable: it can't be reached.
        """
        ...

    def close(self) -> None:
        """Give back connections and files."""
        ...

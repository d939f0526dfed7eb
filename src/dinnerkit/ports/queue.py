"""The queue port: named huey queues that carry hints to the workers."""

from __future__ import annotations

from typing import Protocol, runtime_checkable

from huey.api import Huey


@runtime_checkable
class Queue(Protocol):
    """A maker of Huey instances, one for each named queue (:data:`dinnerkit.queues.QUEUES`).

    What a backend must guarantee:

    - a task that one process has queued is run by some consumer of that queue, at most once, whoever else takes tasks at the same time;
    - what was queued first comes first, but for what is urgent, where it has the capability :class:`Priorities`;
    - the queues are apart: neither many tasks in one, nor somebody who waits for tasks of one that is empty, keep those of another;
    - where nothing waits, who asks for a task is told so within a few seconds: a worker that is to stop must not wait for ever;
    - tasks outlive the process that queued them, and are seen by all processes that open the same URL;
    - tasks are written as JSON (:class:`dinnerkit.ports.json_tasks.JsonTasks`): what lies in the store is data, and never code; what is
      not ours is refused unread, and what lies behind it is run;
    - where the store can't be reached, queueing a task raises within half a second, whatever the error: the sweep then gives the hint.

    It may lose tasks (huey does, when a consumer is killed): what must happen is a document in the database, and a task is only the hint
    to look at it. So there are no results and no schedules in it either. It is safe to use from several threads and greenlets.
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


URGENT = 50.0
"""huey's priority of a task for which somebody sits and waits; the others have none, which is 0."""


@runtime_checkable
class Priorities(Protocol):
    """The power to run what is urgent before what was queued earlier on the same queue, where ``priorities`` is true.

    Tasks of huey's ``priority`` :data:`URGENT` come before those of none; among equals what was queued first comes first. Without it
    nothing is ever queued with a priority: a link to a new password then waits behind the reminders of a large dinner.
    """

    priorities: bool

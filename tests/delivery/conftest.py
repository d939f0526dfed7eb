from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar

import pytest
from huey import MemoryHuey
from huey.api import Huey
from pymongo.database import Database

from dinnerkit.delivery.documents import DeadLetterDocument, DeliveryDocument, LeaseDocument
from dinnerkit.delivery.outbox import Outbox
from dinnerkit.delivery.relay import Relay
from dinnerkit.delivery.service import DeliveryService
from dinnerkit.messages import Handler, Message
from dinnerkit.payment.documents import NotificationDocument
from dinnerkit.ports.json_tasks import JsonTasks
from dinnerkit.retry import Backoff
from dinnerkit.storage import ensure_indexes, insert
from dinnerkit.testing import StandingClock

BACKOFF = Backoff(attempts=3, first=2.0, longest=60.0)


@dataclass(frozen=True, kw_only=True, slots=True)
class Rang(Message):
    """Somebody is at the door."""

    kind: ClassVar[str] = "test.rang"

    who: str


class MemoryQueue:
    """Queues in this process; ``broken`` makes them fail as a store that can't be reached does."""

    def __init__(self) -> None:
        self.queues: dict[str, Huey] = {}

    def huey(self, name: str) -> Huey:
        if name not in self.queues:
            self.queues[name] = MemoryHuey(name, results=False, serializer=JsonTasks())
        return self.queues[name]

    def ping(self) -> None: ...

    def close(self) -> None: ...


class Post:
    """Delivery with two handlers of one message; what they do can be replaced."""

    def __init__(self, database: Database[dict[str, Any]], clock: StandingClock) -> None:
        ensure_indexes(database, [NotificationDocument, DeliveryDocument, DeadLetterDocument, LeaseDocument])
        self.database, self.clock = database, clock
        self.queue = MemoryQueue()
        self.heard: list[tuple[str, str]] = []
        self.answering: Callable[[Rang], object] = lambda message: self.heard.append(("answer", message.who))
        self.handlers = [
            Handler("test.answer", Rang, self._answer),
            Handler("test.bark", Rang, lambda message: self.heard.append(("bark", message.who)), queue="emails"),
        ]
        self.deliveries = DeliveryService(database, self.queue, self.handlers, clock, BACKOFF)
        self.relay = Relay(database, [NotificationDocument], {Rang.kind: self.handlers}, self.deliveries.dispatcher, clock)

    def _answer(self, message: Rang) -> None:
        self.answering(message)

    def ring(self, *who: str, sender: str = "door") -> None:
        messages = [Rang(who=name) for name in who]
        outbox = Outbox(self.clock).entries(*messages)
        insert(self.database, NotificationDocument(id=sender, kind="bell", received_at=self.clock(), outbox=outbox))

    def hints(self) -> dict[str, list[str]]:
        """The deliveries that the queues tell of; takes them off."""
        found: dict[str, list[str]] = {}
        for name, queue in self.queue.queues.items():
            while task := queue.dequeue():
                found.setdefault(name, []).append(task.args[0])
        return found

    def rows(self) -> list[dict[str, Any]]:
        return list(self.database["deliveries"].find().sort("_id", 1))

    def row(self, handler: str = "test.answer") -> dict[str, Any]:
        return next(row for row in self.rows() if row["handler"] == handler)

    def outboxes(self) -> list[dict[str, Any]]:
        return [entry for row in self.database["gateway_notifications"].find() for entry in row["outbox"]]


@pytest.fixture
def clock() -> StandingClock:
    return StandingClock()


@pytest.fixture
def post(database: Database[dict[str, Any]], clock: StandingClock) -> Post:
    return Post(database, clock)

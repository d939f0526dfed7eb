"""What the index does upon messages."""

from __future__ import annotations

from typing import Any

from dinnerkit.accounts.messages import FindabilityChanged
from dinnerkit.events.messages import EventCancelled, EventChanged, EventPublished
from dinnerkit.messages import Handler
from dinnerkit.search.indexing import Indexing
from dinnerkit.search.people import PeopleIndexing


def search_handlers(indexing: Indexing, people: PeopleIndexing) -> list[Handler[Any]]:
    """The handlers of the index. Each writes what is true when it runs, and so may run twice."""

    def update(message: EventPublished | EventChanged | EventCancelled) -> None:
        indexing.update(message.event_id)

    def update_person(message: FindabilityChanged) -> None:
        people.update(message.user_id)

    return [
        Handler("search.published", EventPublished, update, queue="analytics"),
        Handler("search.changed", EventChanged, update, queue="analytics"),
        Handler("search.cancelled", EventCancelled, update, queue="analytics"),
        Handler("search.person", FindabilityChanged, update_person, queue="analytics"),
    ]

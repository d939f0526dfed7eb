"""What the index does upon messages."""

from __future__ import annotations

from typing import Any

from dinnerkit.events.messages import EventCancelled, EventChanged, EventPublished
from dinnerkit.messages import Handler
from dinnerkit.search.indexing import Indexing


def search_handlers(indexing: Indexing) -> list[Handler[Any]]:
    """The handlers of the index. Each writes what is true when it runs, and so may run twice."""

    def update(message: EventPublished | EventChanged | EventCancelled) -> None:
        indexing.update(message.event_id)

    return [
        Handler("search.published", EventPublished, update, queue="analytics"),
        Handler("search.changed", EventChanged, update, queue="analytics"),
        Handler("search.cancelled", EventCancelled, update, queue="analytics"),
    ]

"""The bus port: short news that every process may hear, and none may count on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Final, Protocol, Self, TypeAlias, final, runtime_checkable

import orjson
from pymongo.database import Database

MOST_BYTES = 4096
"""The longest body of a piece of news, as JSON."""

LONGEST_TOPIC = 200


@dataclass(frozen=True, slots=True)
class News:
    """One piece of news: under which topic, and what; a small JSON object."""

    topic: str
    body: Mapping[str, Any]


@final
class Missed:
    """In place of news that were lost: read anew what you show."""


MISSED: Final = Missed()

Heard: TypeAlias = News | Missed


@runtime_checkable
class Subscription(Protocol):
    """What one listener hears. News wait in it until they are taken; when too many wait, they are lost, and :data:`MISSED` says so."""

    def add(self, topic: str) -> None:
        """Hear of a topic too: of all that is published on it once this has returned."""
        ...

    def drop(self, topic: str) -> None:
        """Hear no more of a topic; what waits already is still heard."""
        ...

    def next(self, timeout: float) -> Heard | None:
        """The next of what was heard; None if there is nothing within that many seconds, or :meth:`wake` was called."""
        ...

    def wake(self) -> None:
        """Make the :meth:`next` that waits, or else the one that comes, return at once; may be called from anywhere."""
        ...

    def close(self) -> None:
        """Hear nothing more."""
        ...

    def __enter__(self) -> Self:
        """The subscription, closed at the end of the block."""
        ...

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        """Close it."""
        ...


@runtime_checkable
class Bus(Protocol):
    """Publish and subscribe, by topics, among the threads and processes that share one.

    What a backend must guarantee:

    - a piece of news reaches each subscription to its topic at most once, and none that was not there yet when it was published;
    - what one thread publishes is heard in its order;
    - where news may have been lost (a backend that was gone, a listener or a publisher that was too slow), every subscription that may
      have missed some hears :data:`MISSED`, so that it can read again what it shows: news are hints, and documents are the truth;
    - :meth:`publish` returns at once and raises nothing for a backend that can't be reached: the news are lost;
    - it is safe to use from several threads and greenlets, and is opened anew in a forked child.
    """

    def publish(self, *news: News) -> None:
        """Tell everybody who listens.

        Raises:
            ValueError: a topic or a body is too long, or not JSON.
        """
        ...

    def subscribe(self, *topics: str, most: int = 256) -> Subscription:
        """Listen to all that is published on these topics once this has returned; at most that many news wait."""
        ...

    def ping(self) -> None:
        """Reach the backend.

        Raises:
            Unavailable: it can't be reached.
        """
        ...

    def close(self) -> None:
        """Send what was published, if that takes no more than a moment; then nothing is heard any more."""
        ...


@runtime_checkable
class UsesDatabase(Protocol):
    """The power of a backend that lives in the database of the documents: it is given that before it is used."""

    def use(self, database: Database[dict[str, Any]]) -> None:
        """Take this database."""
        ...


def encoded(news: News) -> str:
    """The body as JSON.

    Raises:
        ValueError: it is none, or too long; or the topic is.
    """
    if not 0 < len(news.topic) <= LONGEST_TOPIC:
        raise ValueError(f"a topic has from 1 to {LONGEST_TOPIC} characters, not {len(news.topic)}")
    try:
        body = orjson.dumps(dict(news.body))
    except (TypeError, orjson.JSONEncodeError) as error:
        raise ValueError(f"news are JSON: {error}") from error
    if len(body) > MOST_BYTES:
        raise ValueError(f"news have at most {MOST_BYTES} bytes, not {len(body)}")
    return body.decode()

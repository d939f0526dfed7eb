"""Messages: facts, in the past tense, that one domain tells to those that listen."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from typing import Any, ClassVar, Generic, Self, TypeVar

from dinnerkit.queues import REST, known_queue


@dataclass(frozen=True, kw_only=True, slots=True)
class Message:
    """What every message derives from; a subclass names its ``kind`` and its fields.

    Fields hold only what BSON stores as it is: strings, whole numbers, booleans, aware datetimes, None, and lists or dictionaries of these.
    A message once recorded is read by later releases too: fields may be added with a default, never renamed or removed.
    """

    kind: ClassVar[str]

    def to_document(self) -> dict[str, Any]:
        """The fields as a dictionary, for the outbox."""
        return {field.name: getattr(self, field.name) for field in fields(self)}

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> Self:
        """The reverse of :meth:`to_document`; names that this release does not know are left out."""
        known = {field.name for field in fields(cls)}
        return cls(**{name: value for name, value in document.items() if name in known})


M = TypeVar("M", bound=Message)


@dataclass(frozen=True, slots=True)
class Handler(Generic[M]):
    """One reaction to one kind of message.

    It runs at least once for each message, perhaps twice at the same time: ``run`` must be idempotent. It runs in a worker, on the
    one queue that it names here, and is tried again when it raises.

    Attributes:
        name: stable and unique, such as ``"booking.settle"``; it is stored with each delivery.
        message: the class of the messages that it takes.
        run: the reaction.
        queue: the named queue whose workers run it, one of :data:`dinnerkit.queues.QUEUES`.
        urgent: somebody sits and waits for it: it is run before what was queued earlier, where the queue has priorities.

    Raises:
        SettingError: there is no such queue.
    """

    name: str
    message: type[M]
    run: Callable[[M], object]
    queue: str = REST
    urgent: bool = False

    def __post_init__(self) -> None:
        known_queue(self.queue)

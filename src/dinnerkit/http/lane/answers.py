"""An answer that is kept: its bytes in each encoding, with the headers that are the same for everybody."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, TypeAlias

from dinnerkit.http.lane.negotiation import ENCODERS, IDENTITY, LEAST_BYTES

Headers: TypeAlias = list[tuple[str, str]]

MOST_BYTES = 1 << 20
"""A longer body is not kept."""

_OF_ONE_REQUEST = frozenset({"x-request-id", "x-ratelimit-limit", "x-ratelimit-remaining", "x-ratelimit-reset", "retry-after", "date"})
_NOT_WITH_304 = frozenset({"content-type", "content-length", "content-encoding"})
_OVERHEAD = 4096
"""What an answer takes beside its bodies, about: its headers as pairs and as they are sent, for 200 and for 304."""


def is_of_one_request(name: str) -> bool:
    """Whether this header differs between requests for the same answer."""
    return name.lower() in _OF_ONE_REQUEST


def etag_of(headers: Iterable[tuple[str, str]]) -> str | None:
    """The etag that the headers tell."""
    return next((value for name, value in headers if name.lower() == "etag"), None)


def of_304(headers: Iterable[tuple[str, str]]) -> Headers:
    """The headers of an answer as they are sent to who has it already."""
    return [pair for pair in headers if pair[0].lower() not in _NOT_WITH_304]


def may_be_kept(status: str, headers: Iterable[tuple[str, str]]) -> bool:
    """Whether an answer is one that anybody may be given: whole, public, and nobody's in particular."""
    if status[:3] != "200":
        return False
    found: dict[str, str] = {}
    for name, value in headers:
        low = name.lower()
        if low in found:
            return False
        found[low] = value.lower()
    control = {part.strip() for part in found.get("cache-control", "").split(",")}
    return (
        "public" in control
        and control.isdisjoint({"private", "no-store", "no-cache"})
        and found.get("vary", "accept-encoding") == "accept-encoding"
        and found.get("etag", "").startswith('"')
        and found.get("content-type") == "application/json"
        and found.keys().isdisjoint({"set-cookie", "content-encoding", "content-range", "transfer-encoding", "connection", "trailer"})
    )


UNCHANGED, WHOLE = "304 NOT MODIFIED", "200 OK"


@dataclass(frozen=True, slots=True)
class Representation:
    """The answer in one encoding: all headers but those of a request, and what is sent with a 304."""

    etag: str
    headers: Headers
    headers_304: Headers
    body: bytes
    _prepared: dict[str, Any] = field(default_factory=dict, repr=False, compare=False)

    @classmethod
    def of(cls, headers: Sequence[tuple[str, str]], body: bytes) -> Representation:
        """The answer with these headers, whose length is told again."""
        told = [(name, str(len(body)) if name.lower() == "content-length" else value) for name, value in headers]
        return cls(etag_of(told) or "", told, of_304(told), body)

    def prepared(self, status: str, prepare: Callable[[str, Headers], Any]) -> Any:
        """What the server makes of the headers that it goes with in an answer of this status: made once, for one server."""
        found = self._prepared.get(status)
        if found is None:
            found = self._prepared[status] = prepare(status, self.headers_304 if status == UNCHANGED else self.headers)
        return found

    def encoded(self, encoding: str) -> Representation:
        """The same in another encoding, and with an etag of its own."""
        etag = f'{self.etag[:-1]}-{encoding}"'
        headers = [(name, etag if name.lower() == "etag" else value) for name, value in self.headers]
        return Representation.of([*headers, ("Content-Encoding", encoding)], ENCODERS[encoding](self.body))


@dataclass(slots=True)
class Answer:
    """An answer as it is kept.

    Attributes:
        keys: what it is about.
        until: when it is no longer true by itself, whatever happens.
        stored: monotonic seconds.
        fresh_until: monotonic seconds from which on it is to be made anew.
        plain: it as it is.
    """

    keys: tuple[str, ...]
    until: datetime | None
    stored: float
    fresh_until: float
    plain: Representation
    _others: dict[str, Representation] = field(default_factory=dict)

    @property
    def size(self) -> int:
        """Bytes that it takes, about."""
        return _OVERHEAD + len(self.plain.body) + sum(len(other.body) + _OVERHEAD // 2 for other in self._others.values())

    def made(self, encoding: str) -> Representation | None:
        """It in that encoding, if it was made in it already; as it is, where it is so short that another would gain nothing."""
        if encoding == IDENTITY or len(self.plain.body) < LEAST_BYTES:
            return self.plain
        return self._others.get(encoding)

    def in_encoding(self, encoding: str) -> Representation:
        """The same, made when it is first wanted."""
        found = self.made(encoding)
        if found is None:
            found = self._others[encoding] = self.plain.encoded(encoding)
        return found

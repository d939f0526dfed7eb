"""Answers as bytes: encoded once, with an ETag where they are public, and 304 for those who have them."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from flask import Response, request

from dinnerkit.http.json_bytes import to_json
from dinnerkit.http.lane.routes import offer

JSON: Final = "application/json"


@dataclass(frozen=True, slots=True)
class Encoded:
    """A body that is ready to be sent, and kept in a cache as it is."""

    body: bytes
    etag: str


def encode(payload: Any) -> Encoded:
    """The payload as JSON bytes with a strong ETag of these bytes. Datetimes become RFC 3339 in UTC."""
    body = payload if isinstance(payload, bytes) else to_json(payload)
    return Encoded(body, hashlib.blake2b(body, digest_size=16).hexdigest())


MOST_KEYS_SHOWN = 64
"""More surrogate keys than these make a head that proxies don't take: such an answer is kept by nobody who purges by them."""


@dataclass(frozen=True, slots=True)
class PublicAnswer:
    """An answer that anyone may see.

    Attributes:
        encoded: the JSON.
        about: the surrogate keys of all that it follows from; where there are any, at most :data:`MOST_KEYS_SHOWN`, it may be kept for
            longer by those who are told of changes: the fast lane, and caches in front that purge by the ``Surrogate-Key`` header.
        until: when it stops being true by itself.
        max_age: seconds for which any cache may give it without asking.
    """

    encoded: Encoded
    about: tuple[str, ...] = ()
    until: datetime | None = None
    max_age: int = 0

    @classmethod
    def of(cls, payload: Any, about: Sequence[str] = (), until: datetime | None = None, max_age: int = 0) -> PublicAnswer:
        """Of what orjson takes, JSON bytes, or an :class:`Encoded`."""
        encoded = payload if isinstance(payload, Encoded) else encode(payload)
        return cls(encoded, tuple(about), until, max_age)

    @property
    def is_for_keeping(self) -> bool:
        """Whether it names what it is about, as far as a head can."""
        return 0 < len(self.about) <= MOST_KEYS_SHOWN

    @property
    def etag(self) -> str:
        """As a header has it."""
        return f'"{self.encoded.etag}"'

    def headers(self) -> list[tuple[str, str]]:
        """Those that say how it may be kept."""
        found = [
            ("ETag", self.etag),
            ("Cache-Control", f"public, max-age={self.max_age}, must-revalidate"),
            ("Vary", "Accept-Encoding"),
        ]
        return [*found, ("Surrogate-Key", " ".join(self.about))] if self.is_for_keeping else found


def public_json(payload: Any, *, max_age: int = 0, about: Sequence[str] = (), until: datetime | None = None) -> Response:
    """An answer that anyone may see and any cache may keep for ``max_age`` seconds: 304 when the caller has it already.

    ``payload`` is what orjson takes, JSON bytes, or an :class:`Encoded`; the others are those of a :class:`PublicAnswer`. HEAD works
    through Flask.
    """
    return public(PublicAnswer.of(payload, about, until, max_age))


def public(answer: PublicAnswer) -> Response:
    """The answer as Flask sends it: 304 when the caller has it already."""
    response = Response(answer.encoded.body, mimetype=JSON)
    environ = request.environ
    for header in answer.headers():
        response.headers.add(*header)
    if answer.is_for_keeping:
        offer(environ, answer.about, answer.until)
    if "HTTP_IF_NONE_MATCH" in environ:
        response.make_conditional(environ)
    return response


def private_json(payload: Any, status: int = 200) -> Response:
    """An answer for the one who asked alone: no cache keeps it."""
    return private(encode(payload).body, JSON, status)


def private(body: bytes, mimetype: str, status: int = 200) -> Response:
    """The same for what is not JSON."""
    response = Response(body, status, mimetype=mimetype)
    response.headers["Cache-Control"] = "private, no-store"
    return response


def kept_by_reader(body: bytes, mimetype: str) -> Response:
    """The same for who asks again and again: they keep it, and are told 304 while it is the same."""
    response = Response(body, mimetype=mimetype)
    response.headers["ETag"] = f'"{encode(body).etag}"'
    response.headers["Cache-Control"] = "private, no-cache"
    response.make_conditional(request.environ)
    return response


ETAG_HEADERS = {
    "ETag": {"description": "Changes when the answer does.", "schema": {"type": "string"}},
    "Cache-Control": {"description": "How long any cache may keep the answer.", "schema": {"type": "string"}},
}
"""For ``blueprint.response(200, …, headers=ETAG_HEADERS)`` of a route whose answers have an ETag."""

PUBLIC_HEADERS = ETAG_HEADERS | {
    "Vary": {"description": "Accept-Encoding.", "schema": {"type": "string"}},
    "Surrogate-Key": {"description": "What the answer is about, for caches that are told what has changed.", "schema": {"type": "string"}},
}
"""The same for a route that answers by :func:`public_json`."""

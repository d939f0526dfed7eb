"""Answers as bytes: encoded once, with an ETag where they are public, and 304 for those who have them."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from flask import Response, request

from dinnerkit.http.json_bytes import to_json
from dinnerkit.http.lane.routes import offer


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


def public_json(payload: Any, *, max_age: int = 0, about: Sequence[str] = (), until: datetime | None = None) -> Response:
    """An answer that anyone may see and any cache may keep for ``max_age`` seconds: 304 when the caller has it already.

    ``payload`` is what orjson takes, JSON bytes, or an :class:`Encoded`. HEAD works through Flask.

    With ``about`` it may be kept for longer by those who are told of changes: the fast lane, and caches in front that purge by the
    ``Surrogate-Key`` header.

    Args:
        payload: what is said.
        max_age: seconds for which any cache may give it without asking.
        about: the surrogate keys of all that it follows from, at most :data:`MOST_KEYS_SHOWN`.
        until: when it stops being true by itself.
    """
    encoded = payload if isinstance(payload, Encoded) else encode(payload)
    response = Response(encoded.body, mimetype="application/json")
    headers, environ = response.headers, request.environ
    headers.add("ETag", f'"{encoded.etag}"')
    headers.add("Cache-Control", f"public, max-age={max_age}, must-revalidate")
    headers.add("Vary", "Accept-Encoding")
    if 0 < len(about) <= MOST_KEYS_SHOWN:
        headers.add("Surrogate-Key", " ".join(about))
        offer(environ, tuple(about), until)
    if "HTTP_IF_NONE_MATCH" in environ:
        response.make_conditional(environ)
    return response


def private_json(payload: Any, status: int = 200) -> Response:
    """An answer for the one who asked alone: no cache keeps it."""
    return private(encode(payload).body, "application/json", status)


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

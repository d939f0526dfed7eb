"""Answers of bytes as Flask sends them: with an ETag where they are public, and 304 for those who have them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from flask import Response, request

from dinnerkit.http.json_bytes import to_json
from dinnerkit.http.lane.routes import offer
from dinnerkit.http.public_answers import JSON, PublicAnswer, encode


def public_json(payload: Any, *, max_age: int = 0, about: Sequence[str] = (), until: datetime | None = None) -> Response:
    """An answer that anyone may see and any cache may keep for ``max_age`` seconds: 304 when the caller has it already.

    ``payload`` is what orjson takes, JSON bytes, or an :class:`~dinnerkit.http.public_answers.Encoded`; the others are those of a
    :class:`~dinnerkit.http.public_answers.PublicAnswer`. HEAD works through Flask.
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
    """An answer for the one who asked alone, of what orjson takes or JSON bytes: no cache keeps it."""
    return private(payload if isinstance(payload, bytes) else to_json(payload), JSON, status)


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

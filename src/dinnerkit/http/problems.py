"""Errors as RFC 9457 problem details; the one place that knows how an error looks over HTTP."""

from __future__ import annotations

import traceback
from collections.abc import Iterator, Mapping
from http import HTTPStatus
from typing import Any

import orjson
import structlog
from flask import Response, request
from werkzeug.exceptions import HTTPException
from werkzeug.wrappers import Response as AnyResponse

from dinnerkit.errors import (
    BackendFault,
    Conflict,
    DinnerkitError,
    Forbidden,
    Invalid,
    NotFound,
    PaymentRequired,
    TooLarge,
    Unauthenticated,
    Unavailable,
)
from dinnerkit.http.request_ids import request_id
from dinnerkit.storage import is_outage
from dinnerkit.texts import sentence

MEDIA_TYPE = "application/problem+json"

STATUSES: dict[type[DinnerkitError], int] = {
    Invalid: 422,
    Unauthenticated: 401,
    Forbidden: 403,
    NotFound: 404,
    Conflict: 409,
    PaymentRequired: 402,
    TooLarge: 413,
    Unavailable: 503,
    BackendFault: 502,
}
"""The status of each category of errors."""

STATUSES_BY_CODE = {"upgrade_required": 426, "bad_signature": 400, "too_many_attempts": 429}
"""Errors whose status is not that of their category."""

CODES = {
    400: "bad_request",
    401: "unauthenticated",
    403: "forbidden",
    404: "not_found",
    405: "method_not_allowed",
    413: "too_large",
    415: "unsupported_media_type",
    422: "invalid",
    429: "rate_limited",
    500: "internal",
    503: "unavailable",
}
"""The codes of errors that come from Flask and its extensions rather than from us."""

_DETAILS = {
    404: "There is nothing at this address.",
    405: "This address does not take that method; see Allow.",
    413: "The body is too large.",
    422: "The request is not as it must be; see errors.",
    429: "Too many requests; wait as Retry-After says.",
}

RETRY_AFTER_SECONDS = 5
"""When to come back after a 503, where the error does not say."""

_RESERVED = frozenset({"type", "title", "status", "detail", "code", "request_id", "errors", "fields", "retry_after"})
_log = structlog.stdlib.get_logger("dinnerkit.http")


def problem_response(error: Exception) -> AnyResponse:
    """The answer to a request that failed by that error. What nobody expected is logged, and shown as a 500 with nothing but its id."""
    if isinstance(error, HTTPException):
        return _from_http(error)
    if is_outage(error):
        _log.warning("database_unreachable", error=type(error).__name__, request_id=request_id())
        error = Unavailable("The database can't be reached now; try again.")
    if isinstance(error, DinnerkitError):
        return _from_ours(error)
    trace = "".join(traceback.format_exception(error))  # written out here, since a pretty renderer would show the frames' variables
    _log.error("unexpected_error", trace=trace, request_id=request_id(), method=request.method, endpoint=request.endpoint)
    return _response(500, "internal", "Something went wrong on our side. Name the request id when you report it.")


def status_of(error: DinnerkitError) -> int:
    """The status that the error has over HTTP."""
    return STATUSES_BY_CODE.get(error.code) or next((STATUSES[kind] for kind in type(error).__mro__ if kind in STATUSES), 500)


def retry_after(error: DinnerkitError) -> dict[str, str]:
    """The header that says when to come back, where that is worth while."""
    if status_of(error) not in {HTTPStatus.SERVICE_UNAVAILABLE, HTTPStatus.TOO_MANY_REQUESTS}:
        return {}
    return {"Retry-After": str(error.details.get("retry_after", RETRY_AFTER_SECONDS))}


def _from_ours(error: DinnerkitError) -> Response:
    status = status_of(error)
    fields: Mapping[str, str] = error.details.get("fields", {})
    errors = [{"field": field, "message": sentence(str(message))} for field, message in fields.items()]
    return _response(status, error.code, sentence(error.message), errors, error.details, retry_after(error))


def _from_http(error: HTTPException) -> AnyResponse:
    if error.response is not None or error.code is None or error.code < HTTPStatus.BAD_REQUEST:
        return error.get_response(request.environ)
    kept = {name: value for name, value in error.get_headers() if name.lower() not in {"content-type", "content-length"}}
    data: Mapping[str, Any] = getattr(error, "data", None) or {}
    errors = [{"field": field, "message": message} for field, message in _flat(_by_location(data.get("messages") or {}))]
    code = data.get("code") or CODES.get(error.code) or HTTPStatus(error.code).phrase.lower().replace(" ", "_")
    detail = data.get("detail") or _detail(error)
    return _response(error.code, code, detail, errors, {}, {**kept, **(data.get("headers") or {})})


def _detail(error: HTTPException) -> str:
    return _DETAILS.get(error.code or 0) or error.description or error.name


def _response(
    status: int,
    code: str,
    detail: str,
    errors: list[dict[str, str]] | None = None,
    details: Mapping[str, Any] | None = None,
    headers: Mapping[str, str] | None = None,
) -> Response:
    body: dict[str, Any] = {
        "type": f"urn:dinnerkit:problem:{code}",
        "title": code.replace("_", " ").capitalize(),
        "status": status,
        "detail": detail,
        "code": code,
        "request_id": request_id(),
    }
    if status == HTTPStatus.UNPROCESSABLE_ENTITY:
        body["errors"] = errors or []
    body |= {name: value for name, value in (details or {}).items() if name not in _RESERVED}
    response = Response(orjson.dumps(body, default=str), status, mimetype=MEDIA_TYPE)
    response.headers.extend(headers or {})
    response.headers.setdefault("Cache-Control", "no-store")
    if status == HTTPStatus.UNAUTHORIZED:
        response.headers["WWW-Authenticate"] = "Bearer"
    return response


def _by_location(messages: Any) -> Any:
    """Webargs files its messages under where the argument was: json, query, headers."""
    if not isinstance(messages, Mapping):
        return messages
    merged: dict[Any, Any] = {}
    for found in messages.values():
        merged |= found if isinstance(found, Mapping) else {"": found}
    return merged


def _flat(messages: Any, path: str = "") -> Iterator[tuple[str, str]]:
    if isinstance(messages, Mapping):
        for key, value in messages.items():
            name = "" if key == "_schema" else str(key)
            yield from _flat(value, ".".join(part for part in (path, name) if part))
    elif isinstance(messages, list):
        yield path, " ".join(str(message) for message in messages)
    else:
        yield path, str(messages)

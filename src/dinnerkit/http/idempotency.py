"""Idempotency keys: an unsafe request that is sent again gets the first answer again, byte for byte.

    @blueprint.route("/bookings", methods=["POST"])
    @authenticated
    @idempotent
    @blueprint.arguments(NewBookingSchema)
    @blueprint.response(201, BookingSchema)
    def create_booking(body):
        return service(BookingService).hold(..., operation_id=operation_id())

Answers below 500 other than 429 are final and kept for a day. Should the process die in between, the next request with the key is
carried out again, with the same :func:`operation_id`: a service that makes its document under that id finds its own earlier work.
Not for routes whose answer holds tokens: answers are stored.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from http import HTTPStatus
from typing import Any, ParamSpec, cast

from flask import current_app, request
from flask_smorest import Blueprint
from werkzeug.wrappers import Response

from dinnerkit.errors import Invalid
from dinnerkit.http.bodies import raw_body
from dinnerkit.http.documenting import documented
from dinnerkit.http.idempotency_store import Attempt, IdempotencyStore, KeptAnswer
from dinnerkit.http.limits import caller
from dinnerkit.http.problems import problem_response
from dinnerkit.http.services import service
from dinnerkit.ids import new_id

P = ParamSpec("P")

HEADER = "Idempotency-Key"
REPLAYED = "Idempotent-Replayed"
LONGEST_KEY = 255

_OPERATION = "dinnerkit.operation_id"
_REPEATED = "dinnerkit.operation_repeated"
_NOT_KEPT = frozenset({"content-length", "set-cookie", "date"})
_PARAMETER = {
    "name": HEADER,
    "in": "header",
    "description": "Any text; the same key and body within 24 hours give the first answer again.",
    "schema": {"type": "string", "minLength": 1, "maxLength": LONGEST_KEY},
}


def operation_id() -> str:
    """The id of the present operation: the same for every attempt under one Idempotency-Key; new where none was sent."""
    return cast("str", request.environ.setdefault(_OPERATION, new_id()))


def operation_repeated() -> bool:
    """Whether an earlier attempt at the present operation may have done something; else its id has never been seen by anybody."""
    return bool(request.environ.get(_REPEATED))


def idempotent(view: Callable[P, Any]) -> Callable[P, Any]:
    """The view takes an Idempotency-Key, and documents it. Stands below the authentication and above the arguments."""

    @wraps(view)
    def once(*args: P.args, **kwargs: P.kwargs) -> Any:
        key = request.headers.get(HEADER)
        if key is None:
            return view(*args, **kwargs)
        if not 0 < len(key) <= LONGEST_KEY:
            message = f"An {HEADER} has from 1 to {LONGEST_KEY} characters."
            raise Invalid(message, fields={HEADER: message})
        store = service(IdempotencyStore)
        parts = (request.method.encode(), request.full_path.encode(), request.mimetype.encode(), raw_body(request))
        begun = store.begin(caller(), key, store.fingerprint(*parts))
        if isinstance(begun, KeptAnswer):
            return _again(begun)
        request.environ[_OPERATION] = begun.operation_id
        request.environ[_REPEATED] = not begun.first
        return _carry_out(store, begun, lambda: view(*args, **kwargs))

    responses: dict[int, Any] = {409: HTTPStatus.CONFLICT.name, 422: HTTPStatus(422).name}
    return documented(once, Blueprint.doc(parameters=[_PARAMETER], responses=responses))


def _carry_out(store: IdempotencyStore, attempt: Attempt, view: Callable[[], Any]) -> Response:
    response: Response
    try:
        response = current_app.make_response(view())
    except Exception as error:  # noqa: BLE001 - whatever it is, its answer is what the same request gets again
        response = problem_response(error)
    if response.status_code >= HTTPStatus.INTERNAL_SERVER_ERROR or response.status_code == HTTPStatus.TOO_MANY_REQUESTS:
        store.release(attempt)
    else:
        headers = [(name, value) for name, value in response.headers if name.lower() not in _NOT_KEPT]
        store.finish(attempt, KeptAnswer(response.status_code, headers, response.get_data()))
    return response


def _again(answer: KeptAnswer) -> Response:
    response = current_app.response_class(answer.body, answer.status)
    response.headers.clear()
    response.headers.extend(answer.headers)
    response.headers["Content-Length"] = str(len(answer.body))
    response.headers[REPLAYED] = "true"
    return response

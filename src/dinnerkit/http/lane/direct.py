"""Answers made for the lane without Flask: by the function that the view calls too, with the headers that Flask would send."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from typing import Any, Final, NamedTuple, TypeVar

import flask
import structlog
from flask.sessions import SecureCookieSessionInterface
from marshmallow import ValidationError

from dinnerkit.errors import Unauthenticated
from dinnerkit.http.auth import bearer_of
from dinnerkit.http.blueprint import FAILED, unless_said
from dinnerkit.http.lane.answers import Headers, Representation
from dinnerkit.http.lane.routes import Query, Route, is_met_by_lane
from dinnerkit.http.limits import RequestLimits
from dinnerkit.http.photo_addresses import photo_folder
from dinnerkit.http.public_answers import JSON, PublicAnswer
from dinnerkit.http.request_ids import HEADER as REQUEST_ID
from dinnerkit.http.request_ids import request_id_of
from dinnerkit.http.services import Site
from dinnerkit.identity import Principal

A = TypeVar("A")

_MOST_DOORS: Final = 256
_UNLESS_SAID: Final = unless_said(PublicAnswer.of(b"").headers())
_PERSONAL: Final = unless_said(())

_SIGNALS: Final = (
    flask.request_started,
    flask.request_finished,
    flask.request_tearing_down,
    flask.appcontext_pushed,
    flask.appcontext_popped,
    flask.appcontext_tearing_down,
)


class Made(NamedTuple):
    """An answer, and the headers that are of its request alone."""

    answer: PublicAnswer
    sent: Representation
    own: Headers


class _Door(NamedTuple):
    """A host and a mount."""

    is_open: bool
    """Whether the app takes requests there, and has the route."""
    photo_folder: str | None


class Direct:
    """Makes answers, as long as nobody but us would see the request in Flask: no hook, no signal, no other view, no other session.

    Whatever is no plain success is left to Flask, which does not count it again, and does not do again what has failed or was refused.

    Args:
        app: whose routes these are.
        services: by type.
        limits: counts the requests.
        authenticate: says whose an access token is, or raises Unauthenticated.
    """

    def __init__(
        self,
        app: flask.Flask,
        services: Mapping[type[Any], Any],
        limits: RequestLimits,
        authenticate: Callable[[str], Principal],
    ) -> None:
        self._app = app
        self._services = services
        self._limits = limits
        self._authenticate = authenticate
        self._doors: dict[Hashable, _Door] = {}

    def make(self, route: Route, path: str, query: Query, environ: dict[str, Any]) -> Made | None:
        """The answer to a request of this route; None where Flask is to give it."""
        call = self._call(route, path, query, environ)
        if call is None:
            return None

        def answer_anybody() -> tuple[PublicAnswer, Headers]:
            counted = self._limits.admit(environ)
            return call(), counted

        done = self._done(environ, answer_anybody)
        if done is None or not done[0].is_for_keeping:
            return None
        answer, own = done
        body, told = answer.encoded.body, [*answer.headers(), *_UNLESS_SAID]
        whole = [("Content-Type", JSON), ("Content-Length", str(len(body))), *told]
        return Made(answer, Representation(answer.etag, whole, told, body), own)

    def make_personal(self, route: Route, path: str, query: Query, environ: dict[str, Any]) -> tuple[bytes, Headers] | None:
        """The same for who asks by an access token: a body of JSON, and the headers."""
        token = bearer_of(environ)
        call = self._call(route, path, query, environ) if token is not None else None
        if token is None or call is None:
            return None

        def answer_who_asks() -> tuple[bytes, Headers]:
            try:
                who = self._authenticate(token)
            except Unauthenticated:
                self._limits.admit(environ)
                raise
            counted = self._limits.admit(environ, who.user_id)
            return call(who), counted

        done = self._done(environ, answer_who_asks)
        if done is None:
            return None
        body, own = done
        return body, [("Content-Type", JSON), ("Content-Length", str(len(body))), *_PERSONAL, *own]

    def _done(self, environ: dict[str, Any], work: Callable[[], tuple[A, Headers]]) -> tuple[A, Headers] | None:
        """What the work makes and tells, with the request's id; None where Flask is to answer what came of it."""
        request_id = request_id_of(environ)
        try:
            with _named_in_logs(request_id):
                made, counted = work()
        except Exception as error:  # noqa: BLE001 - whatever it is, the blueprint's handlers say how it is answered
            environ[FAILED] = error
            return None
        return made, [(REQUEST_ID, request_id), *counted]

    def _call(self, route: Route, path: str, query: Query, environ: dict[str, Any]) -> Callable[..., Any] | None:
        """What makes the answer, where we may and the query is as it must be."""
        make, reader = route.kept.make, route.kept.reader
        if make is None or not self._is_alone(route):
            return None
        door = self._door(route, environ)
        if not door.is_open:
            return None
        given = (Site(self._services, lambda: door.photo_folder), *route.arguments(path))
        if reader is None:
            return partial(make, *given)
        try:
            return partial(make, *given, reader.load(dict(query)))
        except ValidationError:
            return None

    def _is_alone(self, route: Route) -> bool:
        """Whether Flask would do no more for a request of this route than we do."""
        app = self._app
        requests = (app.before_request_funcs, app.after_request_funcs, app.teardown_request_funcs)
        hooks = (*requests, app.url_value_preprocessors, app.url_default_functions)
        return (
            app.view_functions.get(route.endpoint) is route.view
            and all(is_met_by_lane(hook) for table in hooks for scope in (None, route.blueprint) for hook in table.get(scope, ()))
            and not any(signal.receivers for signal in _SIGNALS)
            and not app.teardown_appcontext_funcs
            and not app.subdomain_matching
            and app.request_class is flask.Request
            and type(app.session_interface) is SecureCookieSessionInterface
        )

    def _door(self, route: Route, environ: dict[str, Any]) -> _Door:
        """What Flask makes of where the request comes in, for this route."""
        key = (route.endpoint, environ["wsgi.url_scheme"], environ["HTTP_HOST"], environ.get("SCRIPT_NAME", ""))
        found = self._doors.get(key)
        if found is None:
            with self._app.request_context(environ):
                is_open = flask.request.routing_exception is None and flask.request.endpoint == route.endpoint
                found = _Door(is_open, photo_folder() if is_open else None)
            if len(self._doors) >= _MOST_DOORS:
                self._doors.clear()
            self._doors[key] = found
        return found


@contextmanager
def _named_in_logs(request_id: str) -> Iterator[None]:
    structlog.contextvars.bind_contextvars(request_id=request_id)
    try:
        yield
    finally:
        structlog.contextvars.unbind_contextvars("request_id")

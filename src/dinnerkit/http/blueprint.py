"""The blueprint of every domain's routes, and the API that they are documented in."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from functools import partial, wraps
from http import HTTPStatus
from typing import Any, Literal, TypeVar, cast

import flask
import flask_smorest
import structlog
from apispec.ext.marshmallow import MarshmallowPlugin
from flask import Response, request
from flask_smorest.utils import set_status_and_headers_in_response, unpack_tuple_response
from marshmallow import Schema
from werkzeug.exceptions import HTTPException, default_exceptions
from werkzeug.wrappers import Response as AnyResponse

from dinnerkit.errors import TooLarge
from dinnerkit.http import limits, metrics, problems
from dinnerkit.http.auth import BEARER
from dinnerkit.http.bodies import StrictParser, takes_large_body
from dinnerkit.http.documenting import documented
from dinnerkit.http.json_bytes import to_json
from dinnerkit.http.lane.routes import is_counted_elsewhere, met_by_lane
from dinnerkit.http.mount import current_mount
from dinnerkit.http.request_ids import HEADER as REQUEST_ID
from dinnerkit.http.request_ids import request_id
from dinnerkit.http.schemas import ProblemSchema

OPENAPI_VERSION = "3.1.0"

V = TypeVar("V", bound=Callable[..., Any])

_STARTED = "dinnerkit.started"

FAILED = "dinnerkit.failed"
"""In the environ, where the request was tried ahead of Flask: the error that came of it."""

_UNLESS_SAID = (
    ("X-Content-Type-Options", "nosniff"),
    ("Referrer-Policy", "no-referrer"),
    ("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'"),
    ("Cache-Control", "private, no-store"),
)
"""The headers of every answer that says nothing else."""


class ApiBlueprint(flask_smorest.Blueprint):  # type: ignore[misc]
    """A domain's routes.

    Its errors are problem details, its requests are counted and bounded, its answers carry a request id; nothing of that reaches the
    routes of the app around it. Its Flask name is prefixed, so that it can't clash with one of the app's own blueprints:
    ``url_for("dinnerkit_events.list_events")``.

    Args:
        name: the domain; the tag of its operations in the documentation.
        import_name: ``__name__``.
        description: what the routes are about, in one sentence.
        limited: whether the rate limit counts its requests.
    """

    ARGUMENTS_PARSER = StrictParser()

    def __init__(self, name: str, import_name: str, *, description: str = "", limited: bool = True) -> None:
        super().__init__(f"dinnerkit_{name}", import_name, description=description)
        self.tag = name
        self._limited = limited
        self.before_request(self._start)
        self.after_request(finish)
        self.teardown_request(forget)
        # The app's own handler of a status would win over one of ours for HTTPException: so every status gets ours.
        for status in default_exceptions:
            self.register_error_handler(status, problems.problem_response)
        self.register_error_handler(HTTPException, problems.problem_response)
        self.register_error_handler(Exception, problems.problem_response)

    def route(self, rule: str, **options: Any) -> Callable[[V], V]:
        """As in flask-smorest: the rule is relative to ``/v1``; ``methods`` is GET unless told."""
        return cast("Callable[[V], V]", super().route(rule, **options))

    def arguments(
        self, schema: type[Schema] | Schema, *, location: str = "json", required: bool = True, **options: Any
    ) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
        """As in flask-smorest: what the schema loaded is the view's next argument; ``location="query"`` for query strings.

        A JSON body that is not ``required`` may be left out, and is ``{}`` then. What a query string loads to must follow from it alone.
        """
        documenting = super().arguments(schema, location=location, required=required, **options)
        loader = schema() if isinstance(schema, type) else schema  # once, and not for each request: that copies all of its fields
        parser = self.ARGUMENTS_PARSER
        read = (
            parser.query_reader(loader)
            if location == "query"
            else partial(parser.parse, loader, location=location if required else "json_if_any")
        )

        def decorate(view: Callable[..., Any]) -> Callable[..., Any]:
            @wraps(view)
            def given(*args: Any, **kwargs: Any) -> Any:
                return view(*args, read(), **kwargs)

            return documented(given, documenting)

        return decorate

    def response(self, status_code: int, schema: Any = None, **options: Any) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
        """What the view returns is dumped by the schema, if there is one, and sent as JSON; None as an empty body; a response as it is.

        The view may return ``(value, status, headers)`` or a part of that, as in Flask.
        """
        documenting = super().response(status_code, schema, **options)
        dumper = schema() if isinstance(schema, type) else schema if isinstance(schema, Schema) else None

        def decorate(view: Callable[..., Any]) -> Callable[..., Any]:
            @wraps(view)
            def answered(*args: Any, **kwargs: Any) -> AnyResponse:
                return _answer(view(*args, **kwargs), status_code, dumper)

            return documented(answered, documenting)

        return decorate

    def alt_response(self, status_code: int, response: str | None = None, **options: Any) -> Callable[[V], V]:
        """As in flask-smorest: documents another answer; ``"CONFLICT"`` and the like stand for problem details."""
        documenting = super().alt_response(status_code, response, **options)
        return lambda view: documented(view, documenting)

    def doc(self, **said: Any) -> Callable[[V], V]:
        """As in flask-smorest: what is said of the operation is in the documentation as it is."""
        documenting = super().doc(**said)
        return lambda view: documented(view, documenting)

    def undocumented(self, rule: str) -> Callable[[V], V]:
        """A GET route that is no part of the API, such as a page's files; the documentation leaves it out."""

        def decorate(view: V) -> V:
            flask.Blueprint.add_url_rule(self, rule, None, view)
            return view

        return decorate

    def websocket(self, rule: str) -> Callable[[V], V]:
        """A route for those who ask for an upgrade to a WebSocket; one for the others, at the same rule, documents it."""

        def decorate(view: V) -> V:
            flask.Blueprint.add_url_rule(self, rule, None, view, websocket=True)
            return view

        return decorate

    def add_url_rule(
        self,
        rule: str,
        endpoint: str | None = None,
        view_func: Callable[..., Any] | None = None,
        provide_automatic_options: bool | None = None,
        *,
        parameters: list[Any] | None = None,
        tags: list[str] | None = None,
        **options: Any,
    ) -> None:
        """As in Flask; the operation is filed under this blueprint's tag."""
        super().add_url_rule(
            rule, endpoint, view_func, provide_automatic_options, parameters=parameters, tags=tags or [self.tag], **options
        )

    def _store_endpoint_docs(self, endpoint: str, obj: Any, parameters: Any, tags: Any, **options: Any) -> None:
        super()._store_endpoint_docs(endpoint, obj, parameters, tags, **options)
        operations = {method: doc for method, doc in self._docs[endpoint].items() if method != "parameters"}
        for method, doc in operations.items():
            name = f"{self.tag}_{endpoint}" if len(operations) == 1 else f"{self.tag}_{endpoint}_{method}"
            doc.setdefault("manual_doc", {}).setdefault("operationId", name)

    @met_by_lane
    def _start(self) -> None:
        begin(limited=self._limited)


def begin(*, limited: bool) -> None:
    """What every request of ours goes through first: its id, the bound of its body, its rate limit.

    Raises:
        TooLarge: the body is larger than our routes take.
        TooManyRequests: it is one request too many.
    """
    mount, environ = current_mount(), request.environ
    environ[_STARTED] = time.perf_counter()
    structlog.contextvars.bind_contextvars(request_id=request_id())
    most = mount.max_file_bytes if takes_large_body() else mount.max_body_bytes
    request.max_content_length = most
    if "CONTENT_LENGTH" in environ and (request.content_length or 0) > most:
        raise TooLarge(f"A body has at most {most} bytes.")
    if FAILED in environ:
        raise environ[FAILED]
    if limited:
        mount.services[limits.RequestLimits].check()


def restart_clock() -> None:
    """Let the request count from now on: what was talked on a WebSocket is no time to answer."""
    request.environ[_STARTED] = time.perf_counter()


@met_by_lane
def finish(response: Response) -> Response:
    """What every answer of ours carries, whichever way it came about."""
    services, environ, headers = current_mount().services, request.environ, response.headers
    headers[REQUEST_ID] = request_id()
    for name, value in unless_said(headers):
        headers.add(name, value)
    response = services[limits.RequestLimits].show(response)
    if not is_counted_elsewhere(environ):
        now = time.perf_counter()
        services[metrics.Metrics].observe(response, now - environ.get(_STARTED, now))
    return response


def unless_said(headers: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
    """The headers that every answer of ours has and these have not."""
    known = {name.lower() for name, _ in headers}
    return [pair for pair in _UNLESS_SAID if pair[0].lower() not in known]


@met_by_lane
def forget(_: BaseException | None = None) -> None:
    """What every request of ours ends with."""
    if _STARTED in request.environ:
        structlog.contextvars.unbind_contextvars("request_id")


def _answer(result: Any, status: int, schema: Schema | None) -> AnyResponse:
    if isinstance(result, AnyResponse):
        return result
    body, own_status, headers = unpack_tuple_response(result)
    if isinstance(body, AnyResponse):
        response = body
    else:
        value = schema.dump(body) if schema is not None else body
        response = Response(b"" if value is None else to_json(value), status, mimetype="application/json")
        if value is None:
            del response.headers["Content-Type"]
    set_status_and_headers_in_response(response, own_status, headers)
    return response


class Api(flask_smorest.Api):  # type: ignore[misc]
    """The documentation of the mounted blueprints, without the app-wide error handlers and pages that flask-smorest would add."""

    ERROR_SCHEMA = ProblemSchema

    def __init__(self, *, title: str, version: str, description: str) -> None:
        security = {BEARER: {"type": "http", "scheme": "bearer", "bearerFormat": "JWT", "description": "From /v1/auth/login."}}
        super().__init__(
            config_prefix="DINNERKIT_API",
            spec_kwargs={
                "title": title,
                "version": version,
                "openapi_version": OPENAPI_VERSION,
                "info": {"description": description},
                "components": {"securitySchemes": security},
                "marshmallow_plugin": MarshmallowPlugin(schema_name_resolver=cast("Any", _schema_name)),
            },
        )

    def register_blueprint(self, blp: ApiBlueprint, *, parameters: list[Any] | None = None, **options: Any) -> None:
        """Mount the blueprint on the app, and document its routes."""
        self._app.extensions["flask-smorest"]["blp_name_to_api"][blp.name] = self
        self._app.register_blueprint(blp, **options)
        blp.register_views_in_doc(self, self._app, self.spec, name=blp.name, parameters=parameters)
        self.spec.tag({"name": blp.tag, "description": blp.description})

    def _register_error_handlers(self) -> None:
        """The blueprints have their own."""

    def _register_doc_blueprint(self) -> None:
        """See :mod:`dinnerkit.http.docs`."""

    def _register_pagination_header(self) -> None:
        """Our lists are paged by cursors, in their bodies."""

    def _register_responses(self) -> None:
        content = {problems.MEDIA_TYPE: {"schema": ProblemSchema}}
        for status in HTTPStatus:
            if status >= HTTPStatus.BAD_REQUEST:
                self.spec.components.response(status.name, {"description": status.phrase, "content": content}, lazy=True)
        any_problem = {"description": "Any other problem", "content": content}
        self.spec.components.response(self.DEFAULT_ERROR_RESPONSE_NAME, any_problem, lazy=True)


def answer_unknown_urls(app: flask.Flask) -> None:
    """Make unknown paths and wrong methods under our prefix problem details, without an error handler on the app."""

    @app.before_request
    @met_by_lane
    def answer() -> Response | None:
        error = request.routing_exception
        if error is None or not current_mount().covers(request.path):
            return None
        if (error.code or 0) < HTTPStatus.BAD_REQUEST:  # a redirect to a path with fewer slashes
            error = default_exceptions[404]()
        return finish(app.make_response(problems.problem_response(error)))

    app.teardown_request(forget)


def _schema_name(schema: type[Schema] | Schema) -> str | Literal[False]:
    if isinstance(schema, Schema) and (schema.only or schema.exclude or schema.partial or schema.load_only or schema.dump_only):
        return False  # a part of a schema is written out where it is used
    kind = schema if isinstance(schema, type) else type(schema)
    return kind.__name__.removesuffix("Schema")

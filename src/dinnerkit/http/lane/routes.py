"""Which requests are for an answer that may be kept, and which of them are for the same one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from typing import Any, NamedTuple, TypeAlias, TypeVar
from urllib.parse import parse_qsl

import flask
from marshmallow import Schema
from werkzeug.routing import Rule

from dinnerkit.http.public_answers import PublicAnswer
from dinnerkit.http.queries import QueryReader
from dinnerkit.ids import is_id

V = TypeVar("V", bound=Callable[..., Any])

Query: TypeAlias = tuple[tuple[str, str], ...]
"""The parameters of a query, in one order."""

Make: TypeAlias = Callable[..., PublicAnswer]
"""Makes a view's answer of a :class:`dinnerkit.http.services.Site` and what the view is given; what it raises is as if the view did."""

MakePersonal: TypeAlias = Callable[..., bytes]
"""The same, as JSON, for the :class:`dinnerkit.identity.Principal` who asks, which is the last thing that it is given."""

LONGEST_QUERY = 512
_LONGEST_HOST = 255
_MARK = "_dinnerkit_kept"
_PERSONAL = "_dinnerkit_personal"
_MET = "_dinnerkit_met_by_lane"
_VARIABLE = "/<"

AROUND = frozenset(
    {
        "HTTP_AUTHORIZATION",
        "HTTP_COOKIE",
        "HTTP_EXPECT",
        "HTTP_IF_MATCH",
        "HTTP_IF_MODIFIED_SINCE",
        "HTTP_IF_RANGE",
        "HTTP_IF_UNMODIFIED_SINCE",
        "HTTP_PROXY_AUTHORIZATION",
        "HTTP_RANGE",
        "HTTP_TRANSFER_ENCODING",
        "HTTP_UPGRADE",
        "HTTP_X_HTTP_METHOD_OVERRIDE",
        "REMOTE_USER",
    }
)
"""Whoever sends one of these is somebody in particular, or wants something in particular."""

_AROUND_SOMEBODY = AROUND - {"HTTP_AUTHORIZATION"}


@dataclass(frozen=True, slots=True)
class Kept:
    """What a view says of its answers: how many seconds they are fresh, which parameters there are, what reads them; see :func:`kept`."""

    seconds: float
    parameters: frozenset[str]
    only: str | None = None
    reader: QueryReader | None = None
    make: Make | MakePersonal | None = None

    @classmethod
    def of(cls, query: type[Schema] | None, seconds: float, only: str | None, make: Make | MakePersonal | None) -> Kept:
        """Of a view whose query is read by that schema, if it has any."""
        schema = query() if query else None
        parameters = frozenset(field.data_key or name for name, field in schema.fields.items()) if schema else frozenset()
        return cls(seconds, parameters, only, QueryReader(schema) if schema else None, make)


def kept(seconds: float, query: type[Schema] | None = None, only: str | None = None, make: Make | None = None) -> Callable[[V], V]:
    """The view's public answers may be kept, where they say what they are about.

    They must follow from the path and the parameters alone, each given once, and not from who asks or by which headers. The path has no
    variable but one at its end, an id.

    Args:
        seconds: how old an answer may become where nobody tells of a change.
        query: the schema of the parameters; a request with any other goes by the slow road.
        only: the one surrogate key of all its answers, ``{}`` in place of the id, such as ``event:{}``; where there are others, none.
        make: what the view makes its answer with, so that it can be made ahead of Flask.
    """
    return _marked(_MARK, Kept.of(query, seconds, only, make))


def personal(query: type[Schema] | None = None, *, make: MakePersonal) -> Callable[[V], V]:
    """The view's answers are each for the user who asks, and kept nowhere; for one with an access token they can be made ahead of Flask.

    They must follow from the path, the parameters and the user alone. The path is as for :func:`kept`.

    Args:
        query: the schema of the parameters.
        make: what the view makes its answer with.
    """
    return _marked(_PERSONAL, Kept.of(query, 0.0, None, make))


def _marked(mark: str, kept: Kept) -> Callable[[V], V]:
    def decorate(view: V) -> V:
        setattr(view, mark, kept)
        return view

    return decorate


def met_by_lane(hook: V) -> V:
    """What this hook of ours does with a request, the lane does by itself for those that it has answered ahead of Flask."""
    setattr(hook, _MET, True)
    return hook


def is_met_by_lane(hook: object) -> bool:
    """Whether a request misses nothing that does not meet this hook of Flask's."""
    return getattr(hook, _MET, False)


@dataclass(slots=True)
class Ticket:
    """Goes with a request through Flask, for the view to say what its answer is about."""

    keys: tuple[str, ...] | None = None
    until: datetime | None = None

    @property
    def is_offered(self) -> bool:
        """Whether the view has said that its answer may be kept; then the lane counts the request."""
        return self.keys is not None


TICKET = "dinnerkit.lane"


def offer(environ: dict[str, Any], keys: tuple[str, ...], until: datetime | None) -> None:
    """Say what the answer to this request is about, if somebody would keep it."""
    ticket = environ.get(TICKET)
    if isinstance(ticket, Ticket):
        ticket.keys, ticket.until = keys, until


def is_counted_elsewhere(environ: dict[str, Any]) -> bool:
    """Whether the lane counts this request when it answers it."""
    ticket = environ.get(TICKET)
    return isinstance(ticket, Ticket) and ticket.is_offered


@dataclass(frozen=True, slots=True)
class Route:
    """A route whose answers may be kept.

    Attributes:
        rule: as it is mounted.
        kept: what its view says.
        endpoint, view: in Flask.
    """

    rule: str
    kept: Kept
    endpoint: str = ""
    view: Callable[..., Any] | None = None

    @property
    def blueprint(self) -> str:
        """The Flask name of the blueprint that it is of."""
        return self.endpoint.rpartition(".")[0]

    def arguments(self, path: str) -> tuple[str, ...]:
        """What its view is given of the path."""
        return (path.rpartition("/")[2],) if _VARIABLE in self.rule else ()

    def only(self, path: str) -> str | None:
        """The one surrogate key of the answer at this path, if it is known ahead."""
        return self.kept.only.format(path.rpartition("/")[2]) if self.kept.only else None

    def normal(self, query: str) -> Query | None:
        """The parameters of a query in one form, whatever their order and however they are written.

        None where the slow road might understand it in another way: an unknown parameter, one given twice, what is not UTF-8; and where
        it is too long.
        """
        if not query:
            return ()
        return _normal(query, self.kept.parameters) if len(query) <= LONGEST_QUERY else None


class Key(NamedTuple):
    """What tells an answer that is kept from all others."""

    path: str
    query: Query
    host: str
    scheme: str
    mount: str


@dataclass(slots=True)
class Routes:
    """The routes of an app whose answers may be kept."""

    whole: dict[str, Route] = field(default_factory=dict)
    by_parent: dict[str, Route] = field(default_factory=dict)
    around: frozenset[str] = AROUND
    """What no request has that is found."""

    @classmethod
    def of(cls, app: flask.Flask) -> Routes:
        """Those that are mounted on the app by now; none where it tells its routes apart by hosts."""
        return cls()._found(app, _MARK)

    @classmethod
    def of_somebody(cls, app: flask.Flask) -> Routes:
        """Those whose answers are :func:`personal`; requests may have an ``Authorization``."""
        return cls(around=_AROUND_SOMEBODY)._found(app, _PERSONAL)

    def _found(self, app: flask.Flask, name: str) -> Routes:
        if not app.url_map.host_matching:
            for rule in app.url_map.iter_rules():
                mark = getattr(app.view_functions.get(rule.endpoint), name, None)
                if isinstance(mark, Kept) and "GET" in (rule.methods or ()) and not rule.subdomain:
                    self._add(rule, mark, app.view_functions[rule.endpoint])
        return self

    def _add(self, rule: Rule, mark: Kept, view: Callable[..., Any]) -> None:
        parent, variable, _ = rule.rule.partition(_VARIABLE)
        route = Route(rule.rule, mark, rule.endpoint, view)
        if not variable:
            self.whole[rule.rule] = route
        elif rule.rule == f"{parent}/<{next(iter(rule.arguments))}>":
            self.by_parent[parent] = route

    def find(self, environ: dict[str, Any]) -> tuple[Route, Key] | None:
        """The route of a request for an answer that may be kept, and by what that one is found; None for any other request."""
        if environ["REQUEST_METHOD"] not in {"GET", "HEAD"}:
            return None
        path = environ.get("PATH_INFO", "")
        route = self.whole.get(path)
        if route is None:
            parent, _, last = path.rpartition("/")
            route = self.by_parent.get(parent)
            if route is None or not is_id(last):
                return None
        if not self.around.isdisjoint(environ) or environ.get("CONTENT_LENGTH", "0") not in {"0", ""}:
            return None
        query = route.normal(environ.get("QUERY_STRING", ""))
        host = environ.get("HTTP_HOST", "")
        if query is None or not 0 < len(host) <= _LONGEST_HOST:  # without one the app may take the name of the door that was come in by
            return None
        return route, Key(path, query, host, environ["wsgi.url_scheme"], environ.get("SCRIPT_NAME", ""))


@lru_cache(maxsize=2048)
def _normal(query: str, parameters: frozenset[str]) -> Query | None:
    if not query.isascii():
        return None
    try:
        pairs = parse_qsl(query, keep_blank_values=True, strict_parsing=True, errors="strict", max_num_fields=32)
    except ValueError:
        return None
    names = [name for name, _ in pairs]
    if len(set(names)) != len(names) or not parameters.issuperset(names):
        return None
    return tuple(sorted(pairs))

"""The lane itself: a WSGI layer in front of a Flask app."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from functools import partial
from typing import Any, Final, NamedTuple, Protocol, TypeAlias

from dinnerkit.clock import Clock, utcnow
from dinnerkit.http.lane.answers import (
    MOST_BYTES,
    UNCHANGED,
    WHOLE,
    Answer,
    Headers,
    Representation,
    etag_of,
    is_of_one_request,
    may_be_kept,
    of_304,
)
from dinnerkit.http.lane.direct import Direct
from dinnerkit.http.lane.flights import Flight, Flights
from dinnerkit.http.lane.negotiation import encoding_for, has_already
from dinnerkit.http.lane.purging import Purges
from dinnerkit.http.lane.routes import TICKET, Key, Route, Routes, Ticket
from dinnerkit.http.lane.shared import Place, Regulars, Shared
from dinnerkit.http.lane.shelf import Shelf
from dinnerkit.http.limits import RequestLimits
from dinnerkit.http.metrics import Metrics
from dinnerkit.http.request_ids import HEADER as REQUEST_ID
from dinnerkit.http.request_ids import sane_or_new

Environ: TypeAlias = dict[str, Any]

UNHEARD_SECONDS = 2.0
"""So old an answer may become while changes that other processes make are not heard."""

STALE_SHARE = 0.1
"""For so much of its time longer an answer is given while one request makes it anew."""

WAIT_SECONDS = 5.0
"""So long a request waits for the one that makes its answer; then it has it made for itself."""


SERVER: Final = "dinnerkit.answer"
"""In the environ, where the server is one that takes prepared headers: :class:`Server`."""


class StartResponse(Protocol):
    """WSGI's ``start_response``."""

    def __call__(self, status: str, headers: Headers, exc_info: Any = None, /) -> Callable[[bytes], object]:
        """Begin the answer."""
        ...


class Server(Protocol):
    """The answer of a server (:mod:`dinnerkit.serving.answers`) that checks headers once which many answers have."""

    start_response: StartResponse
    again: Callable[[str], tuple[Any, Headers, bytes] | None] | None

    def prepare(self, status: str, headers: Headers, /) -> Any:
        """Check them, for :meth:`begin`."""
        ...

    def begin(self, prepared: Any, own: Sequence[tuple[str, str]], /) -> None:
        """Begin the answer with these and its own, in place of ``start_response``."""
        ...


WsgiApp: TypeAlias = Callable[[Environ, StartResponse], Iterable[bytes]]


class _Asked(NamedTuple):
    """What a request wants of an answer that is kept."""

    method: str
    encoding: str
    has: str | None
    request_id: str

    @classmethod
    def of(cls, environ: Environ) -> _Asked:
        encoding = encoding_for(environ.get("HTTP_ACCEPT_ENCODING", ""))
        return cls(environ["REQUEST_METHOD"], encoding, environ.get("HTTP_IF_NONE_MATCH"), environ.get("HTTP_X_REQUEST_ID", ""))

    def gets(self, sent: Representation) -> tuple[str, bytes]:
        """Status and body."""
        if self.has is not None and has_already(self.has, sent.etag):
            return UNCHANGED, b""
        return WHOLE, sent.body if self.method == "GET" else b""


class Lane:
    """Gives public answers that are kept, and has the app make the others.

    Only a plain GET or HEAD of a route that is marked, by nobody in particular, comes this way; everything else goes to the app as it is,
    and so does what is not kept, what the rate limit refuses, and everything while this process does not know that it hears of changes.
    What is kept is what the app said, with its headers, so with and without the lane the same is answered.

    Args:
        app: the WSGI app.
        routes: those whose answers may be kept.
        shelf: keeps them.
        purges: tells what has changed.
        limits: counts the requests that are answered here, in the same windows as the app's.
        metrics: likewise.
        clock: by which answers stop being true.
        shared: the second level, for what this process has not.
        direct: makes answers that the app need not be asked for.
    """

    def __init__(
        self,
        app: WsgiApp,
        routes: Routes,
        shelf: Shelf[Answer],
        purges: Purges,
        limits: RequestLimits,
        metrics: Metrics,
        clock: Clock,
        shared: Shared | None = None,
        direct: Direct | None = None,
    ) -> None:
        self._app = app
        self._routes = routes
        self._shelf = shelf
        self._purges = purges
        self._limits = limits
        self._metrics = metrics
        self._now = time.time if clock is utcnow else lambda: clock().timestamp()  # the former is what each answer asks for
        self._shared = shared
        self._direct = direct
        self._regulars = Regulars()
        self._flights: Flights[Answer] = Flights()
        purges.attach(shelf)

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        """Answer a request."""
        found = self._routes.find(environ)
        if found is None:
            return self._app(environ, start_response)
        began = time.perf_counter()
        route, key = found
        answer = self._shelf.get(key)
        if answer is not None and self._is_true(answer):
            now = time.monotonic()
            if now < answer.fresh_until:
                return self._give(answer, key, route, environ, start_response, began)
            if now > answer.fresh_until + STALE_SHARE * route.kept.seconds:
                answer = None
        else:
            answer = None
        if environ["REQUEST_METHOD"] != "GET" or not (self._purges.listen() or self._purges.was_heard):
            return self._app(environ, start_response)
        return self._make_or_wait(answer, key, route, environ, start_response, began)

    def ahead(self, environ: Environ, prepare: Callable[[str, Headers], Any]) -> Callable[[str], tuple[Any, Headers, bytes] | None] | None:
        """How a request is answered from what is kept, to who asks from an address, as :attr:`Server.again` is; None where it is the app's.

        For a server that has nobody else to show the request to.
        """
        found = self._routes.find(environ)
        return None if found is None else partial(self._again, found[1], found[0], _Asked.of(environ), prepare)

    def _is_true(self, answer: Answer) -> bool:
        if not self._purges.heard and time.monotonic() > answer.stored + UNHEARD_SECONDS:
            return False
        return answer.until is None or self._now() < answer.until.timestamp()

    def _make_or_wait(
        self, stale: Answer | None, key: Key, route: Route, environ: Environ, start_response: StartResponse, began: float
    ) -> Iterable[bytes]:
        flight, ours = self._flights.board(key, self._shelf.mark())
        if ours:
            try:
                return self._find_or_make(flight, key, route, environ, start_response, began)
            finally:
                self._flights.end(key, flight, flight.answer)
        answer = stale or flight.wait(WAIT_SECONDS)
        if answer is None:
            return self._app(environ, start_response)
        return self._give(answer, key, route, environ, start_response, began)

    def _give(
        self, answer: Answer, key: Key, route: Route, environ: Environ, start_response: StartResponse, began: float
    ) -> Iterable[bytes]:
        """Answer with what is kept, if the rate limit lets this caller through."""
        counted = self._limits.count(environ.get("REMOTE_ADDR"))
        if counted is None:
            return self._app(environ, start_response)  # where it is refused in the same way
        own = [(REQUEST_ID, sane_or_new(environ.get("HTTP_X_REQUEST_ID", ""))), *counted]
        server: Server | None = environ.get(SERVER)
        if server is not None and start_response == server.start_response:
            server.again = partial(self._again, key, route, _Asked.of(environ), server.prepare)
        return self._send(answer, own, key, route, environ, start_response, began)

    def _again(
        self, key: Key, route: Route, asked: _Asked, prepare: Callable[[str, Headers], Any], address: str
    ) -> tuple[Any, Headers, bytes] | None:
        """What is answered to a request that is the same as one before, byte for byte; None where that needs more than what is kept."""
        began = time.perf_counter()
        answer = self._shelf.get(key)
        if answer is None or not self._is_true(answer) or time.monotonic() >= answer.fresh_until:
            return None
        sent = answer.made(asked.encoding)
        counted = self._limits.count(address) if sent is not None else None
        if sent is None or counted is None:
            return None
        status, body = asked.gets(sent)
        self._metrics.count_kept(asked.method, route.rule, int(status[:3]), time.perf_counter() - began)
        return sent.prepared(status, prepare), [(REQUEST_ID, sane_or_new(asked.request_id)), *counted], body

    def _send(
        self,
        answer: Answer,
        own: Sequence[tuple[str, str]],
        key: Key,
        route: Route,
        environ: Environ,
        start_response: StartResponse,
        began: float,
    ) -> Iterable[bytes]:
        asked = _Asked.of(environ)
        grows = answer.made(asked.encoding) is None
        sent = answer.in_encoding(asked.encoding)
        if grows:
            self._shelf.grown(key, answer)
        status, body = asked.gets(sent)
        _begin(sent, status, own, environ, start_response)
        self._metrics.count_kept(asked.method, route.rule, int(status[:3]), time.perf_counter() - began)
        return [body] if body else []

    def _find_or_make(
        self, flight: Flight[Answer], key: Key, route: Route, environ: Environ, start_response: StartResponse, began: float
    ) -> Iterable[bytes]:
        """Look at what all processes keep together; make it where there is none."""
        place = self._place(key, route)
        found = place.find_or_claim() if place is not None else None
        if found is not None and self._is_true(found):
            self._shelf.keep(key, found, flight.begun)
            flight.answer = found
            return self._give(found, key, route, environ, start_response, began)
        try:
            return self._make(flight, key, route, environ, start_response, began)
        finally:
            if place is not None:
                place.put(flight.answer)

    def _place(self, key: Key, route: Route) -> Place | None:
        """Where all processes keep it; None where they don't, and for what a query asks for the first time."""
        if self._shared is None or not self._purges.heard or (key.query and not self._regulars.has(key)):
            return None
        return self._shared.open(route.only(key.path), key)

    def _make(
        self, flight: Flight[Answer], key: Key, route: Route, environ: Environ, start_response: StartResponse, began: float
    ) -> Iterable[bytes]:
        """Make the answer without the app, where that can be done, and keep it; the flight has it then."""
        made = self._direct.make(route, key.path, key.query, environ) if self._direct is not None else None
        if made is None:
            return self._have_made(flight, key, route, environ, start_response, began)
        answer = self._keep(flight, key, route, made.answer.about, made.answer.until, made.sent)
        return self._send(answer, made.own, key, route, environ, start_response, began)

    def _have_made(
        self, flight: Flight[Answer], key: Key, route: Route, environ: Environ, start_response: StartResponse, began: float
    ) -> Iterable[bytes]:
        """Have the app answer, and keep it if it may be kept; the flight has it then."""
        ticket, told = Ticket(), environ.get("HTTP_IF_NONE_MATCH")
        unchanged = False
        said: list[tuple[str, Headers]] = []
        body: list[bytes] = []

        def begin(status: str, headers: Headers, exc_info: Any = None, /) -> Callable[[bytes], object]:
            nonlocal unchanged
            said.clear()
            body.clear()
            if ticket.is_offered and may_be_kept(status, headers):
                said.append((status, headers))
                return body.append
            etag = etag_of(headers) if told is not None and status[:3] == "200" else None
            if unchanged := etag is not None and has_already(told or "", etag):
                status, headers = UNCHANGED, of_304(headers)
            if ticket.is_offered:
                self._metrics.count("GET", route.rule, int(status[:3]), time.perf_counter() - began)
            return start_response(status, headers, exc_info) if exc_info else start_response(status, headers)

        inner = {name: value for name, value in environ.items() if name not in {"HTTP_IF_NONE_MATCH", "HTTP_ACCEPT_ENCODING"}}
        blocks = self._app(inner | {TICKET: ticket}, begin)
        if not said:
            self._metrics.made_for_lane(route.rule, kept=False)
            if not unchanged:
                return blocks
            _close(blocks)
            return []
        try:
            body.extend(blocks)
        finally:
            _close(blocks)
        headers = said[0][1]
        own = [pair for pair in headers if is_of_one_request(pair[0])]
        plain = Representation.of([pair for pair in headers if not is_of_one_request(pair[0])], b"".join(body))
        answer = self._keep(flight, key, route, ticket.keys or (), ticket.until, plain)
        return self._send(answer, own, key, route, environ, start_response, began)

    def _keep(
        self, flight: Flight[Answer], key: Key, route: Route, keys: tuple[str, ...], until: datetime | None, plain: Representation
    ) -> Answer:
        """What was made, as it is kept, if that may be done."""
        now = time.monotonic()
        answer = Answer(keys, until, now, now + route.kept.seconds, plain)
        if len(plain.body) <= MOST_BYTES and self._is_true(answer):
            self._metrics.made_for_lane(route.rule, kept=self._shelf.keep(key, answer, flight.begun))
            flight.answer = answer
        else:
            self._metrics.made_for_lane(route.rule, kept=False)
        return answer


def _begin(sent: Representation, status: str, own: Sequence[tuple[str, str]], environ: Environ, start_response: StartResponse) -> None:
    """Begin the answer: with what the server has prepared, unless somebody between it and us wants to see the headers."""
    server: Server | None = environ.get(SERVER)
    if server is not None and start_response == server.start_response:
        server.begin(sent.prepared(status, server.prepare), own)
    else:
        start_response(status, [*(sent.headers_304 if status == UNCHANGED else sent.headers), *own])


def _close(blocks: Iterable[bytes]) -> None:
    close = getattr(blocks, "close", None)
    if close is not None:
        close()

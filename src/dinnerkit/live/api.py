"""The live route: a WebSocket on which what happens is told."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any
from urllib.parse import urlsplit

import structlog
from flask import Request, Response, request
from werkzeug.exceptions import BadRequest
from werkzeug.wrappers import Response as AnyResponse

from dinnerkit.errors import Unauthenticated
from dinnerkit.http.auth import bearer_token
from dinnerkit.http.blueprint import ApiBlueprint, restart_clock
from dinnerkit.http.mount import current_mount
from dinnerkit.http.problems import problem_response
from dinnerkit.http.services import service
from dinnerkit.identity import Principal
from dinnerkit.live.connection import Connection, Over, Resolve
from dinnerkit.live.errors import BadOrigin, UpgradeRequired
from dinnerkit.live.limits import Connections
from dinnerkit.live.service import LiveService
from dinnerkit.live.wire import WebSocketWire
from dinnerkit.ports.bus import Bus

blueprint = ApiBlueprint(
    "live", __name__, description="What happens now, by WebSocket; the page on live updates says what is spoken there."
)

_log = structlog.get_logger("dinnerkit.live")
_OUR_FAULT = 1011


@blueprint.route("/live")
@blueprint.alt_response(426, "UPGRADE_REQUIRED", headers={"Upgrade": {"description": "websocket", "schema": {"type": "string"}}})
def live() -> AnyResponse:
    """Watch what happens: ask for an upgrade to a WebSocket. A request that does not gets 426 `upgrade_required`."""
    response = problem_response(UpgradeRequired("Ask for an upgrade to a WebSocket: there is nothing else at this address."))
    response.headers["Upgrade"] = "websocket"
    return response


@blueprint.websocket("/live")
def live_socket() -> AnyResponse:
    """Talk with a client whose app says whose it is: by a bearer token, sent with the upgrade or in a frame, or as the app resolves it."""
    return talk(resolver_of(request))


def resolver_of(opened: Request) -> Resolve:
    """Whose a connection is, by the app's own resolver; what a browser sends along by itself counts for pages of this site alone.

    Raises:
        Unauthenticated: it was opened with credentials that are wrong.
        BadOrigin: it was opened by a page of another site.
    """
    resolver = current_mount().user_resolver
    if bearer_token(opened) is None and resolver(opened) is not None:
        check_origin(opened)

    def resolve(token: str | None) -> Principal | None:
        if token is None:
            return resolver(opened)
        principal = resolver(Request({**opened.environ, "HTTP_AUTHORIZATION": f"Bearer {token}"}))
        if principal is None:
            raise Unauthenticated("This token is nobody's.")
        return principal

    return resolve


def check_origin(opened: Request) -> None:
    """Let only pages of this site use its cookies: WebSockets know no other protection from those of others.

    Raises:
        BadOrigin: the page that opened it is another site's, or does not say.
    """
    origin = urlsplit(opened.headers.get("Origin", ""))
    if (origin.scheme, origin.netloc) != (opened.scheme.replace("ws", "http"), opened.host):
        raise BadOrigin("Pages of other sites can't open this with a cookie.")


def talk(resolve: Resolve) -> AnyResponse:
    """Answer the upgrade, and go on until the connection is over; then the response that the server expects.

    Raises:
        TooManyConnections: this process holds as many as it can.
        BadRequest: it is no upgrade to a WebSocket.
    """
    connections = service(Connections)
    with service(Bus).subscribe() as heard, connections.one(heard.wake):  # type: ignore[type-abstract]
        resolve(None)  # what is wrong with the credentials is answered as HTTP
        try:
            wire = WebSocketWire(request.environ, heard.wake)
        except ValueError as error:
            raise BadRequest("This is no upgrade to a WebSocket.") from error
        try:
            Connection(wire, heard, service(LiveService), resolve, connections).run()
        except Over as over:
            wire.close(over.code, over.reason)
        except Exception as error:  # noqa: BLE001 - the answer has begun, so no error page can be sent
            _log.warning("live_connection_failed", error=type(error).__name__)
            wire.close(_OUR_FAULT, "something went wrong on our side")
    restart_clock()
    return _Spoken(wire.mode)


class _Spoken(Response):
    """What remains to be answered when the socket has been used up."""

    def __init__(self, mode: str) -> None:
        super().__init__(status=HTTPStatus.OK)
        self._mode = mode

    def __call__(self, environ: Any, start_response: Any) -> Any:
        if self._mode == "gunicorn":
            raise StopIteration  # how gunicorn is told that there is nothing left to send
        return super().__call__(environ, start_response) if self._mode == "werkzeug" else []

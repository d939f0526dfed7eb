"""The live route: a WebSocket on which what happens is told."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any
from urllib.parse import urlsplit

from flask import Request, Response, request
from werkzeug.exceptions import BadRequest
from werkzeug.wrappers import Response as AnyResponse

from dinnerkit.accounts.api import resolve_bearer
from dinnerkit.accounts.sign_in import SignInService
from dinnerkit.errors import Unauthenticated
from dinnerkit.http.auth import bearer_token
from dinnerkit.http.blueprint import ApiBlueprint, restart_clock
from dinnerkit.http.mount import current_mount
from dinnerkit.http.problems import problem_response
from dinnerkit.http.services import service
from dinnerkit.identity import Principal
from dinnerkit.live.alone import Alone
from dinnerkit.live.connection import Hall, Resolve
from dinnerkit.live.errors import BadOrigin, UpgradeRequired
from dinnerkit.live.links import HandsOver
from dinnerkit.live.switchboard import Switchboard
from dinnerkit.live.wire import check_framing

blueprint = ApiBlueprint(
    "live", __name__, description="What happens now, by WebSocket; the page on live updates says what is spoken there."
)


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
    needs_request = current_mount().user_resolver is not resolve_bearer
    resolve = resolver_of(request) if needs_request else by_token(service(SignInService), bearer_token(request))
    return talk(resolve, resolve(None), needs_request=needs_request)


def by_token(sign_in: SignInService, opened_with: str | None) -> Resolve:
    """Whose a connection is, by the access token that it was opened with, or one that it says."""

    def resolve(token: str | None) -> Principal | None:
        token = opened_with if token is None else token
        return None if token is None else sign_in.authenticate(token)

    return resolve


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


def talk(resolve: Resolve, principal: Principal | None, *, needs_request: bool) -> AnyResponse:
    """Answer the upgrade. Where the server hands its socket over, that is all: the switchboard goes on; elsewhere, go on until it is over.

    Args:
        resolve: says whose the connection is from now on.
        principal: whose it is to begin with, found out just now.
        needs_request: whether it can do so only within this request.

    Returns:
        The response that the server expects.

    Raises:
        TooManyConnections: this process holds as many as it can.
        BadRequest: it is no upgrade to a WebSocket.
    """
    given, hall = request.environ.get("gunicorn.socket"), service(Hall)
    try:
        check_framing(request.environ)
        if isinstance(given, HandsOver) and not needs_request:
            service(Switchboard).take(request.environ, given, resolve, principal)
            return _Spoken("gunicorn")
        alone = Alone(hall)
        with hall.connections.one(alone.wake):
            mode = alone.talk(request.environ, resolve, principal)
    except ValueError as error:
        raise BadRequest("This is no upgrade to a WebSocket.") from error
    restart_clock()
    return _Spoken(mode)


class _Spoken(Response):
    """What remains to be answered when the socket has been used up."""

    def __init__(self, mode: str) -> None:
        super().__init__(status=HTTPStatus.OK)
        self._mode = mode

    def __call__(self, environ: Any, start_response: Any) -> Any:
        if self._mode == "gunicorn":
            raise StopIteration  # how gunicorn is told that there is nothing left to send
        return super().__call__(environ, start_response) if self._mode == "werkzeug" else []

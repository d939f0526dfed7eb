"""The live connection of the pages: what the API's has, for whoever is signed in here."""

from __future__ import annotations

from collections.abc import Callable

from flask import Blueprint, request
from werkzeug.wrappers import Response

from dinnerkit.errors import Unauthenticated
from dinnerkit.identity import Principal
from dinnerkit.live.api import check_origin, talk
from dinnerkit.live.connection import Resolve
from dinnerkit.web.sessions import session_of_request, signed_in, who_now

blueprint = Blueprint("live", __name__)


def listen() -> Response:
    """Talk with a page of ours, by its session."""
    check_origin(request)
    principal, found = signed_in(), session_of_request()
    if found is None:  # by whatever the app that has us goes by, which may be anything in its request
        return talk(_resolver(who_now), principal, needs_request=True)
    return talk(_resolver(found), principal, needs_request=False)


def _resolver(who: Callable[[], Principal | None]) -> Resolve:
    def resolve(token: str | None) -> Principal | None:
        if token is not None:
            raise Unauthenticated("Here the session counts, and no token.")
        principal = who()
        if principal is None:
            raise Unauthenticated("The session is over.")
        return principal

    return resolve


blueprint.add_url_rule("/live", "listen", listen, websocket=True)

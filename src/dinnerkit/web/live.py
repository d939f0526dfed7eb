"""The live connection of the pages: what the API's has, for whoever is signed in here."""

from __future__ import annotations

from flask import Blueprint, request
from werkzeug.wrappers import Response

from dinnerkit.errors import Unauthenticated
from dinnerkit.identity import Principal
from dinnerkit.live.api import check_origin, talk
from dinnerkit.web.sessions import signed_in, who_now

blueprint = Blueprint("live", __name__)


def listen() -> Response:
    """Talk with a page of ours, by its session."""
    check_origin(request)
    signed_in()
    return talk(_resolve)


def _resolve(token: str | None) -> Principal | None:
    if token is not None:
        raise Unauthenticated("Here the session counts, and no token.")
    principal = who_now()
    if principal is None:
        raise Unauthenticated("The session is over.")
    return principal


blueprint.add_url_rule("/live", "listen", listen, websocket=True)

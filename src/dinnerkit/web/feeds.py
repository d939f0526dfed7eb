"""The calendars that hosts subscribe to, read by programs that are not signed in."""

from __future__ import annotations

from flask import Blueprint, Response, abort

from dinnerkit.events.errors import NoSuchFeed
from dinnerkit.events.feed import MEDIA_TYPE, HostFeed
from dinnerkit.http.conditional import kept_by_reader
from dinnerkit.http.services import service

blueprint = Blueprint("feeds", __name__, url_prefix="/feeds")


@blueprint.route("/<token>.ics")
def read(token: str) -> Response:
    """Give a host's dinners to a calendar; the token in the address is the right to read it."""
    try:
        return kept_by_reader(service(HostFeed).calendar(token), MEDIA_TYPE)
    except NoSuchFeed:
        abort(404)

"""The page behind the link that ends reminders, which works without signing in."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from flask import Blueprint, Response, abort

from dinnerkit.accounts.errors import BadToken, NoSuchUser
from dinnerkit.accounts.unsubscribing import Unsubscribing
from dinnerkit.http.services import service
from dinnerkit.web.forms import show

blueprint = Blueprint("unsubscribe", __name__, url_prefix="/unsubscribe")


@blueprint.route("/<token>")
def ask(token: str) -> Response:
    """Ask first: mail programs open links to look at them."""
    with _known():
        service(Unsubscribing).check(token)
    return show("unsubscribe.html", token=token, done=False)


@blueprint.route("/<token>", methods=["POST"])
def stop(token: str) -> Response:
    """Send no more reminders. Mail programs post here by themselves (RFC 8058), and have no form of ours: the token is what counts."""
    with _known():
        service(Unsubscribing).stop(token)
    return show("unsubscribe.html", token=token, done=True)


@contextmanager
def _known() -> Iterator[None]:
    """Make a token that is none of ours a page that is not there: signing in would not help."""
    try:
        yield
    except (BadToken, NoSuchUser):
        abort(404)

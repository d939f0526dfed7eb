"""What could not be delivered, for admins."""

from __future__ import annotations

from datetime import datetime

import orjson
from flask import Blueprint, Response, abort, request

from dinnerkit.delivery.service import DeliveryService
from dinnerkit.errors import Forbidden
from dinnerkit.http.paging import BadCursor, decode_cursor, encode_cursor
from dinnerkit.http.services import service
from dinnerkit.identity import Role
from dinnerkit.web.forms import show
from dinnerkit.web.places import see
from dinnerkit.web.sessions import say, signed_in

blueprint = Blueprint("admin", __name__, url_prefix="/admin")

_SHOWN = 20
_LONGEST_ID = 512


@blueprint.before_request
def admins_only() -> None:
    """Let nobody else in."""
    if not signed_in().may(Role.ADMIN):
        raise Forbidden("Only admins see this.")


@blueprint.route("/dead-letters")
def dead_letters() -> Response:
    """Show what failed for good, oldest first."""
    deliveries = service(DeliveryService)
    letters = deliveries.dead_letters(limit=_SHOWN + 1, after=_after())
    last = letters[_SHOWN - 1] if len(letters) > _SHOWN else None
    shown = [{**letter, "id": letter["_id"], "data": _readable(letter["data"])} for letter in letters[:_SHOWN]]
    following = encode_cursor(last["died_at"], last["_id"]) if last else None
    return show("dead_letters.html", letters=shown, following=following, total=deliveries.dead_letter_count())


@blueprint.route("/dead-letters/retry", methods=["POST"])
def retry() -> Response:
    """Deliver one again."""
    service(DeliveryService).retry(_letter())
    say("retried")
    return see("admin.dead_letters")


@blueprint.route("/dead-letters/discard", methods=["POST"])
def discard() -> Response:
    """Forget one."""
    service(DeliveryService).discard(_letter())
    say("discarded")
    return see("admin.dead_letters")


def _after() -> tuple[datetime, str] | None:
    cursor = request.args.get("cursor")
    try:
        return decode_cursor(cursor, datetime, str) if cursor else None
    except BadCursor:
        return None


def _letter() -> str:
    letter_id = request.form.get("letter", "")
    if not 0 < len(letter_id) <= _LONGEST_ID:
        abort(404)
    return letter_id


def _readable(data: object) -> str:
    return orjson.dumps(data, option=orjson.OPT_INDENT_2, default=str).decode()

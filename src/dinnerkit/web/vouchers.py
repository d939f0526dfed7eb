"""A host's vouchers: made, listed and stopped."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, abort, request

from dinnerkit.clock import utcnow
from dinnerkit.errors import Conflict, DinnerkitError, Forbidden, Invalid
from dinnerkit.events.rules import timezones
from dinnerkit.events.service import EventService
from dinnerkit.http.paging import BadCursor, decode_cursor, encode_cursor
from dinnerkit.http.services import service
from dinnerkit.identity import Role
from dinnerkit.ids import is_id, new_id
from dinnerkit.vouchers.rules import MOST_USES, Kind, Terms
from dinnerkit.vouchers.service import VoucherService
from dinnerkit.web.forms import Form, operation_id, show, status_for, typed
from dinnerkit.web.places import see
from dinnerkit.web.sessions import say, signed_in
from dinnerkit.web.typing_in import Reader

blueprint = Blueprint("vouchers", __name__, url_prefix="/hosting/vouchers")

EMPTY = {"kind": Kind.PERCENT.value, "per_guest": "1", "currency": "EUR", "timezone": "Europe/Berlin"}
"""What a new form begins with."""

_SHOWN = 20
_EVENTS_OFFERED = 100
_NAMES = {"valid_from": "valid_from", "valid_until": "valid_until", "event": "event"}


@blueprint.before_request
def hosts_only() -> None:
    """Let nobody else in."""
    if not signed_in().may(Role.HOST):
        raise Forbidden("Only hosts make vouchers.")


@blueprint.route("")
def mine() -> Response:
    """Show the host's vouchers, and the form of a new one."""
    return _page(Form(values=EMPTY))


@blueprint.route("", methods=["POST"])
def make() -> Response:
    """Make a voucher."""
    form = typed()
    terms = _terms(form)
    if terms is None:
        return _page(form)
    try:
        made = service(VoucherService).make(
            signed_in(),
            terms,
            voucher_id=operation_id("voucher"),
            code=str(form.values.get("code", "")).strip() or None,
            everywhere=form.values.get("event") == "everywhere",
        )
    except (Conflict, Invalid) as error:
        form.take(error, _NAMES)
        return _page(form, error)
    say("voucher_made")
    return see("vouchers.mine", _anchor=made.id)


@blueprint.route("/<voucher_id>/stop", methods=["POST"])
def stop(voucher_id: str) -> Response:
    """Let nobody use a voucher any more."""
    if not is_id(voucher_id):
        abort(404)
    service(VoucherService).stop(signed_in(), voucher_id)
    say("voucher_stopped")
    return see("vouchers.mine", _anchor=voucher_id)


def _terms(form: Form) -> Terms | None:
    """What was typed; None where it makes no sense, which the form then says."""
    read = Reader(form)
    kind = read.text("kind")
    currency, zone = read.text("currency").upper(), read.text("timezone")
    event = read.text("event")
    if kind not in set(Kind):
        read.wrong("kind", "Choose one of the three.")
    if event not in {"", "everywhere"} and not is_id(event):
        read.wrong("event", "Choose one of the list.")
    values: dict[str, Any] = {
        "kind": Kind(kind) if kind in set(Kind) else Kind.FREE,
        "percent": read.whole("percent") if kind == Kind.PERCENT else None,
        "amount": read.amount("amount", currency) if kind == Kind.AMOUNT else None,
        "event": event if is_id(event) else None,
        "max_uses": read.whole("max_uses") if read.text("max_uses") else MOST_USES,
        "per_guest": read.whole("per_guest"),
        "minimum": read.amount("minimum", currency) if read.text("minimum") else None,
        **{name: read.moment(name, zone) if read.text(name) else None for name in ("valid_from", "valid_until")},
    }
    return None if form.errors else Terms(**values)


def _page(form: Form, error: DinnerkitError | None = None) -> Response:
    principal = signed_in()
    cursor = request.args.get("cursor")
    try:
        before = decode_cursor(cursor, str)[0] if cursor else None
    except BadCursor:
        before = None
    found = service(VoucherService).page(principal, limit=_SHOWN + 1, before=before)
    events = service(EventService).hosted(principal, _EVENTS_OFFERED)["items"]
    coming = [event for event in events if event["status"] != "cancelled" and event["starts_at"] > utcnow()]
    return show(
        "vouchers.html",
        status=status_for(form, error),
        form=form,
        vouchers=found[:_SHOWN],
        following=encode_cursor(found[_SHOWN - 1].id) if len(found) > _SHOWN else None,
        choices=[(event["id"], event["title"]) for event in coming],
        zones=[(zone, zone.replace("_", " ")) for zone in timezones()],
        titles={event["id"]: event["title"] for event in events},
        unlimited=MOST_USES,
        now=utcnow(),
        operation=new_id(),
    )

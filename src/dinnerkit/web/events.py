"""The page of a dinner: what it is, and how to get a seat."""

from __future__ import annotations

from flask import Blueprint, Response, abort, request

from dinnerkit.accounts.errors import TooManyAttempts
from dinnerkit.booking.rules import SETTLED
from dinnerkit.booking.schemas import MAX_PARTY
from dinnerkit.booking.service import BookingService
from dinnerkit.booking.store import Booking
from dinnerkit.booking.waiting import WaitingList
from dinnerkit.clock import utcnow
from dinnerkit.errors import Conflict, DinnerkitError, Invalid
from dinnerkit.events.rules import Format, RefundPolicy, Status, WaitlistOrder, deposit_in_words, in_words, manages
from dinnerkit.events.service import EventService
from dinnerkit.events.waitlist import Waitlist
from dinnerkit.http.problems import status_of
from dinnerkit.http.services import service
from dinnerkit.ids import is_id, new_id
from dinnerkit.matching.service import SeatingService
from dinnerkit.texts import sentence
from dinnerkit.vouchers.rules import LONGEST_CODE
from dinnerkit.web.forms import operation_id, show_public
from dinnerkit.web.options import options
from dinnerkit.web.places import see
from dinnerkit.web.sessions import say, signed_in, visitor
from dinnerkit.web.words import as_money

blueprint = Blueprint("events", __name__, url_prefix="/events")

_LONGEST_NUMBER = 4


@blueprint.route("/<event_id>")
def show(event_id: str) -> Response:
    """Show a dinner."""
    return _page(event_id)


@blueprint.route("/<event_id>/book", methods=["POST"])
def book(event_id: str) -> Response:
    """Hold seats, and go on to pay for them."""
    principal = signed_in()
    try:
        booking_id = operation_id(f"book/{existing(event_id)}")
        booking = service(BookingService).reserve(principal.user_id, event_id, _party(), booking_id=booking_id, code=_code())
    except (Conflict, TooManyAttempts) as error:
        return _page(event_id, error)
    say("held" if booking.amount.amount else "confirmed")
    return see("bookings.one", booking_id=booking.id)


@blueprint.route("/<event_id>/wait", methods=["POST"])
def wait(event_id: str) -> Response:
    """Put the guest's party on the waiting list."""
    principal = signed_in()
    try:
        entry_id = operation_id(f"wait/{existing(event_id)}")
        service(WaitingList).join(event_id, principal.user_id, _party(), entry_id=entry_id, code=_code())
    except (Conflict, TooManyAttempts) as error:
        return _page(event_id, error)
    say("waiting")
    return see("events.show", event_id=event_id)


@blueprint.route("/<event_id>/wait-no-longer", methods=["POST"])
def wait_no_longer(event_id: str) -> Response:
    """Take the guest's party off the waiting list."""
    service(WaitingList).leave(existing(event_id), signed_in().user_id)
    say("not_waiting")
    return see("events.show", event_id=event_id)


def existing(event_id: str) -> str:
    """Spare the database what can't be an id: 404."""
    if not is_id(event_id):
        abort(404)
    return event_id


def _page(event_id: str, error: DinnerkitError | None = None) -> Response:
    me = visitor().principal
    event = service(EventService).get(existing(event_id), me)
    begun = event["starts_at"] <= utcnow()
    policy = RefundPolicy(**event["refund_policy"])
    seating = service(SeatingService).published(event_id) if event["format"] == "match_night" else None
    booking = _booking_of(me.user_id, event_id) if me else None
    response = show_public(
        "event.html",
        event=event,
        booking=booking,
        by_fit=event["waitlist_order"] == WaitlistOrder.BEST_FIT and event["format"] == Format.MATCH_NIGHT,
        settled=booking is not None and booking.status in SETTLED,
        position=service(Waitlist).position(event_id, me.user_id) if me else None,
        open=event["status"] == Status.PUBLISHED and not begun,
        begun=begun,
        manages=manages(me, event["host_id"]),
        night=seating is not None and (options().demo or manages(me, event["host_id"])),
        refunds=in_words(policy, event["price"]["currency"]),
        deposit=deposit_in_words(as_money(event["deposit"]), policy) if event["deposit"] else "",
        to_pay=event["price"]["amount"] or event["deposit"],
        most=min(MAX_PARTY, event["seats"]),
        code=_code() or "",
        operation=new_id(),
        problem=sentence(error.message) if error else "",
    )
    response.status_code = status_of(error) if error else response.status_code
    return response


def _party() -> int:
    typed = request.form.get("guests", "1")
    if not (typed.isascii() and typed.isdigit() and len(typed) <= _LONGEST_NUMBER and 1 <= int(typed) <= MAX_PARTY):
        raise Invalid(f"A party has from 1 to {MAX_PARTY} guests.")
    return int(typed)


def _code() -> str | None:
    return request.form.get("voucher", "").strip()[:LONGEST_CODE] or None


def _booking_of(user_id: str, event_id: str) -> Booking | None:
    return service(BookingService).live(user_id, event_id)

"""A guest's bookings: pay, authenticate, cancel, and see the table."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, abort, request

from dinnerkit.booking.calendar import MEDIA_TYPE, BookingCalendar
from dinnerkit.booking.checking_in import CheckIn
from dinnerkit.booking.errors import BookingNotConfirmed
from dinnerkit.booking.making import may_be_cheaper
from dinnerkit.booking.paying import PayingService
from dinnerkit.booking.presenting import terms_in_words
from dinnerkit.booking.refunds import deposit_outcome
from dinnerkit.booking.rules import CANCELLABLE, DISCOUNTABLE, EXPECTED, LIVE, SETTLED, UNPAID
from dinnerkit.booking.service import BookingService
from dinnerkit.booking.store import Booking
from dinnerkit.booking.waiting import WaitingList
from dinnerkit.clock import utcnow
from dinnerkit.errors import Conflict, DinnerkitError, Invalid, PaymentRequired, Unavailable
from dinnerkit.events.rules import Format
from dinnerkit.events.service import EventService
from dinnerkit.http.conditional import private
from dinnerkit.http.paging import BadCursor, decode_cursor, encode_cursor
from dinnerkit.http.problems import status_of
from dinnerkit.http.services import service
from dinnerkit.ids import is_id, new_id
from dinnerkit.matching.app_errors import NoTableYet
from dinnerkit.matching.feedback.rules import BEST, WISHES, WORST
from dinnerkit.matching.feedback.service import FeedbackService
from dinnerkit.matching.presenting import for_guest
from dinnerkit.matching.service import SeatingService
from dinnerkit.payment.authentication import AuthenticationService
from dinnerkit.payment.checkout import CheckoutService
from dinnerkit.payment.rules import Payment
from dinnerkit.payment.service import PaymentService
from dinnerkit.texts import sentence
from dinnerkit.web.checkout import checkout, failure_in_words
from dinnerkit.web.forms import operation_id, show
from dinnerkit.web.places import see
from dinnerkit.web.sessions import say, signed_in
from dinnerkit.web.tables import BROUGHT, beside_plate

blueprint = Blueprint("bookings", __name__, url_prefix="/bookings")

_SHOWN = 20
_RATINGS = tuple(str(rating) for rating in range(WORST, BEST + 1))


@blueprint.route("")
def mine() -> Response:
    """Show my bookings, newest first."""
    user = signed_in().user_id
    cursor = request.args.get("cursor")
    try:
        before = decode_cursor(cursor, str)[0] if cursor else None
    except BadCursor:
        before = None
    found = service(BookingService).page(user, limit=_SHOWN + 1, before=before)
    following = encode_cursor(found[_SHOWN - 1].id) if len(found) > _SHOWN else None
    coming = [one for one in found[:_SHOWN] if one.status in LIVE | {"waitlisted"} and one.about["starts_at"] > utcnow()]
    others = [one for one in found[:_SHOWN] if one not in coming]
    coming.sort(key=lambda one: one.about["starts_at"])
    return show("bookings.html", coming=coming, others=others, following=following, searching=before is not None)


@blueprint.route("/<booking_id>/dinner.ics")
def calendar(booking_id: str) -> Response:
    """Give a booking of mine to a calendar."""
    mine = _mine(booking_id)
    return private(service(BookingCalendar).of_guest(mine.user, mine.id), MEDIA_TYPE)


@blueprint.route("/<booking_id>/ticket.svg")
def ticket(booking_id: str) -> Response:
    """Draw the ticket of a booking of mine."""
    mine = _mine(booking_id)
    try:
        return private(service(CheckIn).picture(mine.user, mine.id), "image/svg+xml")
    except BookingNotConfirmed:
        abort(404)


@blueprint.route("/<booking_id>")
def one(booking_id: str) -> Response:
    """Show a booking of mine."""
    return _page(_mine(booking_id))


@blueprint.route("/<booking_id>/pay", methods=["POST"])
def pay(booking_id: str) -> Response:
    """Pay for it; a card that wants it leads to its bank's page."""
    booking = _mine(booking_id)
    method = request.form.get("payment_method", "")
    try:
        result = service(PayingService).pay(booking.user, booking.id, method, payment_id=operation_id(f"pay/{booking.id}"))
    except (Conflict, Invalid, PaymentRequired, Unavailable) as error:
        return _page(_mine(booking_id), error)
    if result.booking.status in SETTLED:
        say("confirmed")
    return see("bookings.authenticate" if result.client_secret else "bookings.one", booking_id=booking.id)


@blueprint.route("/<booking_id>/accept", methods=["POST"])
def accept(booking_id: str) -> Response:
    """Accept an offer that costs nothing."""
    booking = _mine(booking_id)
    try:
        service(BookingService).accept(booking.user, booking.id)
    except Conflict as error:
        return _page(_mine(booking_id), error)
    say("confirmed")
    return see("bookings.one", booking_id=booking.id)


@blueprint.route("/<booking_id>/authenticate")
def authenticate(booking_id: str) -> Response:
    """Have the guest's bank ask whether they approve the payment; where there is no bank, ask in its place."""
    booking = _mine(booking_id)
    payment = _waiting_for_bank(booking)
    if payment is None:
        return see("bookings.one", booking_id=booking.id)
    if service(CheckoutService).authenticates_here:
        return show("authenticate.html", booking=booking)
    script = checkout(booking)["script"]
    if script is None:  # the guest is asked where they pay
        return see("bookings.one", booking_id=booking.id)
    return show("bank.html", booking=booking, script=script | {"secret": payment.client_secret})


@blueprint.route("/<booking_id>/authenticate", methods=["POST"])
def answered_bank(booking_id: str) -> Response:
    """See what became of the payment, now that the guest has answered their bank."""
    booking = _mine(booking_id)
    payment = _waiting_for_bank(booking)
    if payment is not None and payment.client_secret is not None:
        try:
            if service(CheckoutService).authenticates_here:
                service(AuthenticationService).answer(payment.client_secret, approve=request.form.get("answer") == "approve")
            booking = service(PayingService).finish(booking.user, booking.id, payment.id)
        except (Conflict, PaymentRequired, Unavailable) as error:
            return _page(_mine(booking_id), error)
        ended = service(PaymentService).get(payment.id)
        if ended is not None and ended.status == "declined":
            say("refused")
    if booking.status in SETTLED:
        say("confirmed")
    return see("bookings.one", booking_id=booking.id)


@blueprint.route("/<booking_id>/cancel")
def ask_to_cancel(booking_id: str) -> Response:
    """Show what cancelling would give back, before it is done."""
    booking = _mine(booking_id)
    if booking.status not in CANCELLABLE or booking.about["starts_at"] <= utcnow():
        return see("bookings.one", booking_id=booking.id)
    refund = service(BookingService).refund_now(booking)
    return show(
        "cancel.html",
        booking=booking,
        refund=refund,
        may_leave_free=_may_leave_free(booking),
        refunds=terms_in_words(booking),
    )


@blueprint.route("/<booking_id>/cancel", methods=["POST"])
def cancel(booking_id: str) -> Response:
    """Give the seats back."""
    booking = _mine(booking_id)
    try:
        service(BookingService).cancel(booking.user, booking.id)
    except Conflict as error:
        return _page(_mine(booking_id), error)
    say("not_waiting" if booking.status == "waitlisted" else "cancelled")
    return see("bookings.one", booking_id=booking.id)


@blueprint.route("/<booking_id>/feedback")
def feedback(booking_id: str) -> Response:
    """Ask how it was, and with whom of the table one would sit again."""
    return _feedback_page(_mine(booking_id))


@blueprint.route("/<booking_id>/feedback", methods=["POST"])
def give_feedback(booking_id: str) -> Response:
    """Keep what was said, or forget it."""
    booking = _mine(booking_id)
    said = service(FeedbackService)
    if "take_back" in request.form:
        said.take_back(booking)
        say("taken_back")
        return see("bookings.one", booking_id=booking.id)
    rating = request.form.get("rating", "")
    wishes = {mate.id: request.form.get(f"mate-{mate.id}", "") for mate in said.of(booking).mates}
    try:
        said.give(booking, int(rating) if rating in _RATINGS else None, {mate: wish for mate, wish in wishes.items() if wish in WISHES})
    except Conflict as error:
        return _feedback_page(booking, error)
    say("thanks")
    return see("bookings.one", booking_id=booking.id)


def _feedback_page(booking: Booking, error: DinnerkitError | None = None) -> Response:
    said = service(FeedbackService)
    try:
        found = said.of(booking)
    except Conflict as problem:
        return _page(booking, problem)
    return show(
        "feedback.html",
        status=status_of(error) if error else 200,
        booking=booking,
        feedback=found,
        ratings=_RATINGS,
        open=said.open_to(booking),
        problem=sentence(error.message) if error else "",
    )


def _mine(booking_id: str) -> Booking:
    user = signed_in().user_id
    if not is_id(booking_id):
        abort(404)
    return service(BookingService).get(user, booking_id)


def _waiting_for_bank(booking: Booking) -> Payment | None:
    """The payment for it that waits for the guest to approve it, or None."""
    payment = service(PaymentService).live(booking.id) if booking.status in UNPAID else None
    return payment if payment is not None and payment.client_secret is not None else None


def _page(booking: Booking, error: DinnerkitError | None = None) -> Response:
    begun = booking.about["starts_at"] <= utcnow()
    unpaid = booking.status in UNPAID and not begun
    expected = booking.status in EXPECTED and not begun
    form = checkout(booking) if unpaid and booking.amount.amount else None
    return show(
        "booking.html",
        status=status_of(error) if error else 200,
        booking=booking,
        table=_table(booking),
        begun=begun,
        may_leave_free=_may_leave_free(booking),
        may_say=service(FeedbackService).open_to(booking),
        position=service(WaitingList).position(booking),
        settled=booking.status in SETTLED,
        expected=expected,
        will_be_seated=expected and service(EventService).event(booking.event).details.format == Format.MATCH_NIGHT,
        unpaid=unpaid,
        cancellable=booking.status in CANCELLABLE and not begun,
        discountable=booking.status in DISCOUNTABLE and not begun and may_be_cheaper(booking),
        refunds=terms_in_words(booking),
        deposit=deposit_outcome(booking),
        checkout=form,
        waits_for_bank=unpaid and _waiting_for_bank(booking) is not None,
        leads_to_bank=service(CheckoutService).authenticates_here or bool(form and form["script"]),
        operation=new_id(),
        problem=failure_in_words(error),
    )


def _may_leave_free(booking: Booking) -> bool:
    return bool(booking.payment and booking.status in EXPECTED and booking.free_until and booking.free_until >= utcnow())


def _table(booking: Booking) -> dict[str, Any] | None:
    """My table, once it is published: first names, and of the flowers only my own."""
    seatings = service(SeatingService)
    try:
        seated = seatings.table_of(booking)
    except NoTableYet:
        return None
    people = seatings.people_of(seated.places)
    me = people.get(booking.user)
    table = for_guest(seated, people, booking.id)
    brought = [place.booking == booking.id and place.companion > 0 for place in seated.places]
    for guest, mine in zip(table["guests"], brought, strict=True):
        guest["traits"] = me.traits if me and guest["me"] else {}
        guest["name"] = "You" if guest["me"] else "Your guest" if mine and guest["name"].startswith(BROUGHT) else guest["name"]
        guest["short"] = beside_plate(guest["name"])
    return table

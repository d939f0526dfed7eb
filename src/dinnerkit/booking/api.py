"""The booking routes."""

from __future__ import annotations

from typing import Any

from werkzeug.wrappers import Response

from dinnerkit.booking.calendar import MEDIA_TYPE, BookingCalendar
from dinnerkit.booking.checking_in import CheckIn
from dinnerkit.booking.companions import CompanionService
from dinnerkit.booking.discounting import DiscountService
from dinnerkit.booking.errors import NoSuchBooking
from dinnerkit.booking.paying import PayingService
from dinnerkit.booking.presenting import arrival, presented
from dinnerkit.booking.reading import BookingReader
from dinnerkit.booking.rules import SETTLED
from dinnerkit.booking.schemas import (
    ActionRequiredSchema,
    ArrivalSchema,
    ArrivalsSchema,
    AttendanceSchema,
    BookingSchema,
    DiscountSchema,
    NewBookingSchema,
    PartyMembersSchema,
    PartySchema,
    PaySchema,
    PlaceInLineSchema,
    PrivateLinkSchema,
    StatementQuery,
    TicketSchema,
    TransferSchema,
    TransferTokenSchema,
)
from dinnerkit.booking.service import BookingService
from dinnerkit.booking.statements import EARLIEST, Statements
from dinnerkit.booking.statements import MEDIA_TYPE as CSV
from dinnerkit.booking.store import Booking, Companion
from dinnerkit.booking.transferring import TransferService
from dinnerkit.booking.waiting import WaitingList
from dinnerkit.clock import utcnow
from dinnerkit.events.seat_errors import NotWaiting
from dinnerkit.events.waitlist import Waitlist
from dinnerkit.http.auth import authenticated, current_principal, requires
from dinnerkit.http.blueprint import ApiBlueprint
from dinnerkit.http.conditional import private, private_json
from dinnerkit.http.idempotency import idempotent, operation_id, operation_repeated
from dinnerkit.http.lane.routes import personal
from dinnerkit.http.schemas import PageQuery, page_schema
from dinnerkit.http.services import Site, service, site
from dinnerkit.identity import Principal, Role
from dinnerkit.ids import is_id

blueprint = ApiBlueprint("booking", __name__, description="Seats held, paid, confirmed, given back and waited for.")


def _listed(at: Site, query: dict[str, Any], who: Principal) -> bytes:
    return at.service(BookingReader).page(who.user_id, query["limit"], query["cursor"])


def _found(at: Site, booking_id: str, who: Principal) -> bytes:
    return at.service(BookingReader).one(who.user_id, _existing(booking_id))


@blueprint.route("/bookings", methods=["POST"])
@authenticated
@idempotent
@blueprint.arguments(NewBookingSchema)
@blueprint.response(201, BookingSchema)
@blueprint.alt_response(404, "NOT_FOUND")
@blueprint.alt_response(409, "CONFLICT")
def create_booking(body: dict[str, Any]) -> Response:
    """Hold seats for ten minutes; seats that cost nothing are confirmed at once.

    409: `sold_out` (with `seats_left`), `already_booked`, `booking_closed`, `hold_expired`; of a voucher `voucher_unknown`,
    `voucher_expired`, `voucher_used_up`, `voucher_not_for_this_event`, `voucher_minimum`. 429: `too_many_attempts` to find a voucher.
    """
    user = current_principal().user_id
    booking = service(BookingService).reserve(
        user, body["event_id"], body["guests"], booking_id=operation_id(), code=body["voucher"], repeated=operation_repeated()
    )
    return private_json(presented(booking), 201)


@blueprint.route("/bookings")
@personal(PageQuery, make=_listed)
@authenticated
@blueprint.arguments(PageQuery, location="query")
@blueprint.response(200, page_schema(BookingSchema))
def list_bookings(query: dict[str, Any]) -> Response:
    """List my bookings, newest first."""
    return private_json(_listed(site(), query, current_principal()))


@blueprint.route("/bookings/<booking_id>")
@personal(make=_found)
@authenticated
@blueprint.response(200, BookingSchema)
@blueprint.alt_response(404, "NOT_FOUND")
def get_booking(booking_id: str) -> Response:
    """Show a booking of mine."""
    return private_json(_found(site(), booking_id, current_principal()))


@blueprint.route("/bookings/<booking_id>/calendar.ics")
@authenticated
@blueprint.response(200, {"type": "string"}, content_type=MEDIA_TYPE)
@blueprint.alt_response(404, "NOT_FOUND")
def booking_calendar(booking_id: str) -> Response:
    """Give a booking of mine as a calendar entry: the same UID always, a SEQUENCE that rises, and a cancellation once it is over."""
    text = service(BookingCalendar).of_guest(current_principal().user_id, _existing(booking_id))
    return private(text, MEDIA_TYPE)


@blueprint.route("/bookings/<booking_id>/pay", methods=["POST"])
@authenticated
@idempotent
@blueprint.arguments(PaySchema)
@blueprint.response(200, BookingSchema)
@blueprint.alt_response(202, schema=ActionRequiredSchema, description="The guest must authenticate")
@blueprint.alt_response(402, "PAYMENT_REQUIRED")
@blueprint.alt_response(404, "NOT_FOUND")
@blueprint.alt_response(409, "CONFLICT")
def pay_booking(body: dict[str, Any], booking_id: str) -> Response:
    """Pay for a held or offered booking.

    402: `payment_declined` (with `decline_code`); the hold stays. 409: `hold_expired`, `already_confirmed`, `booking_cancelled`,
    `payment_in_progress`, `nothing_to_pay`, `amount_changed`.
    """
    user = current_principal().user_id
    result = service(PayingService).pay(user, _existing(booking_id), body["payment_method"], payment_id=operation_id())
    if result.booking.status in SETTLED:
        return private_json(presented(result.booking))
    return private_json(presented(result.booking) | {"client_secret": result.client_secret}, 202)


@blueprint.route("/bookings/<booking_id>/accept", methods=["POST"])
@authenticated
@idempotent
@blueprint.response(200, BookingSchema)
@blueprint.alt_response(404, "NOT_FOUND")
@blueprint.alt_response(409, "CONFLICT")
def accept_booking(booking_id: str) -> Response:
    """Accept an offer from the waiting list that costs nothing.

    409: `payment_needed`, `hold_expired`, `already_confirmed`, `booking_cancelled`.
    """
    return private_json(presented(service(BookingService).accept(current_principal().user_id, _existing(booking_id))))


@blueprint.route("/bookings/<booking_id>/voucher", methods=["PUT"])
@authenticated
@blueprint.arguments(DiscountSchema)
@blueprint.response(200, BookingSchema)
@blueprint.alt_response(404, "NOT_FOUND")
@blueprint.alt_response(409, "CONFLICT")
@blueprint.alt_response(429, "TOO_MANY_REQUESTS")
def use_voucher(body: dict[str, Any], booking_id: str) -> Response:
    """Use a voucher for a booking that waits for seats, was offered some, or is not paid yet. If nothing is left to pay, accept it.

    409: `already_discounted`, `payment_in_progress`, `already_confirmed`, `booking_cancelled`, `booking_transferred`, `hold_expired`; of
    the voucher `voucher_unknown`, `voucher_expired`, `voucher_used_up`, `voucher_not_for_this_event`, `voucher_minimum`. 429:
    `too_many_attempts`.
    """
    return private_json(_shown(service(DiscountService).use(current_principal().user_id, _existing(booking_id), body["voucher"])))


@blueprint.route("/bookings/<booking_id>/cancel", methods=["POST"])
@authenticated
@idempotent
@blueprint.response(200, BookingSchema)
@blueprint.alt_response(404, "NOT_FOUND")
@blueprint.alt_response(409, "CONFLICT")
def cancel_booking(booking_id: str) -> Response:
    """Give the seats back at once; `refund` says what comes back by the event's policy.

    409: `hold_expired`, `too_late_to_cancel`, `payment_disputed`.
    """
    return private_json(presented(service(BookingService).cancel(current_principal().user_id, _existing(booking_id))))


@blueprint.route("/bookings/<booking_id>/companions", methods=["PUT"])
@authenticated
@blueprint.arguments(PartyMembersSchema)
@blueprint.response(200, BookingSchema)
@blueprint.alt_response(404, "NOT_FOUND")
@blueprint.alt_response(409, "CONFLICT")
def name_companions(body: dict[str, Any], booking_id: str) -> Response:
    """Say whom I bring, until the event's cut-off. Who keeps place and name keeps what they have answered.

    409: `not_confirmed`, `too_late_to_change`.
    """
    named = [Companion(one["name"], tuple(one["diets"])) for one in body["companions"]]
    return private_json(_shown(service(CompanionService).name(current_principal().user_id, _existing(booking_id), named)))


@blueprint.route("/bookings/<booking_id>/companions/<int:number>/link", methods=["POST"])
@authenticated
@blueprint.response(201, PrivateLinkSchema)
@blueprint.alt_response(404, "NOT_FOUND")
@blueprint.alt_response(409, "CONFLICT")
@blueprint.alt_response(429, "TOO_MANY_REQUESTS")
def make_private_link(booking_id: str, number: int) -> Response:
    """Make the private link by which the companion of that number, from 1, answers the questionnaire; an earlier one is worth nothing then.

    409: `not_confirmed`, `too_late_to_change`.
    """
    link = service(CompanionService).link(current_principal().user_id, _existing(booking_id), number)
    return private_json({"token": link.token, "url": link.url, "expires_at": link.expires_at}, 201)


@blueprint.route("/bookings/<booking_id>/transfer", methods=["POST"])
@authenticated
@idempotent
@blueprint.arguments(TransferSchema)
@blueprint.response(200, BookingSchema)
@blueprint.alt_response(404, "NOT_FOUND")
@blueprint.alt_response(409, "CONFLICT")
@blueprint.alt_response(429, "TOO_MANY_REQUESTS")
def transfer_booking(body: dict[str, Any], booking_id: str) -> Response:
    """Offer my seats to whoever has an address: they get a mail with a link, and the seats once they take them. An earlier offer is over.

    The answer is the same whether or not anybody here has that address. 409: `not_confirmed`, `transfer_closed`. 429: `too_many_attempts`.
    """
    user = current_principal().user_id
    transfers = service(TransferService)
    return private_json(_shown(transfers.offer(user, _existing(booking_id), body["email"], transfer_id=operation_id())))


@blueprint.route("/bookings/<booking_id>/transfer", methods=["DELETE"])
@authenticated
@blueprint.response(200, BookingSchema)
@blueprint.alt_response(404, "NOT_FOUND")
def withdraw_transfer(booking_id: str) -> Response:
    """Take the offer of my seats back, if there is one; the link in the mail is worth nothing any more."""
    return private_json(_shown(service(TransferService).withdraw(current_principal().user_id, _existing(booking_id))))


@blueprint.route("/transfers/accept", methods=["POST"])
@authenticated
@idempotent
@blueprint.arguments(TransferTokenSchema)
@blueprint.response(200, BookingSchema)
@blueprint.alt_response(403, "FORBIDDEN")
@blueprint.alt_response(409, "CONFLICT")
def accept_transfer(body: dict[str, Any]) -> Response:
    """Take the seats that were offered to my address; the answer is my booking of them.

    401: `bad_token`. 403: `not_the_recipient`. 409: `already_booked`, `booking_closed`, `not_confirmed`, `transfer_closed`.
    """
    return private_json(_shown(service(TransferService).accept(current_principal().user_id, body["token"])))


@blueprint.route("/events/<event_id>/waitlist", methods=["POST"])
@authenticated
@idempotent
@blueprint.arguments(PartySchema, required=False)
@blueprint.response(201, PlaceInLineSchema)
@blueprint.alt_response(404, "NOT_FOUND")
@blueprint.alt_response(409, "CONFLICT")
@blueprint.alt_response(429, "TOO_MANY_REQUESTS")
def join_waitlist(body: dict[str, Any], event_id: str) -> Response:
    """Wait for seats: the party is offered all its seats or none, and has a day to take them. It has a booking that says so meanwhile.

    409: `seats_available`, `already_booked`, `already_waiting` (with `position`), `booking_closed`, `party_too_large`, `waiting_list_full`,
    `booking_cancelled` (a repetition, and the place was given up since); of a voucher, which is counted once seats are offered, as for a
    booking.
    """
    waiting, user = service(WaitingList), current_principal().user_id
    position = waiting.join(event_id, user, body["guests"], entry_id=operation_id(), code=body["voucher"])
    return private_json({"event_id": event_id, "position": position}, 201)


@blueprint.route("/events/<event_id>/waitlist")
@authenticated
@blueprint.response(200, PlaceInLineSchema)
@blueprint.alt_response(404, "NOT_FOUND")
def place_in_line(event_id: str) -> Response:
    """Say where my party stands."""
    position = service(Waitlist).position(event_id, current_principal().user_id)
    if position is None:
        raise NotWaiting("you are not on this waiting list")
    return private_json({"event_id": event_id, "position": position})


@blueprint.route("/events/<event_id>/waitlist", methods=["DELETE"])
@authenticated
@blueprint.response(204)
@blueprint.alt_response(404, "NOT_FOUND")
def leave_waitlist(event_id: str) -> None:
    """Wait no longer."""
    service(WaitingList).leave(event_id, current_principal().user_id)


@blueprint.route("/bookings/<booking_id>/ticket.svg")
@authenticated
@blueprint.response(200, {"type": "string"}, content_type="image/svg+xml")
@blueprint.alt_response(404, "NOT_FOUND")
@blueprint.alt_response(409, "CONFLICT")
def ticket(booking_id: str) -> Response:
    """Draw the ticket of a booking of mine: the QR code that is scanned at the door. 409: `not_confirmed`."""
    return private(service(CheckIn).picture(current_principal().user_id, _existing(booking_id)), "image/svg+xml")


@blueprint.route("/events/<event_id>/check-in", methods=["POST"])
@requires(Role.HOST)
@idempotent
@blueprint.arguments(TicketSchema)
@blueprint.response(200, ArrivalSchema)
@blueprint.alt_response(404, "NOT_FOUND")
@blueprint.alt_response(409, "CONFLICT")
def check_in(body: dict[str, Any], event_id: str) -> Response:
    """Let the guests of a ticket in. 404 also where the ticket is not one of ours for this event.

    409: `already_checked_in` (with `checked_in_at`), `not_confirmed`, `too_late_to_correct`.
    """
    return private_json(arrival(service(CheckIn).check_in(current_principal(), event_id, body["ticket"], body["at"])))


@blueprint.route("/events/<event_id>/check-in/<booking_id>", methods=["PUT"])
@requires(Role.HOST)
@blueprint.arguments(AttendanceSchema)
@blueprint.response(200, ArrivalSchema)
@blueprint.alt_response(404, "NOT_FOUND")
@blueprint.alt_response(409, "CONFLICT")
def note_attendance(body: dict[str, Any], event_id: str, booking_id: str) -> Response:
    """Say of a booking's guests that they came, without their ticket, or that they did not; until a week after the dinner.

    409: `not_confirmed`, `not_begun`, `too_late_to_correct`.
    """
    door = service(CheckIn)
    return private_json(arrival(door.note(current_principal(), event_id, _existing(booking_id), body["at"], came=body["came"])))


@blueprint.route("/events/<event_id>/check-in")
@requires(Role.HOST)
@blueprint.response(200, ArrivalsSchema)
@blueprint.alt_response(404, "NOT_FOUND")
def arrivals(event_id: str) -> Response:
    """List everybody who may come, for a door without a connection: check tickets by their digests, and send them with `at` later."""
    return private_json({"items": [arrival(found) for found in service(CheckIn).arrivals(current_principal(), event_id)]})


def _shown(booking: Booking) -> dict[str, Any]:
    return presented(booking, service(WaitingList).position(booking))


@blueprint.route("/host/statement")
@requires(Role.HOST)
@blueprint.arguments(StatementQuery, location="query")
@blueprint.response(200, {"type": "string"}, content_type=CSV)
def host_statement(query: dict[str, Any]) -> Response:
    """Give what I have earned as a host, been charged and been paid, as CSV: each line with what is owed to me after it."""
    since, until = query.get("since") or EARLIEST, query.get("until") or utcnow()
    return private(service(Statements).csv(current_principal().user_id, since, until).encode(), CSV)


def _existing(booking_id: str) -> str:
    """Spare the database what can't be an id."""
    if not is_id(booking_id):
        raise NoSuchBooking("there is no such booking")
    return booking_id

"""The matching routes: the questionnaire, the host's seatings, a guest's table."""

from __future__ import annotations

from typing import Any

from flask import url_for
from werkzeug.wrappers import Response

from dinnerkit.accounts.rules import Personality
from dinnerkit.accounts.service import AccountService
from dinnerkit.booking.companions import CompanionService
from dinnerkit.booking.errors import NoSuchBooking
from dinnerkit.booking.service import BookingService
from dinnerkit.booking.store import Booking
from dinnerkit.http.auth import authenticated, current_principal, requires
from dinnerkit.http.blueprint import ApiBlueprint
from dinnerkit.http.conditional import private_json
from dinnerkit.http.idempotency import idempotent, operation_id
from dinnerkit.http.paging import decode_cursor, encode_cursor
from dinnerkit.http.schemas import PageQuery, page_schema
from dinnerkit.http.services import service
from dinnerkit.identity import Role
from dinnerkit.ids import is_id
from dinnerkit.matching.feedback.schemas import FeedbackChangesSchema, FeedbackSchema
from dinnerkit.matching.feedback.service import Feedback, FeedbackService
from dinnerkit.matching.people.questionnaire import score
from dinnerkit.matching.presenting import comparison, for_guest, for_host, run
from dinnerkit.matching.schemas import (
    CompanionAnswersSchema,
    ComparisonSchema,
    MyTableSchema,
    PersonalitySchema,
    SeatingProgressSchema,
    SeatingRequestSchema,
    SeatingRunSchema,
    SeatingSchema,
    TraitsSchema,
)
from dinnerkit.matching.seatings import Staying, StoredSeating, Wishes, guest_id
from dinnerkit.matching.service import SeatingService

blueprint = ApiBlueprint("matching", __name__, description="Who sits with whom, and why.")

_LOCATION = {"Location": {"description": "Where to ask for the tables.", "schema": {"type": "string"}}}


@blueprint.route("/me/personality", methods=["PUT"])
@authenticated
@blueprint.arguments(PersonalitySchema)
@blueprint.response(200, TraitsSchema)
def set_personality(body: dict[str, Any]) -> Response:
    """Answer the questionnaire; the traits are what seating uses. Hosts see them only of guests whose profile is not private."""
    traits = score(body["answers"]).as_dict()
    service(AccountService).set_personality(current_principal().user_id, Personality(answers=body["answers"], traits=traits))
    return private_json({"traits": traits})


@blueprint.route("/companions/personality", methods=["PUT"])
@blueprint.arguments(CompanionAnswersSchema)
@blueprint.response(204)
@blueprint.alt_response(401, "UNAUTHORIZED")
def answer_as_companion(body: dict[str, Any]) -> None:
    """Answer the questionnaire as somebody whom a guest brings, by a private link; the traits are used for that dinner alone.

    401: `bad_token`.
    """
    companions = service(CompanionService)
    companions.invitation(body["token"])  # who has no good link learns nothing of their answers either
    companions.answer(body["token"], score(body["answers"]).as_dict())


@blueprint.route("/events/<event_id>/seating", methods=["POST"])
@requires(Role.HOST)
@idempotent
@blueprint.arguments(SeatingRequestSchema, required=False)
@blueprint.response(202, SeatingProgressSchema, headers=_LOCATION)
@blueprint.alt_response(404, "NOT_FOUND")
@blueprint.alt_response(409, "CONFLICT")
def request_seating(body: dict[str, Any], event_id: str) -> Response:
    """Seat the guests who are confirmed now; a worker computes it. 409: `nobody_to_seat`, `seating_not_done`.

    What stays of an earlier seating is named in `keep`: whole tables, or people by the `booking_id` and `companion` of their places. 422:
    `bad_rule`, with `guests` who have no table there.
    """
    keep = _staying(body["keep"]) if body["keep"] else None
    mend = (body["mend"]["seating_id"], body["mend"]["moves"]) if body["mend"] else None
    wishes = Wishes(body["seed"], body["best_effort"], body["floor"], keep, mend)
    seating = service(SeatingService).request(current_principal(), event_id, seating_id=operation_id(), wishes=wishes)
    response = private_json(_progress(seating), 202)
    response.headers["Location"] = url_for("dinnerkit_matching.get_seating", event_id=event_id, seating_id=seating.id)
    return response


@blueprint.route("/events/<event_id>/seating")
@requires(Role.HOST)
@blueprint.arguments(PageQuery, location="query")
@blueprint.response(200, page_schema(SeatingRunSchema))
@blueprint.alt_response(404, "NOT_FOUND")
def list_seatings(query: dict[str, Any], event_id: str) -> Response:
    """List the seatings of an event, newest first: how each went, without its tables."""
    before = decode_cursor(query["cursor"], str)[0] if query["cursor"] else None
    limit = query["limit"]
    found = service(SeatingService).runs(current_principal(), event_id, limit=limit + 1, before=before)
    further = encode_cursor(found[limit - 1].id) if len(found) > limit else None
    return private_json({"items": [run(seating) for seating in found[:limit]], "next": further})


@blueprint.route("/events/<event_id>/seating/<seating_id>")
@requires(Role.HOST)
@blueprint.response(200, SeatingSchema)
@blueprint.alt_response(202, schema=SeatingProgressSchema, description="Not done yet: ask again")
@blueprint.alt_response(404, "NOT_FOUND")
@blueprint.alt_response(409, "CONFLICT")
def get_seating(event_id: str, seating_id: str) -> Response:
    """Show a seating to the host.

    409: `seating_impossible`, which names whom the rules leave out; each of its `causes` has their `places`.
    """
    seating = service(SeatingService).get(current_principal(), event_id, seating_id)
    if service(SeatingService).tables_or_why(seating) is None:
        response = private_json(_progress(seating), 202)
        response.headers["Retry-After"] = "1"
        return response
    return private_json(for_host(seating, service(SeatingService).people_of(seating.places)))


@blueprint.route("/events/<event_id>/seating/<seating_id>/compare/<other_id>")
@requires(Role.HOST)
@blueprint.response(200, ComparisonSchema)
@blueprint.alt_response(404, "NOT_FOUND")
@blueprint.alt_response(409, "CONFLICT")
def compare_seatings(event_id: str, seating_id: str, other_id: str) -> Response:
    """Say what would change from one seating to another: who moves, comes or goes. 409: `seating_not_done`."""
    found = service(SeatingService).compare(current_principal(), event_id, seating_id, other_id)
    return private_json(comparison(found, service(SeatingService).people_of([*found.one.places, *found.other.places])))


@blueprint.route("/events/<event_id>/seating/<seating_id>/publish", methods=["POST"])
@requires(Role.HOST)
@idempotent
@blueprint.response(200, SeatingSchema)
@blueprint.alt_response(404, "NOT_FOUND")
@blueprint.alt_response(409, "CONFLICT")
def publish_seating(event_id: str, seating_id: str) -> Response:
    """Let the guests see their tables. 409: `seating_not_done`."""
    seating = service(SeatingService).publish(current_principal(), event_id, seating_id)
    return private_json(for_host(seating, service(SeatingService).people_of(seating.places)))


@blueprint.route("/bookings/<booking_id>/table")
@authenticated
@blueprint.response(200, MyTableSchema)
@blueprint.alt_response(404, "NOT_FOUND")
def my_table(booking_id: str) -> Response:
    """Show my table, once it is published, and why these people."""
    booking = _mine(booking_id)
    table = service(SeatingService).table_of(booking)
    return private_json(for_guest(table, service(SeatingService).people_of(table.places), booking.id))


@blueprint.route("/bookings/<booking_id>/feedback")
@authenticated
@blueprint.response(200, FeedbackSchema)
@blueprint.alt_response(404, "NOT_FOUND")
@blueprint.alt_response(409, "CONFLICT")
def get_feedback(booking_id: str) -> Response:
    """Show what I said of a dinner, and about whom of my table I may say something. 409: `not_there`, `feedback_not_open`."""
    return private_json(_said(service(FeedbackService).of(_mine(booking_id))))


@blueprint.route("/bookings/<booking_id>/feedback", methods=["PUT"])
@authenticated
@blueprint.arguments(FeedbackChangesSchema)
@blueprint.response(200, FeedbackSchema)
@blueprint.alt_response(404, "NOT_FOUND")
@blueprint.alt_response(409, "CONFLICT")
def give_feedback(body: dict[str, Any], booking_id: str) -> Response:
    """Say how a dinner was, in place of what I said before, for four weeks.

    With whom I would sit `again`, and with whom `never`, nobody is told; seating keeps to it. 409: `not_there`, `feedback_not_open`,
    `feedback_closed`.
    """
    wishes = {wish["mate"]: wish["wish"] for wish in body["wishes"]}
    return private_json(_said(service(FeedbackService).give(_mine(booking_id), body["rating"], wishes)))


@blueprint.route("/bookings/<booking_id>/feedback", methods=["DELETE"])
@authenticated
@blueprint.response(204)
@blueprint.alt_response(404, "NOT_FOUND")
def take_back_feedback(booking_id: str) -> None:
    """Take back all that I said of a dinner; never too late."""
    service(FeedbackService).take_back(_mine(booking_id))


def _staying(kept: dict[str, Any]) -> Staying:
    guests = frozenset(guest_id(guest["booking_id"], guest["companion"]) for guest in kept["guests"])
    return Staying(kept["seating_id"], frozenset(kept["tables"]), guests)


def _mine(booking_id: str) -> Booking:
    if not is_id(booking_id):
        raise NoSuchBooking("there is no such booking")
    return service(BookingService).get(current_principal().user_id, booking_id)


def _said(found: Feedback) -> dict[str, Any]:
    mates = [{"mate": mate.id, "name": mate.name, "wish": mate.wish} for mate in found.mates]
    return {"rating": found.rating, "mates": mates, "closes_at": found.closes_at}


def _progress(seating: StoredSeating) -> dict[str, Any]:
    return {"id": seating.id, "status": "queued", "progress": seating.progress, "best": seating.best}

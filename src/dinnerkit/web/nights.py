"""The night page: who sits with whom at a match night, and why."""

from __future__ import annotations

from typing import get_args

from flask import Blueprint, Response, abort, request

from dinnerkit.booking.service import BookingService
from dinnerkit.clock import utcnow
from dinnerkit.events.rules import Status, manages
from dinnerkit.events.service import EventService
from dinnerkit.http.services import service
from dinnerkit.identity import Principal
from dinnerkit.ids import is_id, new_id
from dinnerkit.matching.seatings import StoredSeating
from dinnerkit.matching.service import SeatingService
from dinnerkit.web.events import existing
from dinnerkit.web.forms import show as show_page
from dinnerkit.web.options import options
from dinnerkit.web.places import see
from dinnerkit.web.sessions import signed_in, visitor
from dinnerkit.web.tables import Order, night_view

blueprint = Blueprint("nights", __name__, url_prefix="/nights")


@blueprint.route("/<event_id>")
def show(event_id: str) -> Response:
    """Show the tables of a night: to its host and admins, and in the demo to everyone; a guest is led to their own table."""
    me = visitor().principal
    event = service(EventService).get(existing(event_id), me)
    managing = manages(me, event["host_id"])
    seating = _chosen(event_id) if managing else _with_tables(service(SeatingService).published(event_id))
    if not managing and not options().demo:
        return _own_table(me, event_id)
    if seating is None:
        return show_page("night.html", event=event, night=None, managing=True) if managing else abort(404)
    people = service(SeatingService).people_of(seating.places)
    wanted = request.args.get("order")
    order: Order = next((known for known in get_args(Order) if known == wanted), "number")
    return show_page(
        "night.html",
        event=event,
        seating=seating,
        night=night_view(seating, people, everything=options().demo, order=order),
        order=order,
        managing=managing,
        reseating=managing and event["status"] == Status.PUBLISHED and event["starts_at"] > utcnow(),
        operation=new_id(),
    )


def _chosen(event_id: str) -> StoredSeating | None:
    """The seating to show to those who manage the event: the one they ask for, else the last one that was made, else the one in force."""
    seatings = service(SeatingService)
    if is_id(request.args.get("seating", "")):
        return _with_tables(seatings.get(signed_in(), event_id, request.args["seating"]))
    return _with_tables(seatings.latest(event_id)) or _with_tables(seatings.published(event_id))


def _with_tables(seating: StoredSeating | None) -> StoredSeating | None:
    return seating if seating and seating.tables else None


def _own_table(me: Principal | None, event_id: str) -> Response:
    booking = service(BookingService).live(me.user_id, event_id) if me else None
    if booking is None:
        abort(404)
    return see("bookings.one", booking_id=booking.id)

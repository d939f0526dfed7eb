"""The door, as a host keeps it with a phone: a list to tap, tickets to scan, and no connection needed once it is open."""

from __future__ import annotations

from datetime import datetime, timedelta

from flask import Blueprint, Response, request

from dinnerkit.booking.checking_in import Arrival, CheckIn
from dinnerkit.booking.errors import AlreadyCheckedIn, NoSuchBooking, NoSuchTicket
from dinnerkit.booking.presenting import arrival
from dinnerkit.booking.tickets import LONGEST_TICKET
from dinnerkit.clock import utcnow
from dinnerkit.errors import Conflict, DinnerkitError, Forbidden
from dinnerkit.events.service import EventService
from dinnerkit.http.conditional import private_json
from dinnerkit.http.problems import status_of
from dinnerkit.http.services import service
from dinnerkit.identity import Role
from dinnerkit.ids import is_id
from dinnerkit.texts import sentence
from dinnerkit.web.assets import serve_asset
from dinnerkit.web.events import existing
from dinnerkit.web.forms import show
from dinnerkit.web.places import page_url, see
from dinnerkit.web.sessions import say, signed_in

blueprint = Blueprint("door", __name__, url_prefix="/hosting")

_LONGEST_MOMENT = 40
_KEPT = timedelta(days=1)
"""How long after the beginning a phone may keep the list."""


@blueprint.before_request
def hosts_only() -> None:
    """Let nobody else in."""
    if not signed_in().may(Role.HOST):
        raise Forbidden("Only hosts keep a door.")


@blueprint.route("/<event_id>/door")
def keep(event_id: str) -> Response:
    """Show everybody who may come."""
    return _page(existing(event_id))


@blueprint.route("/<event_id>/door", methods=["POST"])
def note(event_id: str) -> Response:
    """Note that guests came, by their ticket or their name, or that they did not; a script asks for JSON."""
    scripted = request.accept_mimetypes.best_match(["text/html", "application/json"]) == "application/json"
    try:
        found = _noted(existing(event_id))
    except (Conflict, NoSuchTicket, NoSuchBooking) as error:
        if scripted:
            return private_json({"code": error.code, "message": sentence(error.message)}, status_of(error))
        return _page(event_id, error)
    if scripted:
        return private_json(arrival(found))
    say("arrived" if found.booking.status == "checked_in" else "missed")
    return see("door.keep", event_id=event_id)


@blueprint.route("/<event_id>/door/worker.js")
def worker(event_id: str) -> Response:
    """Give the script by which the browser shows the page of this one door without a connection."""
    response = serve_asset("", "door_worker.js")
    response.headers["Service-Worker-Allowed"] = page_url("door.keep", event_id=existing(event_id))
    return response


def _noted(event_id: str) -> Arrival:
    door, at = service(CheckIn), _at()
    ticket, booking = request.form.get("ticket", "")[:LONGEST_TICKET], request.form.get("booking", "")
    if not ticket:
        if not is_id(booking):
            raise NoSuchBooking("there is no such booking of this event")
        return door.note(signed_in(), event_id, booking, at, came=request.form.get("came") != "no")
    try:
        return door.check_in(signed_in(), event_id, ticket, at)
    except AlreadyCheckedIn:
        if not at:
            raise
        # A phone that was offline tells what it knows, perhaps twice: these guests are in, and that is what it wants.
        return door.shown(signed_in(), event_id, ticket)


def _at() -> datetime | None:
    """When a phone without a connection noted it; None where that was not said, or is no moment."""
    try:
        moment = datetime.fromisoformat(request.form.get("at", "")[:_LONGEST_MOMENT])
    except ValueError:
        return None
    return moment if moment.tzinfo else None


def _page(event_id: str, error: DinnerkitError | None = None) -> Response:
    arrivals = service(CheckIn).arrivals(signed_in(), event_id)
    event, now = service(EventService).event(event_id), utcnow()
    response = show(
        "door.html",
        status=status_of(error) if error else 200,
        event=event,
        begun=event.begun(now),
        made=now,
        until=event.details.starts_at + _KEPT,
        arrivals=sorted(arrivals, key=lambda one: ((one.name or "").casefold(), one.booking.id)),
        arrived=sum(one.booking.guests for one in arrivals if one.booking.status == "checked_in"),
        expected=sum(one.booking.guests for one in arrivals),
        problem=sentence(error.message) if error else "",
    )
    response.headers["Permissions-Policy"] = "camera=(self), geolocation=(), microphone=()"
    return response

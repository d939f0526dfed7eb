"""What hosts do: plan dinners, publish them, see who comes, and have the guests seated."""

from __future__ import annotations

from collections import Counter
from collections.abc import Set
from dataclasses import replace

from flask import Blueprint, Response, request

from dinnerkit.accounts.people import People
from dinnerkit.booking.checking_in import CheckIn
from dinnerkit.booking.errors import NoSuchTicket
from dinnerkit.booking.rules import LIVE, SETTLED
from dinnerkit.booking.statements import EARLIEST, Statements
from dinnerkit.booking.statements import MEDIA_TYPE as CSV
from dinnerkit.booking.store import BookingStore
from dinnerkit.booking.tickets import LONGEST_TICKET
from dinnerkit.clock import utcnow
from dinnerkit.errors import Conflict, DinnerkitError, Forbidden, Invalid
from dinnerkit.events.feed import HostFeed
from dinnerkit.events.rules import MOST_SEATS, Event, Format, Status, timezones
from dinnerkit.events.service import EventService
from dinnerkit.events.waitlist import Waitlist
from dinnerkit.http.conditional import private
from dinnerkit.http.paging import BadCursor
from dinnerkit.http.problems import status_of
from dinnerkit.http.services import service
from dinnerkit.identity import Principal, Role
from dinnerkit.ids import is_id, new_id
from dinnerkit.matching.comparing import Comparison
from dinnerkit.matching.feedback.service import FeedbackService
from dinnerkit.matching.rules.scale import FULL
from dinnerkit.matching.seatings import Staying, StoredSeating, Wishes
from dinnerkit.matching.service import SeatingService
from dinnerkit.texts import sentence
from dinnerkit.web.event_form import EMPTY, NAMES, as_typed, changes, details_of
from dinnerkit.web.events import existing
from dinnerkit.web.forms import Form, operation_id, show, status_for, typed
from dinnerkit.web.places import page_url, see
from dinnerkit.web.sessions import say, signed_in

blueprint = Blueprint("hosting", __name__, url_prefix="/hosting")

_SHOWN = 20
_RUNS_SHOWN = 6


@blueprint.before_request
def hosts_only() -> None:
    """Let nobody else in."""
    if not signed_in().may(Role.HOST):
        raise Forbidden("Only hosts plan dinners.")


@blueprint.route("")
def mine() -> Response:
    """Show the host's own events."""
    events = service(EventService)
    try:
        page = events.hosted(signed_in(), _SHOWN, request.args.get("cursor"))
    except BadCursor:
        page = events.hosted(signed_in(), _SHOWN)
    return show("hosting.html", events=page["items"], following=page["next"], now=utcnow(), feed=_feed())


@blueprint.route("/feed", methods=["POST"])
def change_feed() -> Response:
    """Make the calendar of the host's dinners, or its address worthless."""
    feed = service(HostFeed)
    if "close" in request.form:
        feed.close(signed_in())
    else:
        feed.open(signed_in())
    return see("hosting.mine")


def _feed() -> str | None:
    token = service(HostFeed).token(signed_in())
    return page_url("feeds.read", token=token, _external=True) if token else None


@blueprint.route("/statement.csv")
def statement() -> Response:
    """Give what the host has earned, been charged and been paid to a spreadsheet."""
    answer = private(service(Statements).csv(signed_in().user_id, EARLIEST, utcnow()).encode(), CSV)
    answer.headers["Content-Disposition"] = "attachment; filename=statement.csv"
    return answer


@blueprint.route("/new")
def plan() -> Response:
    """Show the form of a new event."""
    return _form_page(Form(values=EMPTY), None)


@blueprint.route("/new", methods=["POST"])
def draft() -> Response:
    """Make a draft."""
    form = typed()
    details = details_of(form)
    if details is None:
        return _form_page(form, None)
    made = service(EventService).create(signed_in(), details)
    say("drafted")
    return see("hosting.event", event_id=made["id"])


@blueprint.route("/<event_id>")
def event(event_id: str) -> Response:
    """Show how an event stands: its guests, its seating, and what can be done."""
    return _page(_managed(event_id))


@blueprint.route("/<event_id>/edit")
def edit(event_id: str) -> Response:
    """Show the form of an event."""
    managed = _managed(event_id)
    return _form_page(Form(values=as_typed(managed)), managed)


@blueprint.route("/<event_id>/edit", methods=["POST"])
def change(event_id: str) -> Response:
    """Change an event."""
    managed = _managed(event_id)
    form = typed()
    details = details_of(form)
    if details is None:
        return _form_page(form, managed)
    seen = request.form.get("version", "")
    try:
        version = int(seen[:9]) if seen.isascii() and seen.isdigit() else managed.version
        service(EventService).update(signed_in(), event_id, changes(details), version)
    except (Conflict, Invalid) as error:
        problems = error.details.get("problems")
        form.take(Invalid(error.message, fields=problems) if problems else error, NAMES)
        return _form_page(form, managed, error)
    say("saved")
    return see("hosting.event", event_id=event_id)


@blueprint.route("/<event_id>/publish", methods=["POST"])
def publish(event_id: str) -> Response:
    """Show a draft to everyone."""
    managed = _managed(event_id)
    try:
        service(EventService).publish(signed_in(), event_id)
    except Conflict as error:
        return _page(managed, error)
    say("published")
    return see("hosting.event", event_id=event_id)


@blueprint.route("/<event_id>/call-off")
def ask_to_call_off(event_id: str) -> Response:
    """Show what calling an event off does, before it is done."""
    managed = _managed(event_id)
    return show("call_off.html", event=managed, bookings=len(service(BookingStore).of_event(event_id, LIVE)))


@blueprint.route("/<event_id>/call-off", methods=["POST"])
def call_off(event_id: str) -> Response:
    """Call an event off."""
    managed = _managed(event_id)
    try:
        service(EventService).cancel(signed_in(), event_id)
    except Conflict as error:
        return _page(managed, error)
    say("called_off")
    return see("hosting.event", event_id=event_id)


@blueprint.route("/<event_id>/check-in", methods=["POST"])
def check_in(event_id: str) -> Response:
    """Let the guests of a ticket in."""
    managed = _managed(event_id)
    try:
        service(CheckIn).check_in(signed_in(), event_id, request.form.get("ticket", "")[:LONGEST_TICKET])
    except (Conflict, NoSuchTicket) as error:
        return _page(managed, error)
    say("arrived")
    return see("hosting.event", event_id=event_id, _anchor="guests")


@blueprint.route("/<event_id>/seat", methods=["POST"])
def seat(event_id: str) -> Response:
    """Have the guests seated, in the background."""
    managed = _managed(event_id)
    try:
        service(SeatingService).request(signed_in(), event_id, seating_id=operation_id(f"seat/{event_id}"), wishes=_wishes())
    except (Conflict, Invalid) as error:
        return _page(managed, error)
    say("seating")
    return see("hosting.event", event_id=event_id, _anchor="seating")


@blueprint.route("/<event_id>/publish-tables", methods=["POST"])
def publish_tables(event_id: str) -> Response:
    """Let the guests see their tables."""
    managed = _managed(event_id)
    seating_id = request.form.get("seating", "")
    try:
        service(SeatingService).publish(signed_in(), event_id, seating_id if is_id(seating_id) else "-")
    except Conflict as error:
        return _page(managed, error)
    say("tables_published")
    return see("hosting.event", event_id=event_id, _anchor="seating")


def _wishes() -> Wishes:
    earlier = request.form.get("seating", "")
    mended, moves = "mend" in request.form, _whole(request.form.get("moves", "")) or 0
    return Wishes(
        seed=_whole(request.form.get("seed", "")) or 0,
        best_effort="best_effort" in request.form,
        least=None if (least := _whole(request.form.get("least", ""))) is None else min(least, FULL),
        keep=_staying(earlier) if is_id(earlier) else None,
        mend=(earlier, min(moves, MOST_SEATS)) if is_id(earlier) and mended else None,
    )


def _staying(earlier: str) -> Staying | None:
    tables = frozenset(number for typed in request.form.getlist("keep") if (number := _whole(typed)))
    guests = frozenset(request.form.getlist("keep_guest"))
    return Staying(earlier, tables, guests) if tables or guests else None


def _whole(text: str) -> int | None:
    """The number that was typed, None where it is not one."""
    return int(text[:9]) if text.isascii() and text.isdigit() else None


def _managed(event_id: str) -> Event:
    principal: Principal = signed_in()
    return service(EventService).managed(principal, existing(event_id))


def _page(managed: Event, error: DinnerkitError | None = None) -> Response:
    bookings = service(BookingStore).of_event(managed.id, LIVE)
    people = service(People).find({booking.user for booking in bookings})
    by_name = sorted(bookings, key=lambda booking: (people[booking.user].name.casefold() if booking.user in people else "", booking.id))
    coming = [booking for booking in bookings if booking.status in SETTLED]
    guests = {(booking.id, companion) for booking in coming for companion in range(booking.guests)}
    seating = service(SeatingService).latest(managed.id)
    in_force = service(SeatingService).published(managed.id) if seating else None
    diets = Counter(diet for booking in coming if booking.user in people for diet in people[booking.user].diets)
    diets.update(diet for booking in coming for companion in booking.companions for diet in companion.diets)
    return show(
        "hosted_event.html",
        status=status_of(error) if error else 200,
        event=managed,
        begun=managed.begun(utcnow()),
        match_night=managed.details.format is Format.MATCH_NIGHT,
        draft=managed.status is Status.DRAFT,
        published=managed.status is Status.PUBLISHED,
        bookings=by_name,
        people=people,
        confirmed=sum(booking.guests for booking in coming),
        arrived=sum(booking.guests for booking in coming if booking.status == "checked_in"),
        held=sum(booking.guests for booking in bookings if booking.status not in SETTLED),
        rating=service(FeedbackService).rating(managed.id),
        diets=sorted(diets.items()),
        waiting=len(service(Waitlist).waiting(managed.id)),
        seating=seating,
        refusal=service(SeatingService).refusal(seating)["message"] if seating and seating.status == "impossible" else "",
        since=_since(seating, guests) if seating and seating.tables else None,
        runs=_earlier_runs(managed.id, in_force, guests),
        change=_change(seating, in_force, guests) if seating and seating.tables else None,
        operation=new_id(),
        problem=sentence(error.message) if error else "",
        unready=error.details.get("problems", {}) if error else {},
    )


def _since(seating: StoredSeating, now: Set[tuple[str, int]]) -> tuple[int, int]:
    """How many guests have come, and how many have gone, since the tables were made; ``now`` are their bookings and places in these."""
    had = {(place.booking, place.companion) for table in seating.tables for place in table.places}
    left_out = {(place.booking, place.companion) for place, _ in seating.unseated}
    return len(now - had - left_out), len(had - now)


def _earlier_runs(
    event_id: str, in_force: StoredSeating | None, now: Set[tuple[str, int]]
) -> list[tuple[StoredSeating, Comparison | None]]:
    """The seatings with tables that were made before the last one; each with what changes if it takes the place of the one in force."""
    earlier = service(SeatingService).runs(signed_in(), event_id, limit=_RUNS_SHOWN)[1:]
    return [(run, _change(run, in_force, now)) for run in earlier if run.score is not None]


def _change(run: StoredSeating, in_force: StoredSeating | None, now: Set[tuple[str, int]]) -> Comparison | None:
    """What changes for those who come if a seating with tables takes the place of the one in force, if there is another."""
    if not in_force or in_force.id == run.id:
        return None
    change = service(SeatingService).compare(signed_in(), run.event, in_force.id, run.id)
    moved, joined, left = (
        tuple(place for place in places if (place.booking, place.companion) in now) for places in (change.moved, change.joined, change.left)
    )
    return replace(change, moved=moved, joined=joined, left=left)


def _form_page(form: Form, managed: Event | None, error: DinnerkitError | None = None) -> Response:
    return show(
        "event_form.html",
        form=form,
        event=managed,
        zones=[(zone, zone.replace("_", " ")) for zone in timezones()],
        status=status_for(form, error),
    )

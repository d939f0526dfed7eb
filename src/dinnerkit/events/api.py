"""The event routes."""

from __future__ import annotations

from typing import Any

from flask import Response, url_for
from orjson import Fragment

from dinnerkit.events.encoded import EncodedEvent
from dinnerkit.events.feed import MEDIA_TYPE, HostFeed
from dinnerkit.events.pages import Page
from dinnerkit.events.rows import EventSummary
from dinnerkit.events.rules import EventDetails
from dinnerkit.events.schemas import EventChangesSchema, EventQuerySchema, EventSchema, EventSummarySchema, FeedSchema, NewEventSchema
from dinnerkit.events.seat_errors import NoSuchEvent
from dinnerkit.events.service import EventService
from dinnerkit.events.surrogates import event_key, keys_of_list
from dinnerkit.http.auth import BEARER, authenticated, current_principal, maybe_principal, requires
from dinnerkit.http.blueprint import ApiBlueprint
from dinnerkit.http.conditional import ETAG_HEADERS, PUBLIC_HEADERS, kept_by_reader, private_json, public
from dinnerkit.http.idempotency import idempotent, operation_id
from dinnerkit.http.lane.routes import kept
from dinnerkit.http.photo_addresses import Folder, all_with_addresses, with_addresses
from dinnerkit.http.public_answers import PublicAnswer
from dinnerkit.http.schemas import PageQuery, page_schema
from dinnerkit.http.services import Site, service, site
from dinnerkit.identity import Role
from dinnerkit.ids import is_id

blueprint = ApiBlueprint("events", __name__, description="Dinners: planned and published by hosts, found by guests.")

_EVENT_SECONDS = 3600.0
"""So long an answer is kept at most where nobody tells of a change."""


def _listed(at: Site, wanted: dict[str, Any]) -> PublicAnswer:
    events = at.service(EventService)
    page = events.upcoming_encoded(**wanted)
    about = keys_of_list(event.row for event in page["items"])
    shown = {"items": _written(page["items"], at.photo_folder), "next": page["next"]}
    return PublicAnswer.of(shown, about, events.true_until(page, wanted["query"].order))


def _shown(at: Site, event_id: str) -> PublicAnswer:
    shown = at.service(EventService).shown(_existing(event_id))
    return PublicAnswer.of(with_addresses(shown, at.photo_folder), (event_key(event_id),))


@blueprint.route("/events")
@kept(_EVENT_SECONDS, EventQuerySchema, make=_listed)
@blueprint.arguments(EventQuerySchema, location="query")
@blueprint.response(200, page_schema(EventSummarySchema), headers=PUBLIC_HEADERS)
@blueprint.alt_response(304, description="The caller has this answer already")
def list_events(wanted: dict[str, Any]) -> Response:
    """List the published events that have not begun, without their descriptions."""
    return public(_listed(site(), wanted))


@blueprint.route("/events", methods=["POST"])
@requires(Role.HOST)
@idempotent
@blueprint.arguments(NewEventSchema)
@blueprint.response(201, EventSchema)
def create_event(details: EventDetails) -> Response:
    """Make a draft; nobody but its host and admins sees it until it is published."""
    return private_json(with_addresses(service(EventService).create(current_principal(), details, operation_id())), 201)


@blueprint.route("/events/<event_id>")
@kept(_EVENT_SECONDS, only=event_key("{}"), make=_shown)
@blueprint.doc(security=[{}, {BEARER: []}])
@blueprint.response(200, EventSchema, headers=PUBLIC_HEADERS)
@blueprint.alt_response(304, description="The caller has this answer already")
@blueprint.alt_response(401, "UNAUTHORIZED")
@blueprint.alt_response(404, "NOT_FOUND")
def get_event(event_id: str) -> Response:
    """Show an event; before it is published its host and admins alone see it."""
    try:
        return public(_shown(site(), event_id))
    except NoSuchEvent:
        principal = maybe_principal()  # only now, as it is not for nothing, and most of what is asked for is public
        if principal is None:
            raise
        return private_json(with_addresses(service(EventService).get(_existing(event_id), principal)))


@blueprint.route("/events/<event_id>", methods=["PATCH"])
@authenticated
@idempotent
@blueprint.arguments(EventChangesSchema)
@blueprint.response(200, EventSchema)
@blueprint.alt_response(403, "FORBIDDEN")
@blueprint.alt_response(404, "NOT_FOUND")
@blueprint.alt_response(409, "CONFLICT")
def change_event(new: dict[str, Any], event_id: str) -> Response:
    """Change an event of mine. Seats are added or taken away without touching those that are sold.

    403: `not_the_host`. 409: `event_changed` (with `version`), `event_cancelled`, `event_begun`, `event_not_ready` (with `problems` by
    field), `event_has_bookings` (with the `terms` that can't change while guests hold seats), `capacity_below_sold` (with `sold`).
    """
    version = new.pop("version", None)
    return private_json(with_addresses(service(EventService).update(current_principal(), _existing(event_id), new, version)))


@blueprint.route("/events/<event_id>/publish", methods=["POST"])
@authenticated
@idempotent
@blueprint.response(200, EventSchema)
@blueprint.alt_response(403, "FORBIDDEN")
@blueprint.alt_response(404, "NOT_FOUND")
@blueprint.alt_response(409, "CONFLICT")
def publish_event(event_id: str) -> Response:
    """Show a draft of mine to everyone and open it for booking.

    403: `not_the_host`. 409: `event_not_draft`, `event_not_ready` (with `problems` by field).
    """
    return private_json(with_addresses(service(EventService).publish(current_principal(), _existing(event_id))))


@blueprint.route("/events/<event_id>/cancel", methods=["POST"])
@authenticated
@idempotent
@blueprint.response(200, EventSchema)
@blueprint.alt_response(403, "FORBIDDEN")
@blueprint.alt_response(404, "NOT_FOUND")
@blueprint.alt_response(409, "CONFLICT")
def cancel_event(event_id: str) -> Response:
    """Call an event of mine off, for good.

    403: `not_the_host`. 409: `event_cancelled`, `event_begun`.
    """
    return private_json(with_addresses(service(EventService).cancel(current_principal(), _existing(event_id))))


@blueprint.route("/hosting/events")
@authenticated
@blueprint.arguments(PageQuery, location="query")
@blueprint.response(200, page_schema(EventSummarySchema))
def list_hosted_events(query: dict[str, Any]) -> Response:
    """List my own events in every state, the newest first."""
    return private_json(_page(service(EventService).hosted(current_principal(), query["limit"], query["cursor"])))


@blueprint.route("/hosting/feed")
@requires(Role.HOST)
@blueprint.response(200, FeedSchema)
def host_feed() -> Response:
    """Say where the calendar of my dinners lies, if there is one."""
    return _address(service(HostFeed).token(current_principal()))


@blueprint.route("/hosting/feed", methods=["POST"])
@requires(Role.HOST)
@blueprint.response(200, FeedSchema)
def open_host_feed() -> Response:
    """Make a calendar of my dinners, for programs that subscribe to it. Its address is secret: whoever has it can read it."""
    return _address(service(HostFeed).open(current_principal()))


@blueprint.route("/hosting/feed", methods=["DELETE"])
@requires(Role.HOST)
@blueprint.response(204)
def close_host_feed() -> None:
    """Make the address of the calendar worthless; the next one is another."""
    service(HostFeed).close(current_principal())


@blueprint.route("/feeds/<token>.ics")
@blueprint.response(200, {"type": "string"}, content_type=MEDIA_TYPE, headers=ETAG_HEADERS)
@blueprint.alt_response(304, description="The caller has this answer already")
@blueprint.alt_response(404, "NOT_FOUND")
def read_feed(token: str) -> Response:
    """Read the calendar of a host's dinners: how many seats are taken, and nobody's name."""
    return kept_by_reader(service(HostFeed).calendar(token), MEDIA_TYPE)


def _written(events: list[EncodedEvent], folder: Folder) -> list[Any]:
    """As they are encoded; but the addresses of photos are of the request."""
    pictured = {row["id"]: row for row in all_with_addresses(({**event.row} for event in events if event.row["photo"]), folder)}
    return [pictured.get(event.row["id"]) or Fragment(event.json) for event in events]


def _page(found: Page[EventSummary]) -> Page[EventSummary]:
    return {**found, "items": all_with_addresses(found["items"])}


def _address(token: str | None) -> Response:
    return private_json({"url": url_for(".read_feed", token=token, _external=True) if token else None})


def _existing(event_id: str) -> str:
    """Spare the database what can't be an id."""
    if not is_id(event_id):
        raise NoSuchEvent("There is no such event.")
    return event_id

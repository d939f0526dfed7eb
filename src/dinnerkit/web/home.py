"""The front page: the dinners to come, and how to find the right one."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, request

from dinnerkit.analytics.service import AnalyticsService
from dinnerkit.events.listing import EventQuery
from dinnerkit.events.service import EventService
from dinnerkit.http.metrics import Metrics
from dinnerkit.http.paging import BadCursor
from dinnerkit.http.services import service
from dinnerkit.matching.service import SeatingService
from dinnerkit.ports.search import LONGEST_TEXT
from dinnerkit.search.api import suggested
from dinnerkit.search.rules import SearchQuery
from dinnerkit.search.service import SearchPage, SearchService
from dinnerkit.web import finding
from dinnerkit.web.forms import show_public
from dinnerkit.web.options import options

blueprint = Blueprint("home", __name__)

_CARDS = 18
_NIGHTS = 12
_SUGGESTIONS = 8


@blueprint.route("/")
def show() -> Response:
    """Show the dinners to come, or those that the visitor looks for."""
    wanted = finding.wanted(request.args)
    if any(wanted.values()):
        return _show_found(wanted)
    events = service(EventService)
    try:
        page = events.upcoming(EventQuery(), _CARDS, request.args.get("cursor"))
    except BadCursor:
        page = events.upcoming(EventQuery(), _CARDS)
    return _show(wanted, page["items"], page["next"])


@blueprint.route("/suggest")
def suggest() -> Response:
    """Complete what is being typed, for the page's script."""
    typed = request.args.get("q", "").strip()[:LONGEST_TEXT]
    return suggested(service(SearchService).suggest(typed, _SUGGESTIONS))


def _show_found(wanted: dict[str, str]) -> Response:
    centre = service(EventService).place_of(wanted["city"]) if wanted["within"] else None
    query = finding.query_of(wanted, centre)
    page = _found(query, request.args.get("cursor"))
    if page.degraded:
        service(Metrics).went_without("search")
    currencies = {event["price"]["currency"] for event in page.items}
    return _show(
        wanted,
        page.items,
        page.next,
        degraded=page.degraded,
        facets=finding.links(wanted, page.facets, currencies),
        chosen=finding.chosen(wanted, currencies),
        total=sum(one["count"] for one in page.facets["month"]),
        meant=_meant(wanted["q"]) if not page.items else [],
    )


def _found(query: SearchQuery, cursor: str | None) -> SearchPage:
    try:
        return service(SearchService).find(query, _CARDS, cursor)
    except BadCursor:
        return service(SearchService).find(query, _CARDS)


def _meant(text: str) -> list[str]:
    """What else might be looked for, where nothing was found: what begins as the text does, or as one of its words."""
    search = service(SearchService)
    found = [one for part in (text, *text.split()[:3]) if part for one in search.suggest(part, 3) or ()]
    return list(dict.fromkeys(found))[:_SUGGESTIONS]


def _show(wanted: dict[str, str], dinners: Any, following: str | None, **more: Any) -> Response:
    return show_public(
        "home.html",
        dinners=dinners,
        following=following,
        wanted=wanted,
        address=finding.address,
        distances=finding.DISTANCES,
        searching=any(wanted.values()) or "cursor" in request.args,
        choices=options().choices.get(service(EventService).choices),
        figures=service(AnalyticsService).figures(),
        nights=_nights() if options().demo else [],
        **more,
    )


def _nights() -> list[dict[str, Any]]:
    """The match nights whose tables everyone may look at, each with its event."""
    seated = service(SeatingService).latest_published(_NIGHTS)
    events = service(EventService)
    return [{"event": events.get(night.event), "night": night} for night in seated]

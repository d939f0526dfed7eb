"""The front page: the dinners to come, and how to find the right one."""

from __future__ import annotations

from datetime import UTC, date, datetime, time
from typing import Any

from flask import Blueprint, Response, request

from dinnerkit.analytics.service import AnalyticsService
from dinnerkit.events.listing import EventQuery, Sort
from dinnerkit.events.rules import LONGEST_NAME
from dinnerkit.events.service import EventService
from dinnerkit.http.paging import BadCursor
from dinnerkit.http.services import service
from dinnerkit.matching.service import SeatingService
from dinnerkit.web.forms import show_public
from dinnerkit.web.options import options

blueprint = Blueprint("home", __name__)

_CARDS = 18
_NIGHTS = 12


@blueprint.route("/")
def show() -> Response:
    """Show the dinners to come."""
    wanted = _wanted()
    query = EventQuery(
        city=wanted["city"] or None,
        cuisine=wanted["cuisine"] or None,
        starts_from=_midnight(wanted["date"]),
        sort=Sort.PRICE if wanted["sort"] == "price" else Sort.STARTS_AT,
    )
    events = service(EventService)
    try:
        page = events.upcoming(query, _CARDS, request.args.get("cursor"))
    except BadCursor:
        page = events.upcoming(query, _CARDS)
    return show_public(
        "home.html",
        dinners=page["items"],
        following=page["next"],
        wanted=wanted,
        searching=any(wanted.values()) or "cursor" in request.args,
        choices=options().choices.get(events.choices),
        figures=service(AnalyticsService).figures(),
        nights=_nights() if options().demo else [],
    )


def _wanted() -> dict[str, str]:
    """What the visitor looks for, as it is shown again; whatever makes no sense is left out."""
    wanted = {name: request.args.get(name, "").strip()[:LONGEST_NAME] for name in ("city", "cuisine", "date", "sort")}
    if _midnight(wanted["date"]) is None:
        wanted["date"] = ""
    if wanted["sort"] != "price":
        wanted["sort"] = ""
    return wanted


def _midnight(typed: str) -> datetime | None:
    try:
        return datetime.combine(date.fromisoformat(typed), time.min, UTC)
    except ValueError:
        return None


def _nights() -> list[dict[str, Any]]:
    """The match nights whose tables everyone may look at, each with its event."""
    seated = service(SeatingService).latest_published(_NIGHTS)
    events = service(EventService)
    return [{"event": events.get(night.event), "night": night} for night in seated]

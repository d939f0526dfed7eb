"""The search routes."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from flask import Response

from dinnerkit.accounts.alike import Alike
from dinnerkit.events.service import EventService
from dinnerkit.events.surrogates import EVENTS, INDEX, keys_of_list
from dinnerkit.http.auth import authenticated, current_principal
from dinnerkit.http.blueprint import ApiBlueprint
from dinnerkit.http.conditional import PUBLIC_HEADERS, private_json, public_json
from dinnerkit.http.lane.routes import kept
from dinnerkit.http.metrics import Metrics
from dinnerkit.http.photo_addresses import all_with_addresses
from dinnerkit.http.services import service
from dinnerkit.search.schemas import (
    AlikePageSchema,
    AlikeQuerySchema,
    SearchPageSchema,
    SearchQuerySchema,
    SuggestionsSchema,
    SuggestQuerySchema,
)
from dinnerkit.search.service import SearchService

blueprint = ApiBlueprint("search", __name__, description="Finding dinners by words, and people by who they are alike.")

_SUGGESTION_SECONDS = 30
_SEARCH_SECONDS = 900.0
"""So long an answer is kept at most where nobody tells of a change."""


@blueprint.route("/search/events")
@kept(_SEARCH_SECONDS, SearchQuerySchema)
@blueprint.arguments(SearchQuerySchema, location="query")
@blueprint.response(200, SearchPageSchema, headers=PUBLIC_HEADERS)
@blueprint.alt_response(304, description="The caller has this answer already")
def search_events(wanted: dict[str, Any]) -> Response:
    """Find published events that have not begun by words and filters, and count what was found."""
    until = service(EventService).next_beginning()  # before it is asked: what begins meanwhile may be counted still
    page = service(SearchService).find(**wanted)
    shown = {"items": all_with_addresses(page.items), "next": page.next, "facets": page.facets, "degraded": page.degraded}
    if page.degraded:
        service(Metrics).went_without("search")
        return public_json(shown)
    return public_json(shown, about=keys_of_list(page.items, INDEX), until=until)


@blueprint.route("/search/suggest")
@kept(_SEARCH_SECONDS, SuggestQuerySchema)
@blueprint.arguments(SuggestQuerySchema, location="query")
@blueprint.response(200, SuggestionsSchema, headers=PUBLIC_HEADERS)
@blueprint.alt_response(304, description="The caller has this answer already")
def suggest(wanted: dict[str, Any]) -> Response:
    """Complete what is being typed to titles, cuisines and cities."""
    until = service(EventService).next_beginning()
    return suggested(service(SearchService).suggest(wanted["q"], wanted["limit"]), until)


def suggested(found: list[str] | None, until: datetime | None = None) -> Response:
    """What was found, for any cache to keep for a while; where the index gave no answer, nothing, for none to keep."""
    if found is None:
        return private_json({"items": []})
    return public_json({"items": found}, max_age=_SUGGESTION_SECONDS, about=(INDEX, EVENTS), until=until)


@blueprint.route("/search/people")
@authenticated
@blueprint.arguments(AlikeQuerySchema, location="query")
@blueprint.response(200, AlikePageSchema)
def search_people(wanted: dict[str, Any]) -> Response:
    """List the guests most like me by personality, of those who agreed to be found. Nobody before I answered the questionnaire."""
    return private_json({"items": service(Alike).nearest(current_principal().user_id, wanted["limit"]), "next": None})

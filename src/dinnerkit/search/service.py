"""Finding events by the index, and without it by the plain list."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from dinnerkit.clock import Clock
from dinnerkit.events.rows import EventSummary
from dinnerkit.events.service import EventService
from dinnerkit.http.paging import BadCursor, decode_cursor, encode_cursor
from dinnerkit.ports.search import Distances, Found, Search, Suggestions
from dinnerkit.search.resting import Resting
from dinnerkit.search.rules import SearchQuery, ShownFacets, criteria_of, plain, shown_facets

_BY_INDEX, _BY_LIST = "index", "list"


@dataclass(frozen=True, slots=True)
class SearchPage:
    """A part of what was found.

    Attributes:
        items: the events as they are now.
        next: the cursor of the part that follows, None at the end.
        facets: how many of all that was found have each value.
        degraded: whether the index gave no answer, so that these are the events of the plain list, whose words were not looked at.
    """

    items: Sequence[EventSummary]
    next: str | None
    facets: ShownFacets
    degraded: bool


class SearchService:
    """Asks the index which events, and the events themselves how they are.

    An index that gives no answer costs a reader a quarter of a second, and after some failures it is left alone for some seconds.
    A question that takes it too long is none: the others are answered.
    """

    def __init__(self, search: Search, events: EventService, clock: Clock, resting: Resting | None = None) -> None:
        self._search = search
        self._events = events
        self._clock = clock
        self._resting = resting or Resting()

    def find(self, query: SearchQuery, limit: int = 20, cursor: str | None = None) -> SearchPage:
        """A page of the published events, not yet begun, that the query looks for.

        Raises:
            BadCursor: the cursor is not of such a list.
        """
        source, after = decode_cursor(cursor, str, str) if cursor else (_BY_INDEX, None)
        if source not in {_BY_INDEX, _BY_LIST}:
            raise BadCursor
        if source == _BY_INDEX and self._can(query):
            found = self._resting.asked(lambda: self._by_index(query, limit, after), BadCursor)
            if found is not None:
                return self._shown(found)
        listed = self._events.upcoming(plain(query), limit, after if source == _BY_LIST else None)
        following = encode_cursor(_BY_LIST, listed["next"]) if listed["next"] else None
        return SearchPage(listed["items"], following, shown_facets({}), degraded=True)

    def suggest(self, text: str, limit: int = 10) -> list[str] | None:
        """Titles, cuisines and cities with a word that begins so; None where the index gives no answer."""
        search = self._search
        if not isinstance(search, Suggestions):
            return []
        found = self._resting.asked(lambda: search.suggest(text, limit))
        return None if found is None else list(found)

    def _can(self, query: SearchQuery) -> bool:
        near = query.filters.near is not None
        return not near or (isinstance(self._search, Distances) and self._search.distances)

    def _by_index(self, query: SearchQuery, limit: int, after: str | None) -> Found:
        try:
            return self._search.find(criteria_of(query, self._clock()), limit, after)
        except ValueError as error:
            if after is None:
                raise
            raise BadCursor from error

    def _shown(self, found: Found) -> SearchPage:
        events = self._events.listed([hit.id for hit in found.hits])
        items = []
        for hit in found.hits:
            if (event := events.get(hit.id)) is not None:
                if hit.distance_km is not None:
                    event["distance_km"] = hit.distance_km
                items.append(event)
        following = encode_cursor(_BY_INDEX, found.next) if found.next else None
        return SearchPage(items, following, shown_facets(found.facets), degraded=False)

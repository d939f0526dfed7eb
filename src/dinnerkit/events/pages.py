"""The pages of the public lists, as rows and as JSON: pages that are asked for at the same moment are read by one question."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any, Generic, NamedTuple, TypedDict, TypeVar, cast

from pymongo.client_session import ClientSession
from pymongo.collection import Collection as MongoCollection

from dinnerkit.clock import Clock
from dinnerkit.events.encoded import EncodedEvent, encoded, encoded_row
from dinnerkit.events.listing import SORT_KEYS, EventQuery, Sort, after, conditions, distance_km, following, last_of, position, within
from dinnerkit.events.rows import SUMMARY, EventSummary, summary_of
from dinnerkit.events.rules import Location
from dinnerkit.joint_finds import Find, JointFinds
from dinnerkit.joint_reads import JointReads
from dinnerkit.secondaries import Question
from dinnerkit.storage import Row

T = TypeVar("T")

_CENTIMETRE = 0.01  # in metres: more than the arithmetic of two runs can differ by


class Page(TypedDict, Generic[T]):
    """A part of a list; ``next`` is the cursor of the part that follows, None at the end."""

    items: list[T]
    next: str | None


class _Wanted(NamedTuple):
    """The page of a list after the last item of the page before, if there was one."""

    query: EventQuery
    limit: int
    last: tuple[Any, ...]

    @property
    def is_nearest(self) -> bool:
        """Whether it is MongoDB that orders by distance."""
        return self.query.order is Sort.DISTANCE

    def match(self, now: datetime) -> Row:
        """The condition of being on this page or a later one."""
        wanted = conditions(self.query, now)
        if self.query.near is not None:
            wanted.append(within(self.query.near, self.query.radius_km))
        if self.last:
            wanted.append(after(SORT_KEYS[self.query.order], self.last))
        return {"$and": wanted}

    def find(self, now: datetime) -> Find:
        """What to find for it, and one event more if there is one."""
        return Find(self.match(now), SUMMARY, dict.fromkeys(SORT_KEYS[self.query.order], 1), self.limit + 1)

    def page(self, found: list[EncodedEvent]) -> Page[EncodedEvent]:
        """The page, of what was found for it."""
        further = following(found, self.limit, lambda event: position(self.query.order, event.row))
        return {"items": found[: self.limit], "next": further}


class Pages:
    """Reads pages.

    Args:
        ask: has a question about the collection of events answered.
        clock: the time.
    """

    def __init__(self, ask: Callable[[Question[Any]], Any], clock: Clock) -> None:
        self._ask = ask
        self._clock = clock
        self._finds: JointFinds[_Wanted, Page[EncodedEvent]] = JointFinds(
            ask, lambda wanted: wanted.find(clock()), lambda wanted, found: wanted.page([encoded(event) for event in found])
        )
        self._nearby: JointReads[_Wanted, None, Page[EncodedEvent]] = JointReads(self._read_nearby)

    def rows(self, query: EventQuery, limit: int, cursor: str | None) -> Page[EventSummary]:
        """A page; ``distance_km`` is in its rows where the query has a place.

        Raises:
            BadCursor: the cursor is not of a list in this order.
        """
        return self._rows(_Wanted(query, limit, last_of(query.order, cursor)))

    def encoded(self, query: EventQuery, limit: int, cursor: str | None) -> Page[EncodedEvent]:
        """The same as JSON. Those who ask for the same page at the same moment are given one, not to be changed.

        Raises:
            BadCursor: the cursor is not of a list in this order.
        """
        wanted = _Wanted(query, limit, last_of(query.order, cursor))
        return self._finds.answer(wanted) if query.near is None else self._nearby.ask(wanted, None)

    def _read_nearby(self, wanted: _Wanted, together: Sequence[None]) -> list[Page[EncodedEvent]]:
        """One page for all who ask for it: the distances are of the question, and not of the events."""
        page = self._rows(wanted)
        encoded_page: Page[EncodedEvent] = {"items": [encoded_row(row) for row in page["items"]], "next": page["next"]}
        return [encoded_page] * len(together)

    def _rows(self, wanted: _Wanted) -> Page[EventSummary]:
        query, limit = wanted.query, wanted.limit
        if wanted.is_nearest:
            nearest = self._nearest(wanted)
            further = following(nearest, limit, lambda row: (query.order.value, row["metres"], row["_id"]))
            return {"items": [_placed(summary_of(row), row["metres"] / 1000) for row in nearest[:limit]], "next": further}
        options = wanted.find(self._clock()).options
        rows = [summary_of(row) for row in self._ask(lambda events, session: list(events.find(**options, session=session)))]
        further = following(rows, limit, lambda row: position(query.order, row))
        if query.near is not None:
            rows = [_placed(row, distance_km(query.near, Location(**row["venue"]["location"]))) for row in rows]
        return {"items": rows[:limit], "next": further}

    def _nearest(self, wanted: _Wanted) -> list[Row]:
        """The events of a page and one more, by (distance, id).

        MongoDB orders by distance alone. So the stream is read until the distance has passed that of the last row wanted: the events at
        the same venue are then all there, and are put in order by their ids.
        """
        query, limit, last = wanted
        near = cast("Location", query.near)
        search: dict[str, Any] = {
            "near": {"type": "Point", "coordinates": [near.lon, near.lat]},
            "key": "venue.location",
            "distanceField": "metres",
            "maxDistance": query.radius_km * 1000,
            "query": {"$and": conditions(query, self._clock())},
            "spherical": True,
        }
        stages: list[dict[str, Any]] = [{"$geoNear": search}]
        if last:
            search["minDistance"] = max(0.0, last[0] - _CENTIMETRE)
            stages.append({"$match": after(("metres", "_id"), last)})
        stages.append({"$project": {**SUMMARY, "metres": 1}})

        def read(events: MongoCollection[Row], session: ClientSession | None) -> list[Row]:
            rows: list[Row] = []
            with events.aggregate(stages, batchSize=limit + 2, session=session) as stream:
                for row in stream:
                    if len(rows) > limit and row["metres"] > rows[limit]["metres"]:
                        break
                    rows.append(row)
            return rows

        return sorted(self._ask(read), key=lambda row: (row["metres"], row["_id"]))


def _placed(row: EventSummary, kilometres: float) -> EventSummary:
    return {**row, "distance_km": round(kilometres, 1)}

"""The pages of the public lists, as rows and as JSON: pages that are asked for at the same moment are read by one question."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Sequence
from datetime import datetime
from typing import Any, Final, Generic, NamedTuple, TypedDict, TypeVar, cast

from bson.codec_options import CodecOptions
from bson.raw_bson import RawBSONDocument
from pymongo.client_session import ClientSession
from pymongo.collection import Collection as MongoCollection
from pymongo.cursor import RawBatchCursor

from dinnerkit.clock import Clock
from dinnerkit.events.encoded import EncodedEvent, documents, encoded, encoded_row, groups
from dinnerkit.events.listing import SORT_KEYS, EventQuery, Sort, after, conditions, distance_km, following, last_of, position, within
from dinnerkit.events.rows import SUMMARY, EventSummary, summary_of
from dinnerkit.events.rules import Location
from dinnerkit.joint_reads import JointReads
from dinnerkit.secondaries import Question
from dinnerkit.storage import Row, is_outage

T = TypeVar("T")

READS_AT_ONCE = 2
"""Further pages that are asked for while so many are being read wait for one of these reads, and are then read together."""

MOST_UNITED = 32
"""So many pages are read by one question, which the database answers one after the other."""

_AS_SENT: Final[CodecOptions[RawBSONDocument]] = CodecOptions(document_class=RawBSONDocument)
"""``aggregate_raw_batches`` would ask twice: it has the server send nothing with the first answer."""

_BY_PAGE: Final = {"$group": {"_id": "$page", "events": {"$push": "$event"}}}
"""At the end: within the pipeline of a page it would have a say in which index is used."""

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

    def find(self, now: datetime) -> dict[str, Any]:
        """What to find for it, and one event more if there is one."""
        sort = [(key, 1) for key in SORT_KEYS[self.query.order]]
        return {"filter": self.match(now), "projection": SUMMARY, "sort": sort, "limit": self.limit + 1}

    def stages(self, now: datetime, number: int) -> list[Row]:
        """The same as a pipeline, whose documents each have an event, and that number."""
        return [
            {"$match": self.match(now)},
            {"$sort": dict.fromkeys(SORT_KEYS[self.query.order], 1)},
            {"$limit": self.limit + 1},
            {"$project": SUMMARY},
            {"$replaceWith": {"page": number, "event": "$$ROOT"}},
        ]

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
        self._joint: JointReads[Hashable, _Wanted, Page[EncodedEvent]] = JointReads(self._read)

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
        about: Hashable = wanted if query.near is not None else hash(wanted) % READS_AT_ONCE
        try:
            return self._joint.ask(about, wanted)
        except Exception as error:
            if is_outage(error) or query.near is not None:
                raise
            return self._alone(wanted)  # what was wrong with another page that was read together with it is nothing to it

    def _read(self, _: Hashable, together: Sequence[_Wanted]) -> list[Page[EncodedEvent]]:
        """The pages, each different one read once."""
        if len(together) == 1:
            return [self._alone(together[0])]
        places: dict[_Wanted, int] = {}
        asked = [places.setdefault(wanted, len(places)) for wanted in together]
        different = list(places)
        pages: list[Page[EncodedEvent]] = []
        for start in range(0, len(different), MOST_UNITED):
            part = different[start : start + MOST_UNITED]
            pages += [self._alone(part[0])] if len(part) == 1 else self._united(part)
        return [pages[place] for place in asked]

    def _alone(self, wanted: _Wanted) -> Page[EncodedEvent]:
        if wanted.query.near is not None:  # the distance is of the question, and not of the event
            page = self._rows(wanted)
            return {"items": [encoded_row(row) for row in page["items"]], "next": page["next"]}
        find = wanted.find(self._clock())
        return wanted.page(self._ask(lambda events, session: _found(events.find_raw_batches(**find, session=session))))

    def _united(self, pages: Sequence[_Wanted]) -> list[Page[EncodedEvent]]:
        """Pages of lists without a place, by one question."""
        now = self._clock()
        first, *others = [wanted.stages(now, number) for number, wanted in enumerate(pages)]

        def read(events: MongoCollection[Row], session: ClientSession | None) -> dict[int, list[EncodedEvent]]:
            united = [*first, *({"$unionWith": {"coll": events.name, "pipeline": stages}} for stages in others), _BY_PAGE]
            found = events.with_options(codec_options=_AS_SENT).aggregate(united, session=session)
            return {number: [encoded(event) for event in group] for number, group in groups(bytes(document.raw) for document in found)}

        found = self._ask(read)
        return [wanted.page(found.get(number, [])) for number, wanted in enumerate(pages)]

    def _rows(self, wanted: _Wanted) -> Page[EventSummary]:
        query, limit = wanted.query, wanted.limit
        if wanted.is_nearest:
            nearest = self._nearest(wanted)
            further = following(nearest, limit, lambda row: (query.order.value, row["metres"], row["_id"]))
            return {"items": [_placed(summary_of(row), row["metres"] / 1000) for row in nearest[:limit]], "next": further}
        find = wanted.find(self._clock())
        rows = [summary_of(row) for row in self._ask(lambda events, session: list(events.find(**find, session=session)))]
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


def _found(batches: RawBatchCursor[Row]) -> list[EncodedEvent]:
    return [encoded(document) for document in documents(cast("Iterable[bytes]", batches))]

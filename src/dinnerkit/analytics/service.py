"""The platform in figures, for its front page, its summary and its metrics.

To count takes a walk over whole collections, some seconds for millions of bookings. So a worker counts once a minute, and whoever asks
reads what it counted.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import timedelta
from typing import Any

import structlog
from pymongo.database import Database
from pymongo.errors import PyMongoError

from dinnerkit.analytics.documents import FiguresDocument
from dinnerkit.booking.documents import BookingDocument
from dinnerkit.clock import Clock
from dinnerkit.events.documents import EventDocument
from dinnerkit.matching.documents import SeatingDocument
from dinnerkit.payment.documents import PaymentDocument
from dinnerkit.ports.cache import ShieldedCache
from dinnerkit.storage import Row, StoredDocument, collection, to_row

_CACHE_KEY = "analytics.figures"
_CACHE_SECONDS = 60

WALK = "dinnerkit: counting for the metrics, once a minute"
"""The comment by which MongoDB's profiler and slow log tell these queries, which are meant to walk over collections, from others."""

log = structlog.get_logger(__name__)

_LAST = "last"
_OLD = timedelta(minutes=5)
"""A count older than that was followed by no other: no worker runs, and whoever asks counts."""


@dataclass(frozen=True, slots=True)
class Figures:
    """How much goes on.

    Attributes:
        upcoming: published events that have not begun.
        cities: the cities in which these are.
        seats: their seats.
        seats_left: those of them that are free.
        bookings: how many bookings have each status.
        payments: how many attempts to pay have each status.
        refunds: how many refunds were carried out.
        tables: tables of published seatings.
        seated: people at these.
        score: the mean score of these people's tables, 0–100; None without tables.
        chance: what tables drawn at random would have scored.
    """

    upcoming: int
    cities: int
    seats: int
    seats_left: int
    bookings: Mapping[str, int]
    payments: Mapping[str, int]
    refunds: int
    tables: int
    seated: int
    score: float | None
    chance: float | None


class AnalyticsService:
    """Counts, keeps what was counted, and tells it."""

    def __init__(self, database: Database[Row], cache: ShieldedCache, clock: Clock, counted: Database[Row] | None = None) -> None:
        """Count in a database; what is ``counted``, where that is given, is read there, and may be behind a little."""
        self._database = database
        self._counted = database if counted is None else counted
        self._cache = cache
        self._clock = clock

    def figures(self) -> Figures:
        """The figures, as a rule at most two minutes old; five where no worker runs."""
        figures = _figures(self._cache.get(_CACHE_KEY))
        if figures is None:
            kept = collection(self._database, FiguresDocument).find_one({"_id": _LAST}) or {"counted_at": None, "figures": None}
            last = _figures(kept["figures"])
            figures = last if last and kept["counted_at"] > self._clock() - _OLD else self._recounted(last)
            self._cache.set(_CACHE_KEY, asdict(figures), _CACHE_SECONDS)
        return figures

    def _recounted(self, last: Figures | None) -> Figures:
        """Counted now; while the database that is there for it can't be reached, as it was at the last time."""
        try:
            return self.count()
        except PyMongoError as error:
            if self._counted is self._database:
                raise
            log.warning("figures_not_counted", error=type(error).__name__)
            return last or AnalyticsService(self._database, self._cache, self._clock).count()

    def count(self) -> Figures:
        """Count, and keep what was counted for whoever asks."""
        figures = self.fresh_figures()
        document = FiguresDocument(id=_LAST, counted_at=self._clock(), figures=asdict(figures))
        collection(self._database, FiguresDocument).replace_one({"_id": _LAST}, to_row(document), upsert=True)
        return figures

    def fresh_figures(self) -> Figures:
        """The figures of this moment."""
        return Figures(**self._events(), bookings=self._by_status(BookingDocument), **self._money(), **self._seatings())

    def _events(self) -> dict[str, Any]:
        stages: list[dict[str, Any]] = [
            {"$match": {"listed": True, "starts_at": {"$gt": self._clock()}}},
            {"$group": {"_id": "$city_key", "upcoming": {"$sum": 1}, "seats": {"$sum": "$seats"}, "left": {"$sum": "$seats_left"}}},
        ]
        cities = list(collection(self._counted, EventDocument).aggregate(stages, comment=WALK))
        return {
            "upcoming": sum(city["upcoming"] for city in cities),
            "cities": len(cities),
            "seats": sum(city["seats"] for city in cities),
            "seats_left": sum(city["left"] for city in cities),
        }

    def _by_status(self, document: type[StoredDocument]) -> dict[str, int]:
        stages: list[dict[str, Any]] = [{"$group": {"_id": "$status", "count": {"$sum": 1}}}]
        rows = collection(self._counted, document).aggregate(stages, comment=WALK)
        return {row["_id"]: row["count"] for row in rows}

    def _money(self) -> dict[str, Any]:
        stages: list[dict[str, Any]] = [
            {"$unwind": "$refunds"},
            {"$match": {"refunds.status": "succeeded"}},
            {"$count": "refunds"},
        ]
        found = next(iter(collection(self._counted, PaymentDocument).aggregate(stages, comment=WALK)), {"refunds": 0})
        return {"payments": self._by_status(PaymentDocument), **found}

    def _seatings(self) -> dict[str, Any]:
        """Only the seating that is in force counts for an event; each guest counts alike."""
        people = {"$sum": {"$map": {"input": "$tables", "in": {"$size": "$$this.places"}}}}
        stages: list[dict[str, Any]] = [
            {"$match": {"status": "published"}},
            {"$sort": {"published_at": -1}},
            {"$group": {"_id": "$event", "seating": {"$first": "$$ROOT"}}},
            {"$replaceRoot": {"newRoot": "$seating"}},
            {"$project": {"tables": {"$size": "$tables"}, "people": people, "score": 1, "chance": 1}},
            {
                "$group": {
                    "_id": None,
                    "tables": {"$sum": "$tables"},
                    "seated": {"$sum": "$people"},
                    "score": {"$sum": {"$multiply": ["$score", "$people"]}},
                    "chance": {"$sum": {"$multiply": ["$chance", "$people"]}},
                }
            },
        ]
        row = next(iter(collection(self._counted, SeatingDocument).aggregate(stages, comment=WALK)), None)
        if row is None or not row["seated"]:
            return {"tables": 0, "seated": 0, "score": None, "chance": None}
        means = {name: row[name] / row["seated"] for name in ("score", "chance")}
        return {"tables": row["tables"], "seated": row["seated"], **means}


def _figures(kept: object) -> Figures | None:
    """What was kept, unless there is nothing or it is another version's."""
    return Figures(**kept) if isinstance(kept, dict) and kept.keys() == Figures.__dataclass_fields__.keys() else None

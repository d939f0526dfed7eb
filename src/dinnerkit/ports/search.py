"""The search port: events found by what people type, and by what they choose.

The index is a copy. What is true lies in the events themselves, so the services read each event that is found before they show it, and an
index that is late, lost or gone costs findability and nothing else.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from itertools import pairwise
from typing import ClassVar, Protocol, TypeAlias, runtime_checkable

from dinnerkit.errors import Unavailable

LONGEST_TEXT = 200
"""The most characters of a text that is searched for; a backend may look at its first ten words alone."""
LONGEST_ID = 64
MOST_HITS = 100
MOST_SUGGESTIONS = 20
MOST_AT_ONCE = 1000
"""The most entries that are put, or removed, by one call."""
COUNTED_EXACTLY = 10_000
MOST_VALUES = 100
"""The most values that a facet counts; those that most events have."""

EARTH_RADIUS_KM = 6378.1
"""Of the sphere on which distances are told, and meant: the Earth's at the equator."""

PRICE_STEPS = (0, 2000, 4000, 6000, 10_000)
"""Where one price band ends and the next begins, in minor units."""
PRICE_BANDS = ("0", *(f"{low + 1}-{high}" for low, high in pairwise(PRICE_STEPS)), f"{PRICE_STEPS[-1] + 1}-")
"""The values of the facet of prices: free, bands with both ends included, and all above."""


def price_band(price: int) -> str:
    """The band of an amount in minor units."""
    return PRICE_BANDS[bisect_left(PRICE_STEPS, price)]


class Order(StrEnum):
    """The order of what is found. What is equal by it comes by start, and what starts at the same time by id."""

    RELEVANCE = "relevance"
    """Best first; without a text the same as by start."""
    STARTS_AT = "starts_at"
    PRICE = "price"
    """By the amounts, whatever their currency."""
    DISTANCE = "distance"
    """Nearest first; without a place the same as by start."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EventEntry:
    """What the index knows of a published event.

    Attributes:
        version: rises with each change of the event; never two contents under one.
        city: as it is shown, as are ``cuisine`` and ``tags``.
        city_key: by which cities are compared; equal for all spellings of one. ``cuisine_key`` and ``tag_keys`` alike.
        month: in which it starts where the guests are: ``2026-12``.
        price: of a seat, in minor units of its currency.
        lat, lon: where the venue is, in degrees.
    """

    id: str
    version: int
    title: str
    description: str
    city: str
    city_key: str
    cuisine: str
    cuisine_key: str
    venue: str
    tags: tuple[str, ...]
    tag_keys: tuple[str, ...]
    starts_at: datetime
    month: str
    price: int
    lat: float
    lon: float


@dataclass(frozen=True, slots=True)
class Removal:
    """An event that is not to be found any more: which, and the version at which that was so."""

    id: str
    version: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Criteria:
    """What is looked for; an event must meet all of it, and None asks for nothing.

    Attributes:
        text: all of its words, in any order and any field, are in the event.
        starts_from: the earliest start; itself included.
        starts_before: where the starts end; itself excluded.
        near: latitude and longitude in degrees; with ``radius_km`` a disc in which the venue lies.
    """

    text: str = ""
    city_key: str | None = None
    cuisine_key: str | None = None
    tag_key: str | None = None
    month: str | None = None
    starts_from: datetime | None = None
    starts_before: datetime | None = None
    min_price: int | None = None
    max_price: int | None = None
    near: tuple[float, float] | None = None
    radius_km: float = 50.0
    order: Order = Order.RELEVANCE


@dataclass(frozen=True, slots=True)
class Hit:
    """An event that was found; how far away it is where a place was given."""

    id: str
    distance_km: float | None = None


Counts: TypeAlias = Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Found:
    """A page of what was found.

    Attributes:
        hits: in the order that was asked for.
        next: given back as ``after`` it is answered by the page that follows; None at the end. At most 300 characters.
        facets: of all that was found, not of this page alone: how many events have each ``city``, ``cuisine``, ``month`` and ``price``
            band. Cities and cuisines are counted by the spelling in their entries. Empty where the backend has no :class:`Facets`, or could
            not count in time.
    """

    hits: Sequence[Hit]
    next: str | None
    facets: Mapping[str, Counts] = field(default_factory=dict)


class SearchTooSlow(Unavailable):
    """This question takes the index too long; it is there, and answers others."""

    code: ClassVar[str] = "search_too_slow"


@runtime_checkable
class Search(Protocol):
    """An index of published events.

    What a backend must guarantee:

    - **Only what was put is found**, once :meth:`put` or :meth:`remove` has returned; not the old version beside the new one, and on no
      page twice.
    - **Writing is idempotent.** The same entry put twice, or at the same time, is there once.
    - **Versions decide, not arrival.** Messages come late, doubled and in any order: an entry whose version is below that which is there is
      left out in silence, whoever writes at the same time. A removal is a version too: what is removed stays away, until an entry with a
      higher version comes. A removal is remembered for a day at least.
    - **Words are found as people type them**: without regard to case and accents, whole or by their beginning (``semmel`` finds
      Semmelknödel; a single letter may find just itself). All words must be there. In scripts without spaces any two neighbouring
      characters are found. Text is text: no character of it is an operator.
    - **Filters are exact**, and every event found is counted by every facet, as long as no more than :data:`COUNTED_EXACTLY` are found.
    - **It never hangs.** :meth:`find`, and ``suggest``, answer within a quarter of a second or raise ``Unavailable``, whether the service
      behind is gone, silent or slow. After some failures in a row it is left alone for a while, for everybody; a backend that knows of
      one question that it alone takes too long raises :class:`SearchTooSlow`, which is no failure. Writes may take longer, and raise
      ``Unavailable`` too; what was written is then unknown, and is written again.
    - It keeps what it has over a restart, unless its service promises less and its documentation says so. It is safe to use from several
      threads and greenlets, and is opened anew in a forked child. Two backends whose URLs name different places share nothing.

    What only some can do is a protocol of its own: :class:`Facets`, :class:`Suggestions`, :class:`Tolerant`, :class:`Distances`,
    :class:`Rebuilding`, and ``UsesDatabase`` of the bus port for an index that lives in the database of the documents. Without one, the
    services do without: no facets are shown, nothing is suggested, a slip of the pen finds nothing, events near a place come from the
    plain list, and a lost index is filled in place.
    """

    def put(self, entries: Sequence[EventEntry]) -> None:
        """Make these events be found as they are now.

        Raises:
            ValueError: there are more than :data:`MOST_AT_ONCE`.
            Unavailable: the index can't be reached; some may have been put.
        """
        ...

    def remove(self, removals: Sequence[Removal]) -> None:
        """Make these events be found no more; those that are not there too.

        Raises:
            ValueError: there are more than :data:`MOST_AT_ONCE`.
            Unavailable: the index can't be reached; some may have been removed.
        """
        ...

    def expire(self, before: datetime) -> int:
        """Drop the entries that start before that moment, which nobody will look for; how many. The services call it now and then.

        Raises:
            Unavailable: the index can't be reached.
        """
        ...

    def find(self, criteria: Criteria, limit: int, after: str | None = None) -> Found:
        """A page of the events that meet the criteria.

        Args:
            criteria: what is looked for.
            limit: the most hits, from 1 to :data:`MOST_HITS`.
            after: the ``next`` of the page before, under the same criteria.

        Raises:
            ValueError: ``limit`` is out of bounds, or ``after`` is none of this order's; or the text is longer than :data:`LONGEST_TEXT`.
            Unavailable: no answer in time.
        """
        ...

    def ping(self) -> None:
        """Reach the index.

        Raises:
            Unavailable: it can't be reached.
        """
        ...

    def close(self) -> None:
        """Give back connections; may be called twice."""
        ...


@runtime_checkable
class Facets(Protocol):
    """The power to count what was found: ``Found.facets`` is filled where ``facets`` is true."""

    facets: bool


@runtime_checkable
class Suggestions(Protocol):
    """The power to complete what is being typed."""

    def suggest(self, text: str, limit: int) -> Sequence[str]:
        """Titles, cuisines and cities of what is in the index with a word that begins so, each once, as they are spelled there.

        Several words are completed from the first: ``dumplings for t`` is found in "Dumplings for twelve". A text without a letter or
        digit suggests nothing.

        Raises:
            ValueError: ``limit`` is not from 1 to :data:`MOST_SUGGESTIONS`, or the text is longer than :data:`LONGEST_TEXT`.
            Unavailable: no answer in time.
        """
        ...


@runtime_checkable
class Tolerant(Protocol):
    """The power to find what was misspelled.

    One letter wrong, left out, added or exchanged with its neighbour, in words of four letters or more, where no event has the word as it
    was typed.
    """

    tolerant: bool


@runtime_checkable
class Distances(Protocol):
    """The power to search near a place: ``Criteria.near`` and the order by distance are met, and hits say how far away they are."""

    distances: bool


@runtime_checkable
class Rebuilding(Protocol):
    """The power to make the index anew while it is in use."""

    def rebuild(self, entries: Iterable[EventEntry]) -> int:
        """Make these entries all that is in the index, together with what is put meanwhile; how many they were.

        Nothing that was there and is among them is missing from any answer at any time, and no put or removal that comes meanwhile is
        lost or undone. Killed half-way, it has done no harm, and is called again.

        Raises:
            Unavailable: the index can't be reached.
        """
        ...

    def built(self) -> bool:
        """Whether a rebuild has come to its end on this index, in the form that this release writes.

        Raises:
            Unavailable: the index can't be reached.
        """
        ...

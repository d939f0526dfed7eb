"""What an event is and what may be done with it: values, validation, states, refunds. Pure: no I/O and no clock.

Validation has two steps. :func:`check` looks at each value by itself, whenever something is stored. :func:`unready` looks at the event as a
whole, when it is published and after: a draft may be unfinished, with tables larger than its seats or a date that has passed.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from functools import cache
from zoneinfo import available_timezones

from babel.numbers import is_currency

from dinnerkit.errors import Invalid
from dinnerkit.identity import Principal, Role
from dinnerkit.money import MAX_AMOUNT, Money

LONGEST_TITLE = 120
LONGEST_DESCRIPTION = 10_000
LONGEST_NAME = 100
"""Of cities, cuisines and venues."""
LONGEST_ADDRESS = 300
LONGEST_TAG = 40
MOST_TAGS = 10
MOST_SEATS = 10_000
"""The largest capacity; the holds of one event stay far below MongoDB's 16 MB a document."""
LONGEST_NOTICE_HOURS = 8_760
"""The earliest deadline of a full refund: a year before the event."""

TERMS = ("starts_at", "timezone", "price", "refund_policy")
"""What guests agreed to when they booked; the names of fields of :class:`EventDetails`."""

_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")
_CONTROL_BUT_LINES = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")
_ACCENTS = re.compile("[\u0300-\u036f]")
_PLAIN_LETTERS = str.maketrans({"ø": "o", "ł": "l", "đ": "d", "ð": "d", "ħ": "h", "ı": "i", "æ": "ae", "œ": "oe", "þ": "th"})


class Format(StrEnum):
    """How the guests come to their places: as they please at one table, or seated by the matching."""

    TABLE = "table"
    MATCH_NIGHT = "match_night"


class Status(StrEnum):
    """Where an event is in its life: draft → published → cancelled, or draft → cancelled, which nobody else ever sees."""

    DRAFT = "draft"
    PUBLISHED = "published"
    CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True)
class Location:
    """A place on Earth in degrees (WGS 84)."""

    lat: float
    lon: float


@dataclass(frozen=True, slots=True)
class Venue:
    """Where the dinner is."""

    name: str
    address: str
    location: Location


@dataclass(frozen=True, slots=True)
class TableSize:
    """How many guests sit at one table, at least and at most."""

    min: int
    max: int


@dataclass(frozen=True, slots=True)
class RefundPolicy:
    """What a guest who cancels gets back: all until so many hours before the start, then that many hundredths until it begins."""

    full_until_hours: int = 48
    late_percent: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class EventDetails:
    """What the host says about an event. ``price`` is for one seat; ``timezone`` is the IANA zone that the guests live by."""

    title: str
    description: str
    cuisine: str
    starts_at: datetime
    timezone: str
    city: str
    venue: Venue
    seats: int
    table_size: TableSize
    price: Money
    tags: tuple[str, ...] = ()
    format: Format = Format.TABLE
    refund_policy: RefundPolicy = field(default_factory=RefundPolicy)


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """An event as it was when it was read. ``version`` rises with each change by the host; bookings don't touch it."""

    id: str
    host: str
    details: EventDetails
    status: Status
    seats_left: int
    published_at: datetime | None
    version: int

    @property
    def sold(self) -> int:
        """The seats that are held or booked."""
        return self.details.seats - self.seats_left

    def visible_to(self, principal: Principal | None) -> bool:
        """Whether this user, or None for nobody we know, may see it: what was never published is for those alone who manage it."""
        return self.published_at is not None or manages(principal, self.host)

    def begun(self, now: datetime) -> bool:
        """Whether it has started."""
        return self.details.starts_at <= now


def manages(principal: Principal | None, host: str) -> bool:
    """Whether this user may change the events of that host: the host and every admin may."""
    return principal is not None and (principal.user_id == host or principal.may(Role.ADMIN))


def search_key(text: str) -> str:
    """The form in which names are compared: without case, accents and surplus spaces, so that "munchen" finds "München"."""
    decomposed = unicodedata.normalize("NFKD", text.casefold())
    plain = unicodedata.normalize("NFKC", _ACCENTS.sub("", decomposed)).casefold().translate(_PLAIN_LETTERS)
    return " ".join(plain.split()) or unicodedata.normalize("NFC", text.strip())


def distinct_tags(tags: Iterable[str]) -> tuple[str, ...]:
    """The tags without those that differ from an earlier one only in case, accents or spaces."""
    return tuple({search_key(tag): tag for tag in reversed(list(tags))}.values())[::-1]


def usual_tables(seats: int) -> TableSize:
    """Tables as dinners have them: for 4 to 8, or for as many as there are seats."""
    return TableSize(min(4, seats), min(8, seats))


@cache
def timezones() -> tuple[str, ...]:
    """The IANA zones that an event can name: ``Area/Place`` and UTC, as this machine's zone data knows them."""
    areas = ("Africa/", "America/", "Antarctica/", "Arctic/", "Asia/", "Atlantic/", "Australia/", "Europe/", "Indian/", "Pacific/")
    return tuple(sorted(name for name in available_timezones() if name.startswith(areas) or name == "UTC"))


def check(details: EventDetails) -> None:
    """Make sure that each value by itself can be stored and shown.

    Raises:
        Invalid: one can't; ``fields`` in the details names each.
    """
    problems = dict(_problems(details))
    if problems:
        raise Invalid("the event is not as it must be", fields=problems)


def unready(details: EventDetails, now: datetime) -> dict[str, str]:
    """What keeps the event from being public, by field; empty when nothing does."""
    problems = {}
    if details.starts_at <= now:
        problems["starts_at"] = "It must lie in the future."
    if details.table_size.min > details.table_size.max:
        problems["table_size.min"] = "It must not be above the largest table."
    if details.table_size.max > details.seats:
        problems["table_size.max"] = "A table can't have more places than the event has seats."
    if details.price.amount * details.seats > MAX_AMOUNT:
        problems["price.amount"] = f"All seats together must not cost more than {MAX_AMOUNT} in minor units."
    return problems


def refundable(policy: RefundPolicy, paid: Money, starts_at: datetime, now: datetime) -> Money:
    """What a guest who paid ``paid`` and cancels at ``now`` gets back: nothing once the event has begun."""
    if now >= starts_at:
        return Money(0, paid.currency)
    if now <= starts_at - timedelta(hours=policy.full_until_hours):
        return paid
    return paid.percent(policy.late_percent)


def in_words(policy: RefundPolicy) -> str:
    """The policy as a sentence for guests."""
    if policy.full_until_hours == 0 or policy.late_percent == 100:  # noqa: PLR2004 - per cent
        return "Cancel before the dinner begins and you get everything back."
    hours = "an hour" if policy.full_until_hours == 1 else f"{policy.full_until_hours} hours"
    after = f"you get {policy.late_percent} % back" if policy.late_percent else "nothing is refunded"
    return f"Cancel at least {hours} before the dinner and you get everything back; after that {after}."


def _problems(details: EventDetails) -> Iterator[tuple[str, str]]:
    yield from _text_problems(details)
    yield from _number_problems(details)
    if details.starts_at.tzinfo is None:
        yield "starts_at", "It needs an offset from UTC."
    if details.timezone not in timezones():
        yield "timezone", "Not an IANA time zone such as Europe/Berlin."
    if not is_currency(details.price.currency):
        yield "price.currency", "Not an ISO 4217 currency."


def _text_problems(details: EventDetails) -> Iterator[tuple[str, str]]:
    if len(details.tags) > MOST_TAGS:
        yield "tags", f"At most {MOST_TAGS} are allowed."
    lines = {
        "title": (details.title, LONGEST_TITLE),
        "cuisine": (details.cuisine, LONGEST_NAME),
        "city": (details.city, LONGEST_NAME),
        "venue.name": (details.venue.name, LONGEST_NAME),
        "venue.address": (details.venue.address, LONGEST_ADDRESS),
        **{f"tags.{place}": (tag, LONGEST_TAG) for place, tag in enumerate(details.tags)},
    }
    for name, (text, longest) in lines.items():
        if not text.strip() and name != "venue.address":
            yield name, "It must not be blank."
        elif _CONTROL.search(text):
            yield name, "Control characters are not allowed."
        elif problem := _storage_problem(text, longest):
            yield name, problem
    if _CONTROL_BUT_LINES.search(details.description):
        yield "description", "Control characters are not allowed."
    elif problem := _storage_problem(details.description, LONGEST_DESCRIPTION):
        yield "description", problem


def _storage_problem(text: str, longest: int) -> str | None:
    if len(text) > longest:
        return f"At most {longest} characters are allowed."
    if any("\ud800" <= character <= "\udfff" for character in text):
        return "It is not valid Unicode."
    return None


def _number_problems(details: EventDetails) -> Iterator[tuple[str, str]]:
    bounds = {
        "seats": (details.seats, 1, MOST_SEATS),
        "table_size.min": (details.table_size.min, 1, MOST_SEATS),
        "table_size.max": (details.table_size.max, 1, MOST_SEATS),
        "price.amount": (details.price.amount, 0, None),
        "venue.location.lat": (details.venue.location.lat, -90, 90),
        "venue.location.lon": (details.venue.location.lon, -180, 180),
        "refund_policy.full_until_hours": (details.refund_policy.full_until_hours, 0, LONGEST_NOTICE_HOURS),
        "refund_policy.late_percent": (details.refund_policy.late_percent, 0, 100),
    }
    for name, (number, least, most) in bounds.items():
        if not number >= least:  # so written that a NaN is refused
            yield name, f"It must not be below {least}."
        elif most is not None and not number <= most:
            yield name, f"It must not be above {most}."

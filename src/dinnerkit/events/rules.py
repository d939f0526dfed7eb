"""What an event is and what may be done with it: values, states, refunds. Pure: no I/O and no clock.

What a value must be like is in :mod:`dinnerkit.events.validation`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from functools import cache
from zoneinfo import available_timezones

from babel.numbers import format_currency

from dinnerkit.identity import Principal, Role
from dinnerkit.money import Money, decimals
from dinnerkit.texts import search_key

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
MAX_FEE = 10**9
"""The highest fee of a seat; with all seats it stays an amount of money."""

MOVING = ("starts_at", "timezone", "city", "venue")
"""What moves a dinner: its guests are told, and may go free of charge. The names of fields of :class:`EventDetails`."""

DINNER_LENGTH = timedelta(hours=3)
"""How long a dinner is taken to last: events don't say."""

FREE_CANCELLATION = timedelta(hours=72)
"""How long after a dinner was moved its guests get all their money back, at most until it begins."""

TERMS = ("price", "deposit", "refund_policy")
"""What guests agreed to when they booked; the names of fields of :class:`EventDetails`."""

_ALL = 100
"""Per cent."""
_HOURS_THAT_ARE_DAYS = 72


class Format(StrEnum):
    """How the guests come to their places: as they please at one table, or seated by the matching."""

    TABLE = "table"
    MATCH_NIGHT = "match_night"


class WaitlistOrder(StrEnum):
    """Who on the waiting list is offered free seats: who came first, or, at a match night, who suits the table that lost somebody."""

    FIRST_COME = "first_come"
    BEST_FIT = "best_fit"


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
    """What a guest who cancels gets back.

    All until ``full_until_hours`` before the start. Then, until ``late_until_hours`` before it, that many hundredths, or, where there is a
    fee, all but the fee. After that nothing.

    Attributes:
        late_fee: what is kept of each seat, in minor units of the price's currency; None where the percentage counts.
        late_only_if_resold: what is given back late is given back for each seat that is sold again, and not before.
    """

    full_until_hours: int = 48
    late_percent: int = 0
    late_until_hours: int = 0
    late_fee: int | None = None
    late_only_if_resold: bool = False

    def to_document(self) -> dict[str, int | None]:
        """The shape in which it is stored and sent: each by its name. ``asdict`` takes twenty times as long."""
        return {
            "full_until_hours": self.full_until_hours,
            "late_percent": self.late_percent,
            "late_until_hours": self.late_until_hours,
            "late_fee": self.late_fee,
            "late_only_if_resold": self.late_only_if_resold,
        }

    def in_time(self, starts_at: datetime, now: datetime) -> bool:
        """Whether who cancels now gets everything back at once."""
        if now >= starts_at:
            return False
        return now <= starts_at - timedelta(hours=self.full_until_hours) or (self.forgiving and self._late(starts_at, now))

    def gives_late(self, starts_at: datetime, now: datetime) -> bool:
        """Whether who cancels now is late, and not too late for a part."""
        return not self.in_time(starts_at, now) and self._late(starts_at, now)

    @property
    def forgiving(self) -> bool:
        """Whether the late get everything back, too."""
        return not self.late_only_if_resold and (self.late_percent == _ALL if self.late_fee is None else self.late_fee == 0)

    def _late(self, starts_at: datetime, now: datetime) -> bool:
        return now < starts_at and now <= starts_at - timedelta(hours=self.late_until_hours)


@dataclass(frozen=True, slots=True)
class Refund:
    """What goes back for a cancellation: at once, and once all its seats are sold again. One of the two is always nothing."""

    at_once: Money
    if_resold: Money


@dataclass(frozen=True, slots=True, kw_only=True)
class EventDetails:
    """What the host says about an event.

    Attributes:
        timezone: the IANA zone that the guests live by.
        price: of one seat.
        changes_until_hours: until so many hours before the start guests may give their seats to somebody else, and say whom they bring.
        deposit: of one seat, paid with the price; given back to those who come, and kept from those who don't. None where there is none.
    """

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
    deposit: Money | None = None
    waitlist_order: WaitlistOrder = WaitlistOrder.FIRST_COME
    changes_until_hours: int = 2

    @property
    def changes_end(self) -> datetime:
        """When guests can change no more who comes."""
        return self.starts_at - timedelta(hours=self.changes_until_hours)


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


def refundable(policy: RefundPolicy, paid: Money, starts_at: datetime, now: datetime, seats: int = 1) -> Money:
    """What a guest who paid ``paid`` for ``seats`` and cancels at ``now`` can get back at most: nothing once the event has begun."""
    if policy.in_time(starts_at, now):
        return paid
    if not policy.gives_late(starts_at, now):
        return paid * 0
    if policy.late_fee is None:
        return paid.percent(policy.late_percent)
    return Money(max(0, paid.amount - policy.late_fee * seats), paid.currency)


def refund_of(policy: RefundPolicy, paid: Money, starts_at: datetime, now: datetime, seats: int = 1) -> Refund:
    """The same, by when it goes back."""
    most = refundable(policy, paid, starts_at, now, seats)
    if policy.late_only_if_resold and policy.gives_late(starts_at, now):
        return Refund(most * 0, most)
    return Refund(most, most * 0)


def resold_share(total: Money, seats: int, resold: int) -> Money:
    """What of ``total`` goes back once ``resold`` of the ``seats`` are sold again; for all of them exactly ``total``."""
    return total.part(resold, seats, "down")


def in_words(policy: RefundPolicy, currency: str = "EUR") -> str:
    """The policy as a sentence for guests; fees are in ``currency``."""
    always = policy.forgiving and not policy.late_until_hours
    if always or policy.full_until_hours == 0:
        return "Cancel before the dinner begins and you get everything back."
    deadline = policy.late_until_hours if policy.forgiving else policy.full_until_hours
    words = f"Cancel at least {_hours(deadline)} before the dinner and you get everything back; after that"
    late = _late_in_words(policy, currency)
    if not late or policy.late_until_hours == deadline:
        return f"{words} nothing is refunded."
    if policy.late_only_if_resold:
        words += ", and only for seats that are sold again,"
    if not policy.late_until_hours:
        return f"{words} {late}."
    return f"{words} {late}, until {_hours(policy.late_until_hours)} before; then nothing is refunded."


def deposit_in_words(deposit: Money, policy: RefundPolicy) -> str:
    """What becomes of a deposit of a seat, as a sentence for guests."""
    deadline = policy.late_until_hours if policy.forgiving else policy.full_until_hours
    in_time = f"at least {_hours(deadline)} before the dinner" if deadline else "before the dinner begins"
    return (
        f"{money_in_words(deposit)} a seat is a deposit: you get it back when you come, or if you cancel {in_time}. "
        "If you don’t come it is kept."
    )


def _late_in_words(policy: RefundPolicy, currency: str) -> str:
    if policy.late_fee is not None:
        kept = money_in_words(Money(policy.late_fee, currency))
        return f"you get it back less {kept} a seat" if policy.late_fee else "you get it back"
    if policy.late_percent == _ALL:
        return "you get it back"
    return f"you get {policy.late_percent} % back" if policy.late_percent else ""


def _hours(hours: int) -> str:
    if hours == 1:
        return "an hour"
    return f"{hours // 24} days" if hours % 24 == 0 and hours > _HOURS_THAT_ARE_DAYS else f"{hours} hours"


def money_in_words(money: Money) -> str:
    """As in €35 or €35.50, the way the pages write it."""
    digits = "" if money.major == money.major.to_integral_value() else "." + "0" * decimals(money.currency)
    return format_currency(money.major, money.currency, f"¤#,##0{digits}", locale="en_GB", currency_digits=False)

"""The life of a booking: its states, and what may follow what."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, time, timedelta
from types import MappingProxyType
from zoneinfo import ZoneInfo

STATES: Mapping[str, str] = MappingProxyType(
    {
        "waitlisted": "A party waits for seats, all of them or none.",
        "offered": "Seats are kept for a party from the waiting list, until it answers or its time is over.",
        "held": "Seats are kept for a payment, until its time is over.",
        "action_required": "Seats are kept while the guest authenticates a payment at the bank.",
        "confirmed": "The seats are the guest's.",
        "seated": "The same, and the table can be seen.",
        "checked_in": "The guests have come.",
        "no_show": "The guests did not come, to a dinner at which others were checked in.",
        "expired": "The time to pay or to answer passed; the seats went back.",
        "cancelled": "The guest or the host ended it, or a late payment found no seats.",
        "transferred": "The seats went to somebody else, who has a booking of their own.",
    }
)
"""What each status means."""

MOVES: Mapping[tuple[str, str], str] = MappingProxyType(
    {
        ("waitlisted", "offered"): "seats became free",
        ("waitlisted", "cancelled"): "the guest left the list, or booked otherwise; or the dinner was called off",
        ("waitlisted", "expired"): "the dinner began without them, or an offer could not be told in time",
        ("offered", "action_required"): "the bank wants to know more",
        ("offered", "confirmed"): "it is paid, or accepted where it costs nothing",
        ("offered", "cancelled"): "the guest declined, or the dinner was called off",
        ("offered", "expired"): "nobody answered in time",
        ("held", "action_required"): "the bank wants to know more",
        ("held", "confirmed"): "it is paid",
        ("held", "cancelled"): "by the guest, or the dinner was called off",
        ("held", "expired"): "nobody paid in time",
        ("action_required", "held"): "the authentication failed",
        ("action_required", "confirmed"): "it is paid",
        ("action_required", "cancelled"): "by the guest, or the dinner was called off",
        ("action_required", "expired"): "nobody paid in time",
        ("confirmed", "seated"): "a seating with them was published",
        ("confirmed", "checked_in"): "their ticket was shown at the door",
        ("confirmed", "no_show"): "the dinner is over and they were not checked in",
        ("confirmed", "cancelled"): "by the guest, or the dinner was called off",
        ("confirmed", "transferred"): "the guest gave the seats to somebody",
        ("seated", "confirmed"): "a later seating was published without them",
        ("seated", "checked_in"): "their ticket was shown at the door",
        ("seated", "no_show"): "the dinner is over and they were not checked in",
        ("seated", "cancelled"): "by the guest, or the dinner was called off",
        ("seated", "transferred"): "the guest gave the seats to somebody",
        ("checked_in", "no_show"): "the host put it right",
        ("checked_in", "cancelled"): "the dinner was called off with guests at the door",
        ("no_show", "checked_in"): "the host put it right, or a door without a connection told late",
        ("expired", "confirmed"): "the payment came late, and there were seats still",
        ("expired", "cancelled"): "the payment came late, and the seats were gone",
    }
)
"""Every step that a booking can take, and what makes it."""

TRANSITIONS: Mapping[str, frozenset[str]] = MappingProxyType(
    {status: frozenset(target for source, target in MOVES if source == status) for status in STATES}
)
"""What may follow each status."""

STATUSES = frozenset(TRANSITIONS)

UNPAID = frozenset({"offered", "held", "action_required"})
"""Keeps seats for a while, and waits to be confirmed."""

EXPECTED = frozenset({"confirmed", "seated"})
"""Has its seats for good, and its guests have yet to come."""

CAME = EXPECTED | {"checked_in"}
"""Of a dinner that is over: its guests were there, as far as anybody knows. Where a door was kept, who was not seen is a no-show."""

SETTLED = EXPECTED | {"checked_in", "no_show"}
"""Has its seats for good, unless it is cancelled."""

LIVE = UNPAID | SETTLED
"""Has seats."""

CANCELLABLE = UNPAID | EXPECTED | {"waitlisted"}
"""Its guest may end it, until the dinner begins."""

DISCOUNTABLE = frozenset({"waitlisted", "offered", "held"})
"""A voucher can still be used for it."""

OVER = frozenset({"expired", "cancelled", "transferred"})
"""Has no seats any more."""


def sources(status: str) -> frozenset[str]:
    """The statuses from which a booking may become ``status``."""
    return frozenset(source for source, target in MOVES if target == status)


REMINDERS = (timedelta(hours=24), timedelta(hours=2))
"""How long before the dinner its guests are reminded."""


OVER_AFTER = timedelta(hours=6)
"""How long after its beginning a dinner is over, whatever happens."""

_MORNING = time(10)


def asked_at(starts_at: datetime, timezone: str) -> datetime:
    """When guests are asked how a dinner was: at the first ten o'clock in the morning there, once it is over."""
    over = (starts_at + OVER_AFTER).astimezone(ZoneInfo(timezone))
    morning = datetime.combine(over.date(), _MORNING, over.tzinfo)
    if morning < over:
        morning = datetime.combine(over.date() + timedelta(days=1), _MORNING, over.tzinfo)
    return morning.astimezone(UTC)


def next_reminder(starts_at: datetime, now: datetime) -> datetime | None:
    """When the next reminder is due; what lies behind ``now`` is not made up for."""
    return min((starts_at - lead for lead in REMINDERS if starts_at - lead > now), default=None)


def has_expired(status: str, expires_at: datetime | None, now: datetime) -> bool:
    """Whether a booking that nobody has touched is over all the same."""
    return status in UNPAID and expires_at is not None and expires_at <= now

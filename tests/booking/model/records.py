"""What the model remembers, and the spans of time that it goes by."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

UNPAID = ("offered", "held", "action_required")
OPEN = ("created", "action_required")
EXPECTED = ("confirmed", "seated")
SETTLED = (*EXPECTED, "checked_in", "no_show")
NO_SHOW, LOOKED_BACK, CORRECTABLE = timedelta(hours=6), timedelta(days=3), timedelta(days=7)
CHANGES = timedelta(hours=2)
IN_TIME, FREE_AFTER_A_MOVE = timedelta(hours=48), timedelta(hours=72)
VOUCHERS = {"HALF": 2, "GIFT": 1}
"""Codes, and how often each may be used at a time; by each guest once."""


@dataclass
class Hold:
    name: str
    booking: str
    user: str
    guests: int
    until: datetime | None


@dataclass
class Use:
    hold: str
    booking: str
    user: str
    until: datetime | None


@dataclass
class Booking:
    user: str
    guests: int
    status: str
    hold: str
    booked_at: datetime
    expires_at: datetime | None
    starts_at: datetime
    amount: int
    voucher: str | None = None
    payment: str | None = None
    refund: int | None = None


@dataclass
class Payment:
    booking: str
    status: str
    at_gateway: str | None
    live: bool
    begun: datetime
    check_at: datetime | None

"""What a voucher takes off, and for whom it is good: pure rules, in whole minor units."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from dinnerkit.errors import Invalid
from dinnerkit.money import Money, off_step
from dinnerkit.vouchers.errors import VoucherExpired, VoucherMinimum, VoucherNotForThisEvent, VoucherUnknown

MOST_USES = 10_000
"""The most uses of a voucher; they lie in its document."""

SHORTEST_CODE = 4
LONGEST_CODE = 40

_ALL = 100
_SEPARATORS = re.compile(r"[\s_-]+")
_CODE = re.compile(rf"[A-Z0-9]{{{SHORTEST_CODE},{LONGEST_CODE}}}")


class Kind(StrEnum):
    """What a voucher takes off the price: a part, an amount, or all of it."""

    PERCENT = "percent"
    AMOUNT = "amount"
    FREE = "free"


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What a voucher is good for.

    Attributes:
        percent: that many hundredths, where it is of that kind.
        amount: where it is of that kind; it comes off the whole booking.
        event: the only event that it is good for; None for all of its owner's.
        max_uses: bookings in all that have it at a time; one that expires or is cancelled gives its use back.
        per_guest: the same for one guest.
        minimum: what the seats must cost without it.
        valid_from: from when it can be used; None for always.
        valid_until: when that ends.
    """

    kind: Kind
    percent: int | None = None
    amount: Money | None = None
    event: str | None = None
    max_uses: int = MOST_USES
    per_guest: int = 1
    minimum: Money | None = None
    valid_from: datetime | None = None
    valid_until: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Voucher:
    """A voucher as it was when it was read. ``owner`` is the host whose events it is good for, None for everybody's."""

    id: str
    code: str
    owner: str | None
    terms: Terms
    used: int
    stopped_at: datetime | None
    created_at: datetime


def code_key(typed: str) -> str:
    """The form in which codes are compared: capitals and digits alone, so that "summer-26" is "SUMMER26"."""
    return _SEPARATORS.sub("", typed.upper())


def check(code: str, terms: Terms) -> None:
    """Make sure that a voucher makes sense.

    Raises:
        Invalid: it does not; ``fields`` in the details names each value.
    """
    problems: dict[str, str] = {}
    if not _CODE.fullmatch(code_key(code)):
        problems["code"] = f"From {SHORTEST_CODE} to {LONGEST_CODE} letters from A to Z and digits; spaces and dashes don't count."
    for name, kind, given in (("percent", Kind.PERCENT, terms.percent), ("amount", Kind.AMOUNT, terms.amount)):
        if (given is not None) != (terms.kind is kind):
            problems[name] = "It is needed." if given is None else f"It is for vouchers of the kind {kind}."
    bounds = {"percent": (terms.percent, _ALL), "max_uses": (terms.max_uses, MOST_USES), "per_guest": (terms.per_guest, MOST_USES)}
    for name, (number, most) in bounds.items():
        if number is not None and not 1 <= number <= most:
            problems[name] = f"From 1 to {most}."
    if terms.amount is not None and (problem := _amount_problem(terms.amount)):
        problems["amount"] = problem
    if terms.amount and terms.minimum and terms.amount.currency != terms.minimum.currency:
        problems["minimum"] = "It must have the currency of the amount."
    if terms.valid_from and terms.valid_until and terms.valid_until <= terms.valid_from:
        problems["valid_until"] = "It must be after the beginning."
    if problems:
        raise Invalid("the voucher is not as it must be", fields=problems)


def _amount_problem(amount: Money) -> str | None:
    return "It must be above zero." if amount.amount < 1 else off_step(amount.amount, amount.currency)


def discount(terms: Terms, price: Money) -> Money:
    """What the voucher takes off ``price``: never more than all of it; a part of what can be paid is rounded up, in the guest's favour."""
    if terms.kind is Kind.FREE:
        return price
    if terms.amount is not None:
        return Money(min(terms.amount.amount, price.amount), price.currency)
    return price.part(terms.percent or 0, _ALL, "up")


def must_be_good(voucher: Voucher, event_id: str, price: Money, now: datetime) -> None:
    """Let only a voucher pass that is good for seats of that event at that price; how often it was used is not looked at.

    Raises:
        VoucherExpired, VoucherNotForThisEvent, VoucherMinimum: why it is not.
    """
    terms = voucher.terms
    over = terms.valid_until is not None and terms.valid_until <= now
    if voucher.stopped_at is not None or over or (terms.valid_from is not None and terms.valid_from > now):
        raise VoucherExpired("this voucher is not good at this time")
    currencies = {money.currency for money in (terms.amount, terms.minimum) if money is not None}
    if terms.event not in {None, event_id} or currencies - {price.currency}:
        raise VoucherNotForThisEvent("this voucher is not for this dinner")
    if not price.amount:
        raise VoucherMinimum("these seats cost nothing without a voucher")
    if terms.minimum is not None and price.amount < terms.minimum.amount:
        raise VoucherMinimum("these seats cost less than this voucher asks for")


def chosen(found: list[Voucher]) -> Voucher:
    """Of the vouchers with a code, the host's own before everybody's.

    Raises:
        VoucherUnknown: there is none.
    """
    if not found:
        raise VoucherUnknown("there is no such voucher for this dinner")
    return min(found, key=lambda voucher: voucher.owner is None)

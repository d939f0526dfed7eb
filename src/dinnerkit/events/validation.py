"""What an event must be like, in two steps. Pure: no I/O and no clock.

:func:`check` looks at each value by itself, whenever something is stored. :func:`unready` looks at the event as a whole, when it is
published and after: a draft may be unfinished, with tables larger than its seats or a date that has passed.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from babel.numbers import is_currency

from dinnerkit.errors import Invalid
from dinnerkit.events.rules import (
    LONGEST_ADDRESS,
    LONGEST_DESCRIPTION,
    LONGEST_NAME,
    LONGEST_NOTICE_HOURS,
    LONGEST_TAG,
    LONGEST_TITLE,
    MAX_FEE,
    MOST_SEATS,
    MOST_TAGS,
    EventDetails,
    RefundPolicy,
    timezones,
)
from dinnerkit.money import MAX_AMOUNT, off_step
from dinnerkit.texts import has_forbidden, is_blank

_YEARS = range(1970, 3000)
"""Of dinners: far enough from the ends of what a ``datetime`` holds for all clocks and deadlines that are counted from a dinner's start."""


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
    if (details.price.amount + (details.deposit.amount if details.deposit else 0)) * details.seats > MAX_AMOUNT:
        problems["price.amount"] = f"All seats together must not cost more than {MAX_AMOUNT} in minor units."
    return problems


def _problems(details: EventDetails) -> Iterator[tuple[str, str]]:
    yield from _text_problems(details)
    yield from _number_problems(details)
    yield from _policy_problems(details.refund_policy)
    yield from _step_problems(details)
    if details.starts_at.tzinfo is None:
        yield "starts_at", "It needs an offset from UTC."
    elif details.starts_at.year not in _YEARS:
        yield "starts_at", f"It must lie in the years {_YEARS[0]} to {_YEARS[-1]}."
    if details.timezone not in timezones():
        yield "timezone", "Not an IANA time zone such as Europe/Berlin."
    if details.deposit and details.deposit.currency != details.price.currency:
        yield "deposit.currency", "It must be the currency of the price."
    if not is_currency(details.price.currency):
        yield "price.currency", "Not an ISO 4217 currency."


def _step_problems(details: EventDetails) -> Iterator[tuple[str, str]]:
    amounts = {
        "price.amount": details.price.amount,
        "deposit.amount": details.deposit.amount if details.deposit else 0,
        "refund_policy.late_fee": details.refund_policy.late_fee or 0,
    }
    for name, amount in amounts.items():
        if problem := off_step(amount, details.price.currency):
            yield name, problem


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
        if is_blank(text) and name != "venue.address":
            yield name, "It must not be blank."
        elif has_forbidden(text, lines=False):
            yield name, "Control characters are not allowed."
        elif problem := _storage_problem(text, longest):
            yield name, problem
    if has_forbidden(details.description, lines=True):
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
        "deposit.amount": (details.deposit.amount if details.deposit else 0, 0, None),
        "venue.location.lat": (details.venue.location.lat, -90, 90),
        "venue.location.lon": (details.venue.location.lon, -180, 180),
        "refund_policy.full_until_hours": (details.refund_policy.full_until_hours, 0, LONGEST_NOTICE_HOURS),
        "changes_until_hours": (details.changes_until_hours, 0, LONGEST_NOTICE_HOURS),
        "refund_policy.late_percent": (details.refund_policy.late_percent, 0, 100),
        "refund_policy.late_until_hours": (details.refund_policy.late_until_hours, 0, LONGEST_NOTICE_HOURS),
        "refund_policy.late_fee": (details.refund_policy.late_fee or 0, 0, MAX_FEE),
    }
    for name, (number, least, most) in bounds.items():
        if not number >= least:  # so written that a NaN is refused
            yield name, f"It must not be below {least}."
        elif most is not None and not number <= most:
            yield name, f"It must not be above {most}."


def _policy_problems(policy: RefundPolicy) -> Iterator[tuple[str, str]]:
    if policy.late_fee is not None and policy.late_percent:
        yield "refund_policy.late_fee", "There is a fee or a percentage, not both."
    if policy.late_until_hours > max(policy.full_until_hours, 0):
        yield "refund_policy.late_until_hours", "It must not be earlier than the deadline of a full refund."

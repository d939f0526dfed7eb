"""The form of an event: from what a host types to the details that the events' rules check, and back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from dinnerkit.errors import Invalid
from dinnerkit.events.rules import Event, EventDetails, Format, Location, RefundPolicy, TableSize, Venue, WaitlistOrder
from dinnerkit.events.validation import check
from dinnerkit.money import Money
from dinnerkit.web.forms import Form
from dinnerkit.web.typing_in import Reader
from dinnerkit.web.words import local_input

NAMES: Mapping[str, str] = {
    "starts_at": "starts_at",
    "venue.name": "venue_name",
    "venue.address": "venue_address",
    "venue.location.lat": "lat",
    "venue.location.lon": "lon",
    "table_size.min": "table_min",
    "table_size.max": "table_max",
    "price.amount": "price",
    "price.currency": "currency",
    "deposit.amount": "deposit",
    "refund_policy.full_until_hours": "full_until_hours",
    "refund_policy.late_percent": "late_percent",
    "refund_policy.late_until_hours": "late_until_hours",
    "refund_policy.late_fee": "late_fee",
    **{f"tags.{place}": "tags" for place in range(100)},
}
"""The events' names of fields, and the form's."""

EMPTY: Mapping[str, str] = {
    "table_min": "5",
    "table_max": "7",
    "seats": "30",
    "currency": "EUR",
    "timezone": "Europe/Berlin",
    "format": Format.MATCH_NIGHT.value,
    "waitlist_order": WaitlistOrder.FIRST_COME.value,
    "full_until_hours": "48",
    "late_percent": "0",
    "late_until_hours": "0",
    "changes_until_hours": "2",
}
"""What a new form begins with."""


def as_typed(event: Event) -> dict[str, str]:
    """The form of an event that is there."""
    details = event.details
    return {
        "title": details.title,
        "description": details.description,
        "cuisine": details.cuisine,
        "starts_at": local_input(details.starts_at, details.timezone),
        "timezone": details.timezone,
        "city": details.city,
        "venue_name": details.venue.name,
        "venue_address": details.venue.address,
        "lat": str(details.venue.location.lat),
        "lon": str(details.venue.location.lon),
        "seats": str(details.seats),
        "table_min": str(details.table_size.min),
        "table_max": str(details.table_size.max),
        "price": str(details.price.major),
        "currency": details.price.currency,
        "changes_until_hours": str(details.changes_until_hours),
        "deposit": str(details.deposit.major) if details.deposit else "",
        "tags": ", ".join(details.tags),
        "format": details.format.value,
        "waitlist_order": details.waitlist_order.value,
        **_policy_as_typed(details.refund_policy, details.price.currency),
        "version": str(event.version),
    }


def details_of(form: Form) -> EventDetails | None:
    """The details that were typed; None where they make no sense, which the form then says."""
    read = Reader(form)
    currency = read.text("currency").upper()
    details = {
        "title": read.text("title"),
        "description": read.text("description").replace("\r\n", "\n"),
        "cuisine": read.text("cuisine"),
        "starts_at": read.moment("starts_at", read.text("timezone")),
        "timezone": read.text("timezone"),
        "city": read.text("city"),
        "venue": (read.text("venue_name"), read.text("venue_address"), (read.degrees("lat"), read.degrees("lon"))),
        "seats": read.whole("seats"),
        "table_size": (read.whole("table_min"), read.whole("table_max")),
        "price": read.amount("price", currency),
        "deposit": _deposit(read, currency),
        "changes_until_hours": read.whole("changes_until_hours"),
        "tags": tuple(tag for part in read.text("tags").split(",") if (tag := part.strip())),
        "format": _format(read),
        "waitlist_order": _waitlist_order(read),
        "refund_policy": _policy(read, currency),
    }
    return None if form.errors else _checked(form, details)


def _policy_as_typed(policy: RefundPolicy, currency: str) -> dict[str, str]:
    return {
        "full_until_hours": str(policy.full_until_hours),
        "late_percent": str(policy.late_percent),
        "late_until_hours": str(policy.late_until_hours),
        "late_fee": "" if policy.late_fee is None else str(Money(policy.late_fee, currency).major),
        "late_only_if_resold": "on" if policy.late_only_if_resold else "",
    }


def changes(details: EventDetails) -> dict[str, Any]:
    """The details by name, as :meth:`dinnerkit.events.service.EventService.update` takes them."""
    return {item.name: getattr(details, item.name) for item in fields(details)}


def _checked(form: Form, values: Mapping[str, Any]) -> EventDetails | None:
    name, address, place = values["venue"]
    whole = {
        **values,
        "venue": Venue(name, address, Location(*place)),
        "table_size": TableSize(*values["table_size"]),
    }
    details = EventDetails(**whole)
    try:
        check(details)
    except Invalid as error:
        form.take(error, NAMES)
        return None
    return details


def _policy(read: Reader, currency: str) -> RefundPolicy:
    return RefundPolicy(
        full_until_hours=read.whole("full_until_hours"),
        late_percent=read.whole("late_percent"),
        late_until_hours=read.whole("late_until_hours"),
        late_fee=read.amount("late_fee", currency).amount if read.text("late_fee") else None,
        late_only_if_resold=bool(read.text("late_only_if_resold")),
    )


def _deposit(read: Reader, currency: str) -> Money | None:
    deposit = read.amount("deposit", currency) if read.text("deposit") else None
    return deposit if deposit and deposit.amount else None


def _waitlist_order(read: Reader) -> WaitlistOrder:
    try:
        return WaitlistOrder(read.text("waitlist_order") or WaitlistOrder.FIRST_COME)
    except ValueError:
        read.wrong("waitlist_order", "Choose one of the two.")
        return WaitlistOrder.FIRST_COME


def _format(read: Reader) -> Format:
    try:
        return Format(read.text("format"))
    except ValueError:
        read.wrong("format", "Choose one of the two.")
        return Format.TABLE

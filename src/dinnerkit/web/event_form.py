"""The form of an event: from what a host types to the details that the events' rules check, and back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import Any
from zoneinfo import ZoneInfo

from babel.numbers import get_currency_precision, is_currency

from dinnerkit.errors import Invalid
from dinnerkit.events.rules import Event, EventDetails, Format, Location, RefundPolicy, TableSize, Venue, check, timezones
from dinnerkit.money import MAX_AMOUNT, Money
from dinnerkit.web.forms import Form
from dinnerkit.web.words import local_input, major_units

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
    "full_until_hours": "48",
    "late_percent": "0",
    "late_until_hours": "0",
}
"""What a new form begins with."""

_LONGEST_NUMBER = 20


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
        "price": str(major_units(details.price)),
        "currency": details.price.currency,
        "tags": ", ".join(details.tags),
        "format": details.format.value,
        **_policy_as_typed(details.refund_policy, details.price.currency),
        "version": str(event.version),
    }


def details_of(form: Form) -> EventDetails | None:
    """The details that were typed; None where they make no sense, which the form then says."""
    read = _Reader(form)
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
        "tags": tuple(tag for part in read.text("tags").split(",") if (tag := part.strip())),
        "format": read.format("format"),
        "refund_policy": read.policy(currency),
    }
    return None if form.errors else _checked(form, details)


def _policy_as_typed(policy: RefundPolicy, currency: str) -> dict[str, str]:
    return {
        "full_until_hours": str(policy.full_until_hours),
        "late_percent": str(policy.late_percent),
        "late_until_hours": str(policy.late_until_hours),
        "late_fee": "" if policy.late_fee is None else str(major_units(Money(policy.late_fee, currency))),
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


class _Reader:
    """Reads typed values, and notes in the form what can't be read."""

    def __init__(self, form: Form) -> None:
        self._form = form

    def text(self, name: str) -> str:
        return str(self._form.values.get(name, "")).strip()

    def whole(self, name: str) -> int:
        typed = self.text(name)
        if typed.isascii() and typed.isdigit() and len(typed) <= _LONGEST_NUMBER:
            return int(typed)
        return self._wrong(name, "A whole number.")

    def degrees(self, name: str) -> float:
        try:
            return float(self._decimal(name))
        except InvalidOperation:
            return self._wrong(name, "Degrees, such as 52.52.")

    def amount(self, name: str, currency: str) -> Money:
        if not is_currency(currency):
            self._wrong("currency", "Three letters such as EUR.")
            return Money(0, "EUR")
        digits = get_currency_precision(currency)
        try:
            minor = self._decimal(name).scaleb(digits)
        except InvalidOperation:
            return Money(self._wrong(name, "An amount such as 35 or 35.50."), currency)
        if minor != minor.to_integral_value() or not 0 <= minor <= MAX_AMOUNT:
            return Money(self._wrong(name, f"Not below zero, and with at most {digits} digits after the point."), currency)
        return Money(int(minor), currency)

    def policy(self, currency: str) -> RefundPolicy:
        return RefundPolicy(
            full_until_hours=self.whole("full_until_hours"),
            late_percent=self.whole("late_percent"),
            late_until_hours=self.whole("late_until_hours"),
            late_fee=self.amount("late_fee", currency).amount if self.text("late_fee") else None,
            late_only_if_resold=bool(self.text("late_only_if_resold")),
        )

    def moment(self, name: str, zone: str) -> datetime:
        if zone not in timezones():
            self._wrong("timezone", "Choose one of the list.")
            return datetime.now(UTC)
        try:
            local = datetime.fromisoformat(self.text(name)).replace(tzinfo=None)
            moment = local.replace(tzinfo=ZoneInfo(zone)).astimezone(UTC)
            exists = moment.astimezone(ZoneInfo(zone)).replace(tzinfo=None) == local
        except (ValueError, OverflowError):
            self._wrong(name, "A day and a time.")
            return datetime.now(UTC)
        if not exists:
            self._wrong(name, "That hour is left out there: the clocks are put forward.")
        return moment

    def format(self, name: str) -> Format:
        try:
            return Format(self.text(name))
        except ValueError:
            self._wrong(name, "Choose one of the two.")
            return Format.TABLE

    def _decimal(self, name: str) -> Decimal:
        value = Decimal(self.text(name).replace(",", ".")[:_LONGEST_NUMBER])
        if not value.is_finite():
            raise InvalidOperation
        return value

    def _wrong(self, name: str, message: str) -> int:
        self._form.errors.setdefault(name, message)
        return 0

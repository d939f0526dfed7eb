"""What people type into forms, read as values: numbers, amounts, moments."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation, Overflow
from zoneinfo import ZoneInfo

from babel.numbers import is_currency

from dinnerkit.events.rules import timezones
from dinnerkit.money import MAX_AMOUNT, Money, decimals
from dinnerkit.web.forms import Form

_LONGEST_NUMBER = 20


class Reader:
    """Reads typed values, and notes in the form what can't be read."""

    def __init__(self, form: Form) -> None:
        self._form = form

    def text(self, name: str) -> str:
        """The text, without spaces around it."""
        return str(self._form.values.get(name, "")).strip()

    def whole(self, name: str) -> int:
        """A whole number."""
        typed = self.text(name)
        if typed.isascii() and typed.isdigit() and len(typed) <= _LONGEST_NUMBER:
            return int(typed)
        return self.wrong(name, "A whole number.")

    def degrees(self, name: str) -> float:
        """A number of degrees."""
        try:
            return float(self._decimal(name))
        except InvalidOperation:
            return self.wrong(name, "Degrees, such as 52.52.")

    def amount(self, name: str, currency: str) -> Money:
        """An amount of money, typed in whole units of its currency."""
        if not is_currency(currency):
            self.wrong("currency", "Three letters such as EUR.")
            return Money(0, "EUR")
        digits = decimals(currency)
        try:
            minor = self._decimal(name).scaleb(digits)
        except (InvalidOperation, Overflow):
            return Money(self.wrong(name, "An amount such as 35 or 35.50."), currency)
        if minor != minor.to_integral_value() or not 0 <= minor <= MAX_AMOUNT:
            return Money(self.wrong(name, f"Not below zero, and with at most {digits} digits after the point."), currency)
        return Money(int(minor), currency)

    def moment(self, name: str, zone: str) -> datetime:
        """A moment, typed as the clocks of ``zone`` show it."""
        if zone not in timezones():
            self.wrong("timezone", "Choose one of the list.")
            return datetime.now(UTC)
        try:
            local = datetime.fromisoformat(self.text(name)).replace(tzinfo=None)
            moment = local.replace(tzinfo=ZoneInfo(zone)).astimezone(UTC)
            exists = moment.astimezone(ZoneInfo(zone)).replace(tzinfo=None) == local
        except (ValueError, OverflowError):
            self.wrong(name, "A day and a time.")
            return datetime.now(UTC)
        if not exists:
            self.wrong(name, "That hour is left out there: the clocks are put forward.")
        return moment

    def _decimal(self, name: str) -> Decimal:
        value = Decimal(self.text(name).replace(",", ".")[:_LONGEST_NUMBER])
        if not value.is_finite():
            raise InvalidOperation
        return value

    def wrong(self, name: str, message: str) -> int:
        """Note what is wrong with a value; 0 in its place."""
        self._form.errors.setdefault(name, message)
        return 0

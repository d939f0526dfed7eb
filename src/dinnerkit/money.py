"""Amounts of money: integer minor units with an ISO 4217 currency, never floats."""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal, TypeAlias

MAX_AMOUNT = 10**12
"""The largest amount in minor units; far above any dinner, far below what a double or a BSON int64 holds exactly."""

_DECIMALS = {
    **dict.fromkeys(
        ("BIF", "CLP", "DJF", "GNF", "ISK", "JPY", "KMF", "KRW", "PYG", "RWF", "UGX", "UYI", "VND", "VUV", "XAF", "XOF", "XPF"), 0
    ),
    **dict.fromkeys(("BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"), 3),
    **dict.fromkeys(("CLF", "UYW"), 4),
}
"""Where ISO 4217 has other than two. CLDR, and so babel, has none for some thirty more, which are written without by habit. Payment
services go by ISO 4217, and so do we: 3500 in RSD is 35 dinars."""

_STEPS = {**{currency: 10 for currency, digits in _DECIMALS.items() if digits == 3}, "MGA": 100}  # noqa: PLR2004 - thousandths
_CURRENCY = re.compile(r"[A-Z]{3}")

Rounding: TypeAlias = Literal["down", "half_up", "up"]


def decimals(currency: str) -> int:
    """How many decimals a currency has: its minor unit is one tenth to that power of it, as ISO 4217 says."""
    return _DECIMALS.get(currency, 2)


def step(currency: str) -> int:
    """Of how many minor units an amount that cards pay is a multiple.

    The last of three decimals is 0, and so are both of the ariary, as payment services have it (https://docs.stripe.com/currencies).
    """
    return _STEPS.get(currency, 1)


def off_step(amount: int, currency: str) -> str | None:
    """What to tell who asks for an amount that can't be paid to the last minor unit; None where it can."""
    size = step(currency)
    return f"{currency} is paid in multiples of {size} minor units." if amount % size else None


@dataclass(frozen=True, slots=True, order=False)
class Money:
    """An amount in the minor unit of its currency: ``Money(3500, "EUR")`` is 35 euros.

    Raises:
        ValueError: the amount is not an int within ±``MAX_AMOUNT``, or the currency is not three capital letters.
    """

    amount: int
    currency: str

    def __post_init__(self) -> None:
        if not isinstance(self.amount, int) or isinstance(self.amount, bool) or abs(self.amount) > MAX_AMOUNT:
            raise ValueError(f"an amount is a whole number of minor units within ±{MAX_AMOUNT}, not {self.amount!r}")
        object.__setattr__(self, "amount", int(self.amount))  # the driver's Int64 is an int, and not plain
        if not _CURRENCY.fullmatch(self.currency):
            raise ValueError(f"a currency is three capital letters, as in ISO 4217, not {self.currency!r}")

    def __add__(self, other: Money) -> Money:
        return Money(self.amount + self._same(other).amount, self.currency)

    def __sub__(self, other: Money) -> Money:
        return Money(self.amount - self._same(other).amount, self.currency)

    def __mul__(self, factor: int) -> Money:
        return Money(self.amount * factor, self.currency)

    def percent(self, percentage: int) -> Money:
        """That many hundredths of the amount (0–100), rounded half up; see :meth:`part`."""
        return self.part(percentage, 100, "half_up")

    def part(self, numerator: int, denominator: int, rounding: Rounding) -> Money:
        """That part of an amount that is not negative, in whole steps of the currency (:func:`step`); all of it if that is asked for."""
        if numerator == denominator:
            return self
        size = step(self.currency)
        parts, whole = self.amount * numerator, denominator * size
        steps = {"down": parts // whole, "half_up": (2 * parts + whole) // (2 * whole), "up": -(-parts // whole)}[rounding]
        return Money(min(steps * size, self.amount), self.currency)

    @property
    def major(self) -> Decimal:
        """The amount in whole units of the currency: 35.00 for 3500 cents."""
        return Decimal(self.amount).scaleb(-decimals(self.currency))

    def to_document(self) -> dict[str, int | str]:
        """The shape in which it is stored and sent: ``{"amount": 3500, "currency": "EUR"}``."""
        return {"amount": self.amount, "currency": self.currency}

    @classmethod
    def from_document(cls, document: dict[str, int | str]) -> Money:
        """The reverse of :meth:`to_document`."""
        return cls(int(document["amount"]), str(document["currency"]))

    def _same(self, other: Money) -> Money:
        if other.currency != self.currency:
            raise ValueError(f"{self.currency} and {other.currency} don't add up")
        return other

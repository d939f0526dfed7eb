"""Amounts of money: integer minor units with an ISO 4217 currency, never floats."""

from __future__ import annotations

import re
from dataclasses import dataclass

MAX_AMOUNT = 10**12
"""The largest amount in minor units; far above any dinner, far below what a double or a BSON int64 holds exactly."""

_CURRENCY = re.compile(r"[A-Z]{3}")


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
        """That many hundredths of the amount (0–100), rounded half up to a whole minor unit."""
        return Money((self.amount * percentage + 50) // 100, self.currency)

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

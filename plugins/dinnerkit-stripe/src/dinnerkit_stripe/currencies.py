"""Amounts as Stripe counts them (docs.stripe.com/currencies), which is not always in the minor unit of ISO 4217."""

from __future__ import annotations

from dinnerkit.errors import BackendFault, Invalid
from dinnerkit.money import Money, step

_TIMES = {"ISK": 100}
"""No minor unit in ISO 4217, hundredths at Stripe."""

_PARTS = {"MGA": 100}
"""Hundredths in ISO 4217, whole ones at Stripe."""

_UNCLEAR = frozenset({"UGX"})
"""Stripe's documentation has it both as one without decimals and as one with two; nobody shall pay a hundred times the price."""


def to_stripe(money: Money) -> dict[str, int | str]:
    """The parameters ``amount`` and ``currency``.

    Raises:
        Invalid: it is no amount, or one that Stripe can't move to the last minor unit.
    """
    currency = money.currency
    if money.amount <= 0:
        raise Invalid("an amount that moves is above zero")
    if currency in _UNCLEAR:
        raise Invalid(f"{currency} can't be paid by Stripe", currency=currency)
    size = step(currency)
    if money.amount % size:
        raise Invalid(f"Stripe moves {currency} in steps of {size} minor units", currency=currency, step=size)
    return {"amount": money.amount * _TIMES.get(currency, 1) // _PARTS.get(currency, 1), "currency": currency.lower()}


def from_stripe(amount: int, currency: str) -> Money:
    """The money that Stripe tells of.

    Raises:
        BackendFault: there is no such amount, as of hundredths of a króna.
    """
    code = currency.upper()
    whole, rest = divmod(amount * _PARTS.get(code, 1), _TIMES.get(code, 1))
    if rest:
        raise BackendFault(f"Stripe tells of {amount}, which is no whole amount of {code}")
    return Money(whole, code)

"""What a payment is, and which of its changes are possible."""

from __future__ import annotations

from dataclasses import dataclass

from dinnerkit.money import Money
from dinnerkit.ports.gateway import Charge

FINAL = frozenset({"succeeded", "declined", "cancelled"})
"""What a payment stays, once it is that."""

OPEN = frozenset({"created", "processing", "action_required"})
"""What may still become anything."""

UNPAID = OPEN | {"declined", "cancelled"}
"""What has brought no money so far; a late success is possible from each."""


@dataclass(frozen=True, slots=True)
class Payment:
    """A payment as other domains see it; ``status`` is one of ``OPEN`` or ``FINAL``.

    It is ``disputed`` while the guest's bank has the money, decided or not.
    """

    id: str
    reference: str
    user: str
    money: Money
    status: str
    client_secret: str | None = None
    decline_code: str | None = None
    disputed: bool = False

    @property
    def final(self) -> bool:
        """Whether it stays as it is."""
        return self.status in FINAL


@dataclass(frozen=True, slots=True)
class Share:
    """Whose the money of a payment is.

    Attributes:
        payee: whom the price is for, as an opaque id; None leaves it the guest's.
        occasion: what the payee is paid out for in one sum, as an opaque id.
        deposit: how much of the payment is no price, but goes back or is kept later.
    """

    payee: str | None = None
    occasion: str | None = None
    deposit: Money | None = None

    def deposit_of(self, money: Money) -> int:
        """The deposit's minor units in a payment of ``money``.

        Raises:
            ValueError: it is more than all, less than nothing, or in another currency.
        """
        if self.deposit is None:
            return 0
        if self.deposit.currency != money.currency or not 0 <= self.deposit.amount <= money.amount:
            raise ValueError(f"a deposit of {self.deposit} can't be part of {money}")
        return self.deposit.amount


def matches(charge: Charge, payment_id: str, money: Money) -> bool:
    """Whether what the gateway charged is what we asked for: never trusted, always compared."""
    return charge.key == payment_id and charge.money == money

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
    """A payment as other domains see it; ``status`` is one of ``OPEN`` or ``FINAL``."""

    id: str
    reference: str
    user: str
    money: Money
    status: str
    client_secret: str | None = None
    decline_code: str | None = None

    @property
    def final(self) -> bool:
        """Whether it stays as it is."""
        return self.status in FINAL


def matches(charge: Charge, payment_id: str, money: Money) -> bool:
    """Whether what the gateway charged is what we asked for: never trusted, always compared."""
    return charge.key == payment_id and charge.money == money

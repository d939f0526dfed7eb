"""What only a gateway has that runs beside the app, with no bank behind it: what others do at a bank or by a webhook is done here."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from dinnerkit.ports.gateway import Charge, Dispute


@dataclass(frozen=True, slots=True)
class SignedWebhook:
    """A webhook that is ready to be sent: the raw body and its headers."""

    id: str
    body: bytes
    headers: Mapping[str, str]


@runtime_checkable
class LocalWebhooks(Protocol):
    """Capability of a gateway that runs beside the app and can't call its URL: the worker fetches its webhooks and hands them in."""

    def due_webhooks(self, limit: int = 100) -> Iterable[SignedWebhook]:
        """The webhooks whose time has come and that nobody has acknowledged."""
        ...

    def acknowledge(self, webhook_id: str) -> None:
        """The webhook was stored by the app; don't offer it again."""
        ...


@runtime_checkable
class LocalAuthentication(Protocol):
    """Capability of a gateway without a bank: the guest's authentication is answered here, by whoever holds the client secret."""

    def authenticate(self, client_secret: str, *, approve: bool) -> Charge:
        """Settle a payment that requires action.

        Raises:
            NotFound: no payment has that secret.
            Conflict: it requires no action any more.
        """
        ...


@runtime_checkable
class LocalDisputes(Protocol):
    """Capability of a gateway without a bank: disputes are decided here."""

    def settle_dispute(self, dispute_id: str, *, won: bool) -> Dispute:
        """Decide a dispute as the guest's bank would.

        Raises:
            NotFound: there is no such dispute.
            Conflict: it is decided already.
        """
        ...

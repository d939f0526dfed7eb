"""The gateway port: takes payments and gives them back. Its words are those of Stripe's PaymentIntents."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal, Protocol, TypeAlias, runtime_checkable

from dinnerkit.errors import Invalid
from dinnerkit.money import Money

ChargeStatus: TypeAlias = Literal["processing", "action_required", "succeeded", "declined", "cancelled"]
RefundStatus: TypeAlias = Literal["pending", "succeeded", "failed"]


@dataclass(frozen=True, slots=True)
class Charge:
    """A payment as the gateway knows it now.

    Attributes:
        id: the gateway's own id.
        key: the key under which we asked for it: our payment's id.
        status: where it stands; ``succeeded``, ``declined`` and ``cancelled`` are final.
        money: what was asked for.
        client_secret: what the guest's browser needs to authenticate, while ``action_required``.
        decline_code: why it was declined.
    """

    id: str
    key: str
    status: ChargeStatus
    money: Money
    client_secret: str | None = None
    decline_code: str | None = None


@dataclass(frozen=True, slots=True)
class GatewayRefund:
    """A refund as the gateway knows it now; ``key`` is our refund's id."""

    id: str
    key: str
    status: RefundStatus
    money: Money


@dataclass(frozen=True, slots=True)
class GatewayEvent:
    """What a webhook told, once its signature was verified.

    Attributes:
        id: the gateway's id of the notification: a second delivery has the same.
        kind: the gateway's word for what happened, such as ``payment_intent.succeeded``.
        charge_id: the payment that it is about, or None where it is about something that we don't use.
    """

    id: str
    kind: str
    charge_id: str | None


class BadSignature(Invalid):
    """A webhook's signature is missing, wrong or too old: it was not sent by the gateway."""

    code = "bad_signature"


@runtime_checkable
class Gateway(Protocol):
    """A payment service.

    What a backend must guarantee: every write is idempotent on its ``key``: the same key gives the same object again and moves money once,
    over any number of crashes on either side. What ``charge`` answered may change later (authentication, slow methods); ``retrieve`` tells
    the truth of the moment. Amounts are compared by the core, not by the backend. A time-out raises Unavailable, and says nothing about
    whether the money moved.
    """

    name: str

    def charge(self, *, key: str, money: Money, method: str, description: str) -> Charge:
        """Take ``money`` by the payment method of that name.

        Raises:
            Invalid: the gateway knows no such payment method.
            Unavailable: no answer; the charge may or may not exist.
        """
        ...

    def retrieve(self, charge_id: str) -> Charge:
        """The payment as it is now.

        Raises:
            NotFound: the gateway has no such payment.
            Unavailable: no answer.
        """
        ...

    def find(self, key: str) -> Charge | None:
        """The payment that was made under ``key``, or None where none was.

        Raises:
            Unavailable: no answer.
        """
        ...

    def cancel(self, charge_id: str) -> Charge:
        """Give up a payment that has not succeeded; answers it as it is then (it may have succeeded meanwhile).

        Raises:
            NotFound: the gateway has no such payment.
            Unavailable: no answer.
        """
        ...

    def refund(self, *, key: str, charge_id: str, money: Money) -> GatewayRefund:
        """Give back ``money`` of a payment that succeeded.

        Raises:
            Invalid: more than what is left of the payment.
            NotFound: the gateway has no such payment.
            Unavailable: no answer; the refund may or may not exist.
        """
        ...

    def verify(self, body: bytes, headers: Mapping[str, str]) -> GatewayEvent:
        """Check a webhook's signature over its raw body, then say what it tells.

        Raises:
            BadSignature: it was not sent by the gateway.
            Invalid: signed, and yet not understood.
        """
        ...

    def ping(self) -> None:
        """Reach the gateway.

        Raises:
            Unavailable: it can't be reached.
        """
        ...

    def close(self) -> None:
        """Give back connections."""
        ...


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

"""The gateway port: takes payments and gives them back. Its words are those of Stripe's PaymentIntents."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar, Literal, Protocol, TypeAlias, runtime_checkable

from dinnerkit.errors import Conflict, Invalid
from dinnerkit.money import Money

ChargeStatus: TypeAlias = Literal["processing", "action_required", "succeeded", "declined", "cancelled"]
RefundStatus: TypeAlias = Literal["pending", "succeeded", "failed"]
DisputeStatus: TypeAlias = Literal["open", "won", "lost"]
PayoutStatus: TypeAlias = Literal["pending", "paid", "failed"]
Subject: TypeAlias = Literal["charge", "refund", "dispute"]


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
        fee: what the gateway keeps of it, once that is known; in the currency of ``money``, else None.
    """

    id: str
    key: str
    status: ChargeStatus
    money: Money
    client_secret: str | None = None
    decline_code: str | None = None
    fee: Money | None = None


@dataclass(frozen=True, slots=True)
class GatewayRefund:
    """A refund as the gateway knows it now.

    Attributes:
        id: the gateway's own id.
        key: our refund's id; empty where it was not asked for by us, but by a person at the gateway's own desk.
        status: where it stands. None is final for ever: what ``succeeded`` may still come back ``failed``, as when the guest's account is
            closed.
        money: what goes back.
        charge_id: the payment that it is of.
    """

    id: str
    key: str
    status: RefundStatus
    money: Money
    charge_id: str


@dataclass(frozen=True, slots=True)
class Dispute:
    """A guest's bank takes a payment back, as the gateway knows it now.

    Attributes:
        id: the gateway's own id.
        charge_id: the payment that it is about.
        status: ``open`` until it is decided; ``won`` gives the money back to us, ``lost`` leaves it with the guest.
        money: what the bank took.
        reason: the gateway's word for why, such as ``fraudulent``.
        fee: what the gateway keeps for it by now, beside ``money`` and less what it has given back; None where that is not known, or in
            another currency.
    """

    id: str
    charge_id: str
    status: DisputeStatus
    money: Money
    reason: str
    fee: Money | None = None


@dataclass(frozen=True, slots=True)
class GatewayEvent:
    """What a webhook told, once its signature was verified.

    Attributes:
        id: the gateway's id of the notification: a second delivery has the same.
        kind: the gateway's word for what happened, such as ``payment_intent.succeeded``.
        charge_id: the payment to look at, whether the payment itself, a refund or a dispute of it has changed; None where it is about
            something else.
        account_id: the host's account to look at, where it is about one or about a payout to it.
        subject: what of the payment has changed, so that nothing else need be asked for; None has all of it looked at.
    """

    id: str
    kind: str
    charge_id: str | None = None
    account_id: str | None = None
    subject: Subject | None = None


class BadSignature(Invalid):
    """A webhook's signature is missing, wrong or too old: it was not sent by the gateway."""

    code: ClassVar[str] = "bad_signature"


class PaymentDisputed(Conflict):
    """The guest's bank has taken the payment back, so it can't be refunded as well."""

    code: ClassVar[str] = "payment_disputed"


@runtime_checkable
class Gateway(Protocol):
    """A payment service.

    What a backend must guarantee: every write is idempotent on its ``key``: the same key gives the same object again and moves money once,
    over any number of crashes on either side. What ``charge`` answered may change later (authentication, slow methods); ``retrieve`` tells
    the truth of the moment. Amounts are compared by the core, not by the backend. A time-out, of some seconds since guests wait, raises
    Unavailable, and says nothing about whether the money moved. It is safe to use from several threads and greenlets: a key that several
    use at the same time moves money once too.
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
            PaymentDisputed: the guest's bank has taken it back, or is about to.
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


@runtime_checkable
class RefundHistory(Protocol):
    """Capability of a gateway that tells what became of its refunds; one whose refunds may end ``pending`` or fail later must have it."""

    def refunds(self, charge_id: str) -> list[GatewayRefund]:
        """All refunds of a payment as they are now, oldest first, also those that were not asked for by us.

        Raises:
            NotFound: the gateway has no such payment.
            Unavailable: no answer.
        """
        ...


@runtime_checkable
class Disputes(Protocol):
    """Capability of a gateway whose payments may be taken back by the guest's bank."""

    def disputes(self, charge_id: str) -> list[Dispute]:
        """All disputes of a payment as they are now, oldest first.

        Raises:
            NotFound: the gateway has no such payment.
            Unavailable: no answer.
        """
        ...


@runtime_checkable
class Listings(Protocol):
    """Capability of a gateway that can be compared with: it lists what was made in a time, from ``since`` until before ``until``.

    However many there are, each is listed once, oldest or newest first; pages are the backend's own affair. What is listed is as it is now.
    """

    def charges(self, since: datetime, until: datetime) -> Iterable[Charge]:
        """The payments that were made then.

        Raises:
            Unavailable: no answer; what was listed so far is not all.
        """
        ...

    def refunds_made(self, since: datetime, until: datetime) -> Iterable[GatewayRefund]:
        """The refunds that were made then, of payments of any age.

        Raises:
            Unavailable: no answer; what was listed so far is not all.
        """
        ...

    def disputes_opened(self, since: datetime, until: datetime) -> Iterable[Dispute]:
        """The disputes that were opened then, of payments of any age.

        Raises:
            Unavailable: no answer; what was listed so far is not all.
        """
        ...


@dataclass(frozen=True, slots=True)
class HostAccount:
    """A host's account at the gateway, to which payouts go.

    Attributes:
        id: the gateway's own id.
        ready: whether it can take payouts.
        missing: what the host must still tell the gateway, in the gateway's words; empty where nothing is.
    """

    id: str
    ready: bool
    missing: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Payout:
    """Money that goes to a host's account, as the gateway knows it now.

    ``key`` is our payout's id; ``failed`` means that all of it came back, and ``money`` is less than was sent where a part did.
    """

    id: str
    key: str
    account_id: str
    status: PayoutStatus
    money: Money


class AccountNotReady(Conflict):
    """The host's account can't take payouts yet: the host has not told the gateway all that it must know."""

    code: ClassVar[str] = "account_not_ready"


@runtime_checkable
class Payouts(Protocol):
    """Capability of a gateway that pays hosts. Every write is idempotent on its ``key``, as with payments."""

    def open_account(self, *, key: str, host_id: str, country: str, email: str) -> HostAccount:
        """Open an account for a host; ``country`` is where they live, in two letters of ISO 3166-1.

        Raises:
            Invalid: the gateway pays nobody in that country.
            Unavailable: no answer; the account may or may not exist.
        """
        ...

    def onboarding_url(self, account_id: str, *, return_url: str, refresh_url: str) -> str:
        """Where the host tells the gateway what it must know; the URL works once, soon.

        ``return_url`` is where the host comes back to, having finished or not; ``refresh_url`` where to ask for a new URL.

        Raises:
            NotFound: the gateway has no such account.
            Unavailable: no answer.
        """
        ...

    def account(self, account_id: str) -> HostAccount:
        """The account as it is now.

        Raises:
            NotFound: the gateway has no such account.
            Unavailable: no answer.
        """
        ...

    def pay_out(self, *, key: str, account_id: str, money: Money, description: str) -> Payout:
        """Send money to the account, out of what the payments have brought.

        Raises:
            AccountNotReady: the account can't take payouts yet.
            Invalid: the account can't take that currency, or it is no amount. Where only whole multiples of some minor units move, ``step``
                in its details says of how many: the rest is paid with the next.
            NotFound: the gateway has no such account.
            Unavailable: no answer, and the payout may or may not exist; or there is not enough money there yet, and it does not.
        """
        ...

    def payout(self, payout_id: str) -> Payout:
        """The payout as it is now.

        Raises:
            NotFound: the gateway has no such payout.
            Unavailable: no answer.
        """
        ...


@runtime_checkable
class PayoutListings(Protocol):
    """Capability of a gateway whose payouts can be compared with: as :class:`Listings`, for one that has :class:`Payouts`."""

    def payouts_made(self, since: datetime, until: datetime) -> Iterable[Payout]:
        """The payouts to hosts that were made from ``since`` until before ``until``, also those that came back.

        Raises:
            Unavailable: no answer; what was listed so far is not all.
        """
        ...

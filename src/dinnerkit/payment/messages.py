"""What payment tells."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from dinnerkit.messages import Message


@dataclass(frozen=True, kw_only=True, slots=True)
class PaymentSucceeded(Message):
    """The money is here."""

    kind: ClassVar[str] = "payment.succeeded"

    payment_id: str
    reference: str
    user_id: str
    amount: int
    currency: str


@dataclass(frozen=True, kw_only=True, slots=True)
class PaymentFailed(Message):
    """The payment was declined, or given up."""

    kind: ClassVar[str] = "payment.failed"

    payment_id: str
    reference: str
    user_id: str
    status: str


@dataclass(frozen=True, kw_only=True, slots=True)
class NotificationReceived(Message):
    """A gateway says that something about a payment has changed; ``subject`` is what, or None where that is not known."""

    kind: ClassVar[str] = "payment.notification_received"

    notification_id: str
    charge_id: str
    subject: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class RefundRequested(Message):
    """Money shall go back."""

    kind: ClassVar[str] = "payment.refund_requested"

    payment_id: str
    refund_id: str


@dataclass(frozen=True, kw_only=True, slots=True)
class RefundSucceeded(Message):
    """Money went back."""

    kind: ClassVar[str] = "payment.refund_succeeded"

    payment_id: str
    refund_id: str
    reference: str
    user_id: str
    amount: int
    currency: str


@dataclass(frozen=True, kw_only=True, slots=True)
class RefundFailed(Message):
    """The gateway could not give the money back, or it has come back: it is still owed to the guest, and a person must look."""

    kind: ClassVar[str] = "payment.refund_failed"

    payment_id: str
    refund_id: str
    attempt: int
    reference: str
    amount: int
    currency: str


@dataclass(frozen=True, kw_only=True, slots=True)
class RefundDropped(Message):
    """The guest has had the money from the bank, so that it need not go back as well."""

    kind: ClassVar[str] = "payment.refund_dropped"

    payment_id: str
    refund_id: str


@dataclass(frozen=True, kw_only=True, slots=True)
class DisputeOpened(Message):
    """The guest's bank has taken a payment back, until it is decided whether rightly."""

    kind: ClassVar[str] = "payment.dispute_opened"

    payment_id: str
    dispute_id: str
    reference: str
    user_id: str
    payee: str | None
    amount: int
    currency: str
    reason: str


@dataclass(frozen=True, kw_only=True, slots=True)
class DisputeClosed(Message):
    """It is decided whether the money stays with the guest; ``won`` is for us."""

    kind: ClassVar[str] = "payment.dispute_closed"

    payment_id: str
    dispute_id: str
    reference: str
    user_id: str
    payee: str | None
    amount: int
    currency: str
    won: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class DisputeFeeChanged(Message):
    """The gateway keeps that much more for a dispute than was known; less where ``amount`` is below zero."""

    kind: ClassVar[str] = "payment.dispute_fee_changed"

    payment_id: str
    dispute_id: str
    amount: int
    currency: str


@dataclass(frozen=True, kw_only=True, slots=True)
class DepositKept(Message):
    """What was left of a deposit is the payee's."""

    kind: ClassVar[str] = "payment.deposit_kept"

    payment_id: str
    reference: str
    amount: int
    currency: str


@dataclass(frozen=True, kw_only=True, slots=True)
class AccountNotified(Message):
    """A gateway says that something about a payee's account, or a payout to it, has changed."""

    kind: ClassVar[str] = "payment.account_notified"

    notification_id: str
    account_id: str


@dataclass(frozen=True, kw_only=True, slots=True)
class PayoutSent(Message):
    """Money is on its way to a payee."""

    kind: ClassVar[str] = "payment.payout_sent"

    payout_id: str
    payee: str
    amount: int
    currency: str


@dataclass(frozen=True, kw_only=True, slots=True)
class PayoutFailed(Message):
    """A payout came back, and is owed to the payee again."""

    kind: ClassVar[str] = "payment.payout_failed"

    payout_id: str
    payee: str
    amount: int
    currency: str

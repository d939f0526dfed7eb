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
    """A gateway says that something about a payment has changed."""

    kind: ClassVar[str] = "payment.notification_received"

    notification_id: str
    charge_id: str


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

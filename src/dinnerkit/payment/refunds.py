"""Refunds: asked for once for each cause, then carried out by a worker until the gateway has done it."""

from __future__ import annotations

import structlog
from pymongo.database import Database

from dinnerkit.clock import Clock
from dinnerkit.delivery.outbox import Outbox
from dinnerkit.ids import new_id
from dinnerkit.money import Money
from dinnerkit.payment.documents import PaymentDocument
from dinnerkit.payment.errors import NoSuchPayment, RefundFailed, RefundTooLarge
from dinnerkit.payment.messages import RefundRequested, RefundSucceeded
from dinnerkit.ports.gateway import Gateway
from dinnerkit.storage import Row, collection

log = structlog.get_logger(__name__)


class RefundService:
    """Gives money back."""

    def __init__(self, database: Database[Row], gateway: Gateway, clock: Clock) -> None:
        self._payments = collection(database, PaymentDocument)
        self._gateway = gateway
        self._clock = clock
        self._outbox = Outbox(clock)

    def request(self, payment_id: str, money: Money, *, key: str, reason: str) -> None:
        """Note that ``money`` shall go back for the cause that ``key`` names; a second request for the same cause changes nothing.

        Raises:
            NoSuchPayment: there is no such payment.
            RefundTooLarge: more than is left of it, or another currency, or it never succeeded.
        """
        if money.amount <= 0:
            return
        refund_id = new_id()
        entry = {"id": refund_id, "key": key, "amount": money.amount, "reason": reason, "status": "pending", "at": self._clock()}
        asked = self._payments.update_one(
            {
                "_id": payment_id,
                "status": "succeeded",
                "currency": money.currency,
                "refundable": {"$gte": money.amount},
                "refunds.key": {"$ne": key},
            },
            {
                "$inc": {"refundable": -money.amount},
                "$push": {"refunds": entry} | self._outbox.push(RefundRequested(payment_id=payment_id, refund_id=refund_id)),
            },
        )
        if not asked.matched_count:
            self._explain(payment_id, key)

    def carry_out(self, payment_id: str, refund_id: str) -> None:
        """Let the gateway give the money back, and record it; safe to repeat.

        Raises:
            Unavailable: the gateway gave no answer.
            RefundFailed: the gateway could not give it back.
        """
        row = self._payments.find_one({"_id": payment_id})
        entry = next((refund for refund in row["refunds"] if refund["id"] == refund_id), None) if row else None
        if row is None or entry is None or entry["status"] != "pending":
            return
        money = Money(entry["amount"], row["currency"])
        refund = self._gateway.refund(key=refund_id, charge_id=row["charge"], money=money)
        if refund.status == "failed":
            raise RefundFailed("the gateway could not give the money back", refund=refund.id)
        done = RefundSucceeded(
            payment_id=payment_id,
            refund_id=refund_id,
            reference=row["reference"],
            user_id=row["user"],
            amount=money.amount,
            currency=money.currency,
        )
        self._payments.update_one(
            {"_id": payment_id, "refunds": {"$elemMatch": {"id": refund_id, "status": "pending"}}},
            {
                "$set": {"refunds.$.status": "succeeded", "refunds.$.gateway_id": refund.id, "updated_at": self._clock()},
                "$push": self._outbox.push(done),
            },
        )

    def refunded(self, reference: str) -> int:
        """The minor units that went back, or are on their way, over all payments for ``reference``."""
        rows = self._payments.find({"reference": reference}, ("refunds.amount",))
        return sum(refund["amount"] for row in rows for refund in row.get("refunds", ()))

    def _explain(self, payment_id: str, key: str) -> None:
        row = self._payments.find_one({"_id": payment_id})
        if row is None:
            raise NoSuchPayment("there is no such payment")
        if any(refund["key"] == key for refund in row["refunds"]):
            return
        raise RefundTooLarge("more would go back than is left of the payment", refundable=row["refundable"])

"""Deposits that are kept; one that goes back is refunded like a price (:class:`dinnerkit.payment.refunds.RefundService`)."""

from __future__ import annotations

from pymongo.database import Database

from dinnerkit.clock import Clock
from dinnerkit.delivery.outbox import Outbox
from dinnerkit.payment.documents import PaymentDocument
from dinnerkit.payment.messages import DepositKept
from dinnerkit.storage import Row, collection

_MOST_TRIES = 5


class DepositService:
    """Gives payees the deposits of those who did not come."""

    def __init__(self, database: Database[Row], clock: Clock) -> None:
        self._payments = collection(database, PaymentDocument)
        self._clock = clock
        self._outbox = Outbox(clock)

    def keep(self, payment_id: str) -> None:
        """Give what is left of the deposit to the payee for good; safe to repeat, and nothing happens where nothing is left."""
        for _ in range(_MOST_TRIES):
            row = self._payments.find_one(
                {"_id": payment_id, "status": "succeeded", "deposit_left": {"$gt": 0}}, ("reference", "currency", "deposit_left")
            )
            if row is None:
                return
            left, now = int(row["deposit_left"]), self._clock()
            told = DepositKept(payment_id=payment_id, reference=row["reference"], amount=left, currency=row["currency"])
            kept = self._payments.update_one(
                {"_id": payment_id, "deposit_left": left, "deposit_kept": None},
                {
                    "$set": {"deposit_kept": {"amount": left, "at": now}, "deposit_left": 0, "updated_at": now},
                    # What the payee has been given for good can't go back to the guest as well.
                    "$inc": {"refundable": -left},
                    "$push": self._outbox.push(told),
                },
            )
            if kept.matched_count:
                return

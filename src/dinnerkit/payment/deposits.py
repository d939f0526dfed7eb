"""Deposits: the part of a payment that goes back to those who come, and is kept from those who don't."""

from __future__ import annotations

from pymongo.database import Database

from dinnerkit.clock import Clock
from dinnerkit.delivery.outbox import Outbox
from dinnerkit.money import Money
from dinnerkit.payment.documents import PaymentDocument
from dinnerkit.payment.messages import DepositKept
from dinnerkit.payment.refunds import RefundService
from dinnerkit.storage import Row, collection

_MOST_TRIES = 5


class DepositService:
    """Decides once for each payment what becomes of its deposit, as its booking says."""

    def __init__(self, database: Database[Row], refunds: RefundService, clock: Clock) -> None:
        self._payments = collection(database, PaymentDocument)
        self._refunds = refunds
        self._clock = clock
        self._outbox = Outbox(clock)

    def give_back(self, payment_id: str, *, key: str, reason: str) -> None:
        """Have what is left of the deposit go back to the guest; safe to repeat, and nothing happens where nothing is left.

        Raises:
            PaymentDisputed: the guest's bank has taken the payment back.
        """
        row = self._payments.find_one({"_id": payment_id, "status": "succeeded"}, ("deposit_left", "currency"))
        left = Money(int(row.get("deposit_left") or 0), row["currency"]) if row else None
        if left is not None and left.amount:
            self._refunds.request(payment_id, left, key=key, reason=reason, deposit=left)

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

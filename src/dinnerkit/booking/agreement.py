"""Whether the bookings and the money agree: who has seats has paid for them, and what was paid for nothing goes back."""

from __future__ import annotations

from collections.abc import Iterator

from pymongo.database import Database

from dinnerkit.booking.refunds import owed_back
from dinnerkit.booking.rules import SETTLED
from dinnerkit.booking.store import Booking, BookingStore
from dinnerkit.clock import Clock
from dinnerkit.payment.documents import PaymentDocument
from dinnerkit.payment.ledger.checking import IN_FLIGHT, Finding, in_batches
from dinnerkit.payment.ledger.documents import EntryDocument
from dinnerkit.storage import Row, collection

_FIELDS = ("reference", "status", "amount", "currency", "refundable", "refunds", "disputes", "deposit_kept", "succeeded_at", "created_at")


class BookingAgreement:
    """Goes once over all bookings and payments; what has just changed, and is still on its way, is left alone."""

    def __init__(self, database: Database[Row], store: BookingStore, clock: Clock) -> None:
        self._payments = collection(database, PaymentDocument)
        self._entries = collection(database, EntryDocument)
        self._store = store
        self._clock = clock

    def findings(self) -> Iterator[Finding]:
        """Everything that does not agree, one at a time."""
        settled_before = self._clock() - IN_FLIGHT
        for bookings in in_batches(self._store.about_money()):
            wanted = [booking.payment for booking, _ in bookings if booking.payment]
            payments = {row["_id"]: row for row in self._payments.find({"_id": {"$in": wanted}}, _FIELDS)}
            causes = [f"payment_succeeded:{payment}" for payment in wanted]
            posted = {row["_id"] for row in self._entries.find({"_id": {"$in": causes}}, ("_id",))}
            for booking, changed_at in bookings:
                if changed_at <= settled_before:
                    yield from _of_booking(booking, payments.get(booking.payment or ""), posted)
        rows = self._payments.find({"status": "succeeded"}, _FIELDS).sort("_id", 1)
        for payments_made in in_batches(row for row in rows if (row.get("succeeded_at") or row["created_at"]) <= settled_before):
            yield from self._of_payments(payments_made)

    def _of_payments(self, rows: list[Row]) -> Iterator[Finding]:
        """A payment is for one booking; one that no booking counts on must go back in full."""
        counted = self._store.counting_on([row["_id"] for row in rows])
        for row in rows:
            if len(having := counted.get(row["_id"], ())) > 1:
                yield Finding("payment_for_two", row["_id"], f"the payment {row['_id']} is that of several bookings: {', '.join(having)}")
            kept = int((row.get("deposit_kept") or {}).get("amount", 0))
            if row["_id"] not in counted and int(row["refundable"]) + kept and not _disputed(row):
                text = f"the payment {row['_id']} has bought nothing, and does not go back: its booking is {row['reference']}"
                yield Finding("payment_for_nothing", row["_id"], text)


def _of_booking(booking: Booking, payment: Row | None, posted: set[str]) -> Iterator[Finding]:
    if payment is None or payment["status"] != "succeeded":
        if booking.status in SETTLED and booking.amount.amount:
            yield Finding("booking_unpaid", booking.id, f"the booking {booking.id} is {booking.status}, and nothing was paid for it")
        return
    if (payment["amount"], payment["currency"]) != (booking.amount.amount, booking.amount.currency):
        paid = f"{payment['amount']} {payment['currency']}"
        text = f"the booking {booking.id} costs {booking.amount.amount} {booking.amount.currency}, and its payment is of {paid}"
        yield Finding("booking_amount", booking.id, text)
    if f"payment_succeeded:{payment['_id']}" not in posted:
        yield Finding(
            "booking_not_in_ledger", booking.id, f"the ledger does not know of the payment {payment['_id']} of the booking {booking.id}"
        )
    keys = {refund["key"] for refund in payment["refunds"]}
    for owed in owed_back(booking):
        if owed.key not in keys and not _disputed(payment):
            text = f"{owed.money.amount} {owed.money.currency} are owed back for the booking {booking.id}, and nobody has asked for them"
            yield Finding("refund_owed", booking.id, text)


def _disputed(payment: Row) -> bool:
    return any(dispute["status"] != "won" for dispute in payment.get("disputes", ()))

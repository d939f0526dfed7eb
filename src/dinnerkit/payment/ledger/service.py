"""The ledger in the database: entries go in once, and are read; nothing changes them."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from pymongo.database import Database

from dinnerkit.clock import Clock
from dinnerkit.payment.documents import PaymentDocument
from dinnerkit.payment.ledger.documents import EntryDocument, PostingPart
from dinnerkit.payment.ledger.reading import PAYMENT_FIELDS, paid, paid_out
from dinnerkit.payment.ledger.rules import Account, Entry, entries_of, entries_of_payout
from dinnerkit.payment.payouts.documents import PayoutDocument
from dinnerkit.storage import Row, collection, insert_missing, to_row


class Ledger:
    """Takes entries and sums them up."""

    def __init__(self, database: Database[Row], clock: Clock) -> None:
        self._entries = collection(database, EntryDocument)
        self._payments = collection(database, PaymentDocument)
        self._payouts = collection(database, PayoutDocument)
        self._clock = clock

    def post(self, entries: Iterable[Entry]) -> None:
        """Write down those of the entries whose cause has none yet."""
        now = self._clock()
        rows = [to_row(_document(entry, now)) for entry in entries]
        if rows:
            insert_missing(self._entries, rows)

    def post_payment(self, payment_id: str) -> None:
        """Write down whatever the payment has been through and the ledger lacks; safe to repeat."""
        row = self._payments.find_one({"_id": payment_id, "status": "succeeded"}, PAYMENT_FIELDS)
        if row is not None:
            self.post(entries_of(paid(row)))

    def post_payout(self, payout_id: str) -> None:
        """The same for a payout that was sent."""
        row = self._payouts.find_one({"_id": payout_id, "sent_at": {"$exists": True}})
        if row is not None:
            self.post(entries_of_payout(paid_out(row)))

    def has(self, entry_id: str) -> bool:
        """Whether that cause has an entry."""
        return self._entries.count_documents({"_id": entry_id}, limit=1) == 1

    def balances(self) -> dict[str, dict[Account, int]]:
        """What each account stands at, by currency; those that nothing was ever posted to are left out."""
        found: dict[str, dict[Account, int]] = {}
        for row in self._entries.aggregate([*_SUMS, {"$sort": {"_id.currency": 1, "_id.account": 1}}]):
            found.setdefault(row["_id"]["currency"], {})[Account(row["_id"]["account"])] = int(row["amount"])
        return found

    def owed(self, payee: str) -> dict[str, int]:
        """What is owed to a payee, by currency; below zero where they owe us."""
        rows = self._entries.aggregate([{"$match": {"payee": payee}}, *_SUMS, {"$match": {"_id.account": Account.HOSTS}}])
        return {row["_id"]["currency"]: -int(row["amount"]) for row in rows}

    def of_payee(self, payee: str, since: datetime, until: datetime) -> list[Entry]:
        """The entries that changed what is owed to a payee, from ``since`` until before ``until``, oldest first."""
        query: Row = {"payee": payee, "at": {"$gte": since, "$lt": until}, "postings.account": Account.HOSTS}
        return [entry_of(row) for row in self._entries.find(query).sort([("at", 1), ("_id", 1)])]

    def owed_before(self, payee: str, moment: datetime) -> dict[str, int]:
        """What was owed to a payee before that moment, by currency."""
        rows = self._entries.aggregate(
            [{"$match": {"payee": payee, "at": {"$lt": moment}}}, *_SUMS, {"$match": {"_id.account": Account.HOSTS}}]
        )
        return {row["_id"]["currency"]: -int(row["amount"]) for row in rows}


_SUMS: list[dict[str, Any]] = [
    {"$unwind": "$postings"},
    {"$group": {"_id": {"currency": "$currency", "account": "$postings.account"}, "amount": {"$sum": "$postings.amount"}}},
]


def entry_of(row: Row) -> Entry:
    """The entry in a document.

    Raises:
        ValueError: it does not balance.
    """
    return Entry(
        id=row["_id"],
        at=row["at"],
        currency=row["currency"],
        postings={Account(part["account"]): int(part["amount"]) for part in row["postings"]},
        payment=row.get("payment"),
        payout=row.get("payout"),
        reference=row.get("reference"),
        payee=row.get("payee"),
        occasion=row.get("occasion"),
    )


def _document(entry: Entry, now: datetime) -> EntryDocument:
    return EntryDocument(
        id=entry.id,
        at=entry.at,
        currency=entry.currency,
        postings=[PostingPart(account=str(account), amount=amount) for account, amount in sorted(entry.postings.items())],
        payment=entry.payment,
        payout=entry.payout,
        reference=entry.reference,
        payee=entry.payee,
        occasion=entry.occasion,
        posted_at=now,
    )

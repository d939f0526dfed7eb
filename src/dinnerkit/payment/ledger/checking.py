"""Proves the ledger: that it balances, and that it holds what payments and payouts imply, all of it and nothing else."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice
from typing import Any, TypeVar

from pymongo.collection import Collection
from pymongo.database import Database

from dinnerkit.clock import Clock
from dinnerkit.payment.documents import PaymentDocument
from dinnerkit.payment.ledger.documents import EntryDocument
from dinnerkit.payment.ledger.reading import PAYMENT_FIELDS, paid, paid_out
from dinnerkit.payment.ledger.rules import Entry, entries_of, entries_of_payout
from dinnerkit.payment.ledger.service import Ledger, entry_of
from dinnerkit.payment.payouts.documents import PayoutDocument
from dinnerkit.storage import Row, collection

IN_FLIGHT = timedelta(minutes=1)
"""How long an entry may take to be posted: what is younger and not there yet is on its way."""

_BATCH = 500

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that is wrong.

    Attributes:
        code: what sort of thing, for programs: ``missing_entry``.
        subject: the id of what it is wrong with.
        text: a sentence for a person.
        document: the id of the payment or payout that lacks an entry; empty with other findings.
    """

    code: str
    subject: str
    text: str
    document: str = ""


class LedgerCheck:
    """Goes once over everything."""

    def __init__(self, database: Database[Row], ledger: Ledger, clock: Clock) -> None:
        self._entries = collection(database, EntryDocument)
        self._payments = collection(database, PaymentDocument)
        self._payouts = collection(database, PayoutDocument)
        self._ledger = ledger
        self._clock = clock

    def findings(self) -> Iterator[Finding]:
        """Everything that is wrong, one at a time."""
        yield from self._unbalanced()
        for currency, balances in self._ledger.balances().items():
            if total := sum(balances.values()):
                yield Finding("unbalanced_currency", currency, f"all accounts in {currency} sum up to {total}, not to zero")
        yield from self._payments_against_entries()
        yield from self._payouts_against_entries()

    def count(self) -> int:
        """How many entries there are."""
        return self._entries.count_documents({})

    def _unbalanced(self) -> Iterator[Finding]:
        sums: list[Row] = [
            {"$project": {"total": {"$sum": "$postings.amount"}}},
            {"$match": {"total": {"$ne": 0}}},
            {"$sort": {"_id": 1}},
        ]
        for row in self._entries.aggregate(sums):
            yield Finding("unbalanced_entry", row["_id"], f"the entry {row['_id']} sums up to {row['total']}, not to zero")

    def _payments_against_entries(self) -> Iterator[Finding]:
        rows = self._payments.find({"status": "succeeded"}, PAYMENT_FIELDS).sort("_id", 1)
        yield from compared("payment", rows, lambda row: entries_of(paid(row)), self._entries, self._clock() - IN_FLIGHT)
        yield from without_cause("payment", self._entries, self._payments, {"status": "succeeded"})

    def _payouts_against_entries(self) -> Iterator[Finding]:
        sent = {"sent_at": {"$exists": True}}
        rows = self._payouts.find(sent, {"outbox": 0}).sort("_id", 1)
        yield from compared("payout", rows, lambda row: entries_of_payout(paid_out(row)), self._entries, self._clock() - IN_FLIGHT)
        yield from without_cause("payout", self._entries, self._payouts, sent)


def in_batches(things: Iterable[T]) -> Iterator[list[T]]:
    """The things, some hundreds at a time."""
    going = iter(things)
    while batch := list(islice(going, _BATCH)):
        yield batch


def compared(about: str, rows: Iterable[Row], implied: Any, entries: Collection[Row], settled_before: datetime) -> Iterator[Finding]:
    """What the documents imply against the entries that are about them."""
    for batch in in_batches(rows):
        posted: dict[str, dict[str, Row]] = {row["_id"]: {} for row in batch}
        for row in entries.find({about: {"$in": list(posted)}}):
            posted[row[about]][row["_id"]] = row
        for document in batch:
            yield from _differences(about, document["_id"], implied(document), posted[document["_id"]], settled_before)


def without_cause(about: str, entries: Collection[Row], causes: Collection[Row], counting: Row) -> Iterator[Finding]:
    """The entries about documents that are not there, or never counted."""
    rows = entries.find({about: {"$exists": True}}, (about,)).sort("_id", 1)
    for batch in in_batches(rows):
        wanted = list({row[about] for row in batch})
        found = {row["_id"] for row in causes.find({"_id": {"$in": wanted}, **counting}, ("_id",))}
        for row in batch:
            if row[about] not in found:
                yield Finding("entry_without_cause", row["_id"], f"the entry {row['_id']} is about a {about} that never was: {row[about]}")


def _differences(about: str, key: str, implied: list[Entry], posted: dict[str, Row], settled_before: datetime) -> Iterator[Finding]:
    wanted = {entry.id: entry for entry in implied}
    for cause, entry in wanted.items():
        row = posted.get(cause)
        if row is None:
            if entry.at <= settled_before:
                yield Finding("missing_entry", cause, f"the {about} {key} lacks the entry {cause}", key)
        elif not _same(entry, row):
            yield Finding("wrong_entry", cause, f"the entry {cause} says something else than its {about} {key}")
    for cause in sorted(posted.keys() - wanted.keys()):
        yield Finding("entry_without_cause", cause, f"the {about} {key} implies no entry {cause}")


def _same(entry: Entry, row: Row) -> bool:
    try:
        return entry_of(row) == entry
    except ValueError:  # it does not balance, which is said elsewhere, or names an account that is none
        return False

"""Holds the gateway's list of payouts against ours; what is safe to note is noted, and nothing is ever sent from here."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from pymongo.database import Database

from dinnerkit.clock import Clock
from dinnerkit.errors import NotFound
from dinnerkit.money import Money
from dinnerkit.payment.ledger.checking import in_batches
from dinnerkit.payment.payouts.documents import PayoutDocument
from dinnerkit.payment.payouts.service import PayoutService
from dinnerkit.payment.reconciliation.comparing import Mismatch, words
from dinnerkit.ports.gateway import Gateway, Payout, PayoutListings, Payouts
from dinnerkit.storage import Row, collection

_PATIENCE = timedelta(days=1)
"""How long a payout may take to be made: until then the gateway may still wait for the money of the payments."""


@dataclass(slots=True)
class ComparingPayouts:
    """One comparison.

    Attributes:
        compared: how many payouts of the gateway's were looked at so far.
    """

    database: Database[Row]
    gateway: Gateway
    payouts: PayoutService
    clock: Clock
    repair: bool
    compared: int = 0
    _seen: set[str] = field(default_factory=set)

    def mismatches(self, since: datetime, until: datetime) -> Iterator[Mismatch]:
        """Everything that does not agree; nothing with a gateway that pays nobody.

        Raises:
            Unavailable: the gateway gave no answer, and the comparison is not whole.
        """
        if isinstance(self.gateway, PayoutListings):
            for batch in in_batches(self.gateway.payouts_made(since, until)):
                rows = {row["_id"]: row for row in self._rows({"_id": {"$in": [payout.key for payout in batch]}})}
                for payout in batch:
                    self.compared += 1
                    self._seen.add(payout.id)
                    yield from self._listed(payout, rows.get(payout.key))
        if isinstance(self.gateway, Payouts):
            yield from self._own(self.gateway, since, until)
            yield from self._never_made()

    def _listed(self, payout: Payout, row: Row | None) -> Iterator[Mismatch]:
        if row is not None and row.get("gateway_id", payout.id) == payout.id:
            yield from self._payout(payout, row)
        elif payout.status == "failed":  # the money is there again, so that nothing of it is missing
            return
        elif row is None:
            text = f"the gateway has paid {words(payout.money)} to {payout.account_id}, payout {payout.id}, of which we know nothing"
            yield Mismatch("unknown_payout", payout.id, text)
        else:
            text = f"the gateway has made the payout {row['_id']} twice: as {row['gateway_id']}, and {words(payout.money)} as {payout.id}"
            yield Mismatch("payout_twice", row["_id"], text)

    def _payout(self, payout: Payout, row: Row) -> Iterator[Mismatch]:
        ours, status = row["_id"], row["status"]
        if status in {"waiting", "nothing"}:  # how much it should be nobody has said
            text = f"the payout {ours} is {status}, and the gateway has made it, {words(payout.money)} as {payout.id}"
            yield Mismatch("payout_status", ours, text)
        elif payout.money != Money(row["amount"], row["currency"]):
            text = f"the payout {ours} is of {row['amount']} {row['currency']}, and the gateway has paid {words(payout.money)}"
            yield Mismatch("payout_amount", ours, text)
        elif payout.account_id != row["account"]:
            text = f"the payout {ours} is to {row['account']}, and the gateway has paid {payout.account_id}"
            yield Mismatch("payout_account", ours, text)
        elif status == "sending" or (status == "failed") != (payout.status == "failed"):
            text = f"the payout {ours} is {status}, and the gateway says {payout.status}"
            yield Mismatch("payout_status", ours, text, self._learnt(payout, ours))

    def _own(self, gateway: Payouts, since: datetime, until: datetime) -> Iterator[Mismatch]:
        """Ours that the gateway has not listed: made a moment before or after, or not there at all; all, where it lists nothing."""
        for row in self._rows({"sent_at": {"$gte": since, "$lt": until}, "gateway": self.gateway.name}):
            if row["gateway_id"] in self._seen:
                continue
            try:
                yield from self._payout(gateway.payout(row["gateway_id"]), row)
            except NotFound:
                text = f"the gateway knows nothing of the payout {row['_id']} of {row['amount']} {row['currency']}, {row['gateway_id']}"
                yield Mismatch("missing_payout", row["_id"], text)

    def _never_made(self) -> Iterator[Mismatch]:
        """Those that are being sent for so long, whenever that began; they are gone on with by themselves, and somebody should know."""
        stuck = {"try_at": {"$exists": True}, "status": "sending", "fixed_at": {"$lte": self.clock() - _PATIENCE}}
        for row in self._rows(stuck | {"gateway": self.gateway.name}):
            text = f"the payout {row['_id']} of {row['amount']} {row['currency']} should have been made a day ago, and the gateway has not"
            yield Mismatch("payout_not_made", row["_id"], text)

    def _learnt(self, payout: Payout, payout_id: str) -> bool:
        if not self.repair:
            return False
        self.payouts.learn(payout_id, payout)
        row = next(self._rows({"_id": payout_id}))
        return bool(row["status"] == ("failed" if payout.status == "failed" else "sent"))

    def _rows(self, query: Row) -> Iterator[Row]:
        yield from collection(self.database, PayoutDocument).find(query, {"outbox": 0})

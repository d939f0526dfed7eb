"""Holds the gateway's lists against the payments, one mismatch at a time, each repaired where that is safe."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from pymongo.database import Database

from dinnerkit.clock import Clock
from dinnerkit.errors import NotFound
from dinnerkit.money import Money
from dinnerkit.payment.disputes import DisputeService, fee_of
from dinnerkit.payment.documents import PaymentDocument
from dinnerkit.payment.errors import ChargeMismatch
from dinnerkit.payment.ledger.checking import in_batches
from dinnerkit.payment.refund_states import gateway_key
from dinnerkit.payment.refunds import RefundService
from dinnerkit.payment.rules import FINAL, OPEN, matches
from dinnerkit.payment.service import PaymentService
from dinnerkit.ports.gateway import Charge, Dispute, Disputes, Gateway, GatewayRefund, Listings, RefundHistory
from dinnerkit.storage import Row, collection

_PATIENCE = timedelta(minutes=10)
"""How long a refund may wait to be asked for."""


def words(money: Money) -> str:
    """The money in minor units, as programs count it."""
    return f"{money.amount} {money.currency}"


@dataclass(frozen=True, slots=True)
class Mismatch:
    """Something that does not agree: ``code`` for programs, the id of what it is about, a sentence, and whether it agrees by now."""

    code: str
    subject: str
    text: str
    repaired: bool = False


@dataclass(slots=True)
class Comparing:
    """One comparison; what is safe is repaired by asking the gateway again, as a webhook would have made us do.

    Attributes:
        compared: how many things of the gateway's were looked at so far.
    """

    database: Database[Row]
    gateway: Gateway
    payments: PaymentService
    refunds: RefundService
    disputes: DisputeService
    clock: Clock
    repair: bool
    compared: int = 0
    _seen: set[str] = field(default_factory=set)
    _keys: set[str] = field(default_factory=set)
    _disputes_seen: set[str] = field(default_factory=set)

    def mismatches(self, since: datetime, until: datetime) -> Iterator[Mismatch]:
        """Everything that does not agree.

        Raises:
            Unavailable: the gateway gave no answer, and the comparison is not whole.
        """
        if isinstance(self.gateway, Listings):
            yield from self._charges(self.gateway, since, until)
            yield from self._refunds(self.gateway, since, until)
            yield from self._disputes(self.gateway, since, until)
        yield from self._own_payments(since, until)
        yield from self._own_refunds(since, until)
        yield from self._open_disputes()

    def _charges(self, gateway: Listings, since: datetime, until: datetime) -> Iterator[Mismatch]:
        for batch in in_batches(gateway.charges(since, until)):
            wanted = {"$or": [{"_id": {"$in": [charge.key for charge in batch]}}, {"charge": {"$in": [charge.id for charge in batch]}}]}
            rows = {key: row for row in self._rows(wanted) for key in (row["_id"], row.get("charge"))}
            for charge in batch:
                self.compared += 1
                row = rows.get(charge.key) or rows.get(charge.id)
                if row is not None:
                    self._seen.add(row["_id"])
                    yield from self._charge(charge, row)
                elif charge.status not in {"declined", "cancelled"}:
                    text = f"the gateway has the charge {charge.id} of {words(charge.money)}, {charge.status}, of which we know nothing"
                    yield Mismatch("unknown_charge", charge.id, text)

    def _charge(self, charge: Charge, row: Row) -> Iterator[Mismatch]:
        payment, ours = row["_id"], row["status"]
        if not matches(charge, payment, Money(row["amount"], row["currency"])):
            text = f"the payment {payment} is of {row['amount']} {row['currency']}, and its charge {charge.id} of {words(charge.money)}"
            yield Mismatch("charge_amount", payment, text)
        elif ours == "succeeded" and charge.status != "succeeded":
            yield Mismatch(
                "charge_not_succeeded", payment, f"the payment {payment} has succeeded, and its charge {charge.id} is {charge.status}"
            )
        elif (charge.status == "succeeded" and ours != "succeeded") or (charge.status in FINAL and ours in OPEN):
            text = f"the payment {payment} is {ours}, and its charge {charge.id} has {charge.status}"
            yield Mismatch("charge_status", payment, text, self._synced(payment, charge.status))
        elif ours == "succeeded" and charge.fee is not None and row.get("gateway_fee") is None and charge.fee.currency == row["currency"]:
            learnt = self._mended(lambda: self.payments.learn_fee(payment, charge), lambda: True)
            yield Mismatch("gateway_fee", payment, f"the gateway kept {words(charge.fee)} of the payment {payment}", learnt)

    def _own_payments(self, since: datetime, until: datetime) -> Iterator[Mismatch]:
        """Ours that the gateway has not listed: made a moment before or after, or not there at all."""
        charged = {"created_at": {"$gte": since, "$lt": until}, "gateway": self.gateway.name, "charge": {"$exists": True}}
        for row in self._rows(charged):
            if row["_id"] in self._seen:
                continue
            try:
                yield from self._charge(self.gateway.retrieve(row["charge"]), row)
            except NotFound:
                text = f"the gateway knows nothing of the charge {row['charge']} of the payment {row['_id']}, which is {row['status']}"
                yield Mismatch("missing_charge", row["_id"], text)

    def _refunds(self, gateway: Listings, since: datetime, until: datetime) -> Iterator[Mismatch]:
        for batch in in_batches(gateway.refunds_made(since, until)):
            rows = {row["charge"]: row for row in self._rows({"charge": {"$in": list({refund.charge_id for refund in batch})}})}
            for refund in batch:
                self.compared += 1
                self._keys.add(refund.key)
                yield from self._refund(refund, rows.get(refund.charge_id))

    def _refund(self, refund: GatewayRefund, row: Row | None) -> Iterator[Mismatch]:
        entries = row["refunds"] if row else []
        entry = next((entry for entry in entries if gateway_key(entry) == refund.key), None)
        if any(refund.id == past.get("gateway_id") for one in entries for past in one.get("failed", ())):
            return
        if row is None or entry is None:
            text = (
                f"the gateway has given back {words(refund.money)} of {refund.charge_id}, refund {refund.id}, which nobody asked for here"
            )
            yield Mismatch("unknown_refund", refund.id, text)
        elif (entry["amount"], row["currency"]) != (refund.money.amount, refund.money.currency):
            text = f"the refund {entry['id']} is of {entry['amount']} {row['currency']}, and the gateway gave back {words(refund.money)}"
            yield Mismatch("refund_amount", entry["id"], text)
        elif entry["status"] != refund.status:
            payment = row["_id"]
            mended = self._mended(lambda: self.refunds.sync(payment), lambda: self._refund_status(payment, entry["id"]) == refund.status)
            text = f"the refund {entry['id']} is {entry['status']}, and the gateway says {refund.status}"
            yield Mismatch("refund_status", entry["id"], text, mended)

    def _own_refunds(self, since: datetime, until: datetime) -> Iterator[Mismatch]:
        for row in self._rows({"refunds.at": {"$gte": since, "$lt": until}, "gateway": self.gateway.name}):
            for entry in row["refunds"]:
                if since <= entry["at"] < until:
                    yield from self._own_refund(row, entry)

    def _own_refund(self, row: Row, entry: Row) -> Iterator[Mismatch]:
        payment, refund, status = row["_id"], entry["id"], self._refund_status(row["_id"], entry["id"])
        if status == "failed":
            yield Mismatch(
                "refund_failed", refund, f"the refund {refund} of the payment {payment} could not be made: dinnerkit refunds retry {refund}"
            )
        elif status == "pending" and not entry.get("gateway_id") and entry["at"] <= self.clock() - _PATIENCE and not _disputed(row):
            mended = self._mended(
                lambda: self.refunds.carry_out(payment, refund), lambda: self._refund_status(payment, refund) != "pending"
            )
            yield Mismatch("refund_not_made", refund, f"the refund {refund} of the payment {payment} was never made", mended)
        elif status == "succeeded" and gateway_key(entry) not in self._keys and isinstance(self.gateway, RefundHistory):
            made: list[GatewayRefund] = []
            with suppress(NotFound):  # of a charge that is missing, which is said elsewhere
                made = self.gateway.refunds(row["charge"])
            if not any(one.key == gateway_key(entry) for one in made):
                yield Mismatch("missing_refund", refund, f"the gateway knows nothing of the refund {refund} of the payment {payment}")

    def _disputes(self, gateway: Listings, since: datetime, until: datetime) -> Iterator[Mismatch]:
        for batch in in_batches(gateway.disputes_opened(since, until)):
            rows = {row["charge"]: row for row in self._rows({"charge": {"$in": list({dispute.charge_id for dispute in batch})}})}
            for dispute in batch:
                self.compared += 1
                self._disputes_seen.add(dispute.id)
                if dispute.charge_id in rows:
                    yield from self._dispute(dispute, rows[dispute.charge_id])
                else:
                    text = f"the dispute {dispute.id} is about the charge {dispute.charge_id}, of which we know nothing"
                    yield Mismatch("unknown_dispute", dispute.id, text)

    def _dispute(self, dispute: Dispute, row: Row) -> Iterator[Mismatch]:
        payment, status, fee = row["_id"], self._dispute_status(row["_id"], dispute.id), dispute.fee
        if status != dispute.status:
            mended = self._mended(lambda: self.disputes.sync(payment), lambda: self._dispute_status(payment, dispute.id) == dispute.status)
            text = f"the dispute {dispute.id} of the payment {payment} is {dispute.status}, and we have it as {status or 'unknown'}"
            yield Mismatch("dispute_status", dispute.id, text, mended)
        elif fee is not None and fee.currency == row["currency"] and fee.amount != self._dispute_fee(payment, dispute.id):
            mended = self._mended(lambda: self.disputes.sync(payment), lambda: self._dispute_fee(payment, dispute.id) == fee.amount)
            yield Mismatch("dispute_fee", dispute.id, f"the gateway keeps {words(fee)} for the dispute {dispute.id}", mended)

    def _open_disputes(self) -> Iterator[Mismatch]:
        """Disputes take weeks: those that are open for us are asked about whenever they began."""
        if not isinstance(self.gateway, Disputes):
            return
        for row in self._rows({"disputes.status": "open", "gateway": self.gateway.name}):
            with suppress(NotFound):
                for dispute in self.gateway.disputes(row["charge"]):
                    if dispute.id not in self._disputes_seen:
                        yield from self._dispute(dispute, row)

    def _rows(self, query: Row) -> Iterator[Row]:
        yield from collection(self.database, PaymentDocument).find(query, {"outbox": 0})

    def _refund_status(self, payment_id: str, refund_id: str) -> str | None:
        row = collection(self.database, PaymentDocument).find_one({"_id": payment_id}, ("refunds",)) or {}
        return next((str(entry["status"]) for entry in row.get("refunds", ()) if entry["id"] == refund_id), None)

    def _dispute_status(self, payment_id: str, dispute_id: str) -> str | None:
        entry = self._dispute_entry(payment_id, dispute_id)
        return str(entry["status"]) if entry else None

    def _dispute_fee(self, payment_id: str, dispute_id: str) -> int:
        return fee_of(self._dispute_entry(payment_id, dispute_id) or {})

    def _dispute_entry(self, payment_id: str, dispute_id: str) -> Row | None:
        row = collection(self.database, PaymentDocument).find_one({"_id": payment_id}, ("disputes",)) or {}
        return next((entry for entry in row.get("disputes", ()) if entry["id"] == dispute_id), None)

    def _synced(self, payment_id: str, status: str) -> bool:
        def agrees() -> bool:
            payment = self.payments.get(payment_id)
            return payment is not None and payment.status == status

        return self._mended(lambda: self.payments.sync(payment_id), agrees)

    def _mended(self, action: Callable[[], object], agrees: Callable[[], bool]) -> bool:
        if not self.repair:
            return False
        try:
            action()
        except ChargeMismatch:  # told in the log, and for a person
            return False
        return agrees()


def _disputed(row: Row) -> bool:
    return any(dispute["status"] != "won" for dispute in row.get("disputes", ()))

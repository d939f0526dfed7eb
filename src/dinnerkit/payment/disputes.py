"""Disputes: what guests' banks take back, learnt from the gateway and never decided here."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict

import structlog
from pymongo.database import Database

from dinnerkit.clock import Clock
from dinnerkit.delivery.outbox import Outbox
from dinnerkit.errors import Unavailable
from dinnerkit.money import Money
from dinnerkit.payment.documents import PaymentDocument
from dinnerkit.payment.errors import NoSuchPayment
from dinnerkit.payment.ledger.losses import loss_of
from dinnerkit.payment.ledger.reading import PAYMENT_FIELDS, as_read, paid
from dinnerkit.payment.messages import DisputeClosed, DisputeFeeChanged, DisputeOpened
from dinnerkit.ports.gateway import Dispute, Disputes, Gateway
from dinnerkit.ports.local_gateway import LocalDisputes
from dinnerkit.storage import Row, collection

log = structlog.get_logger(__name__)

_MOST_TRIES = 5


class DisputeService:
    """Keeps a payment's disputes as the gateway knows them."""

    def __init__(self, database: Database[Row], gateway: Gateway, clock: Clock) -> None:
        self._payments = collection(database, PaymentDocument)
        self._gateway = gateway
        self._clock = clock
        self._outbox = Outbox(clock)

    def sync(self, payment_id: str) -> None:
        """Ask for the disputes of a payment, and record what is new; safe to repeat, in any order.

        Raises:
            Unavailable: the gateway gave no answer, or others change the payment all the time.
        """
        row = self._payments.find_one({"_id": payment_id, "status": "succeeded"}, ("charge", "currency"))
        if row is None or not isinstance(self._gateway, Disputes):
            return
        for dispute in self._gateway.disputes(row["charge"]):
            if dispute.money.currency != row["currency"] or dispute.money.amount <= 0:
                log.error("dispute_of_another_currency", payment=payment_id, dispute=dispute.id)
                continue
            self._open(payment_id, dispute)
            if dispute.status != "open":
                self._close(payment_id, dispute)
            if dispute.fee is not None and dispute.fee.currency == row["currency"]:
                self._note_fee(payment_id, dispute.id, dispute.fee)

    def listed(self, *, undecided: bool = False) -> Iterator[Row]:
        """The disputes with their payment's id, reference and currency, those of the oldest payments first; all, or the undecided ones."""
        query: Row = {"disputes.status": "open"} if undecided else {"disputes.status": {"$exists": True}}
        for row in self._payments.find(query, ("disputes", "reference", "currency")).sort("_id", 1):
            about = {"payment": row["_id"], "reference": row["reference"], "currency": row["currency"]}
            yield from (dispute | about for dispute in row["disputes"] if dispute["status"] == "open" or not undecided)

    def decide(self, dispute_id: str, *, won: bool) -> None:
        """Decide a dispute as the guest's bank would, where the gateway has no bank behind it.

        Raises:
            NoSuchPayment: the gateway's disputes are decided by banks.
            NotFound: there is no such dispute.
            Conflict: it is decided already.
        """
        if not isinstance(self._gateway, LocalDisputes):
            raise NoSuchPayment("the gateway's disputes are decided by its banks")
        self.sync_charge(self._gateway.settle_dispute(dispute_id, won=won).charge_id)

    def sync_charge(self, charge_id: str) -> None:
        """The same as :meth:`sync` by the gateway's id of the payment; nothing happens where it is none of ours.

        Raises:
            Unavailable: the gateway gave no answer.
        """
        row = self._payments.find_one({"charge": charge_id}, ("_id",))
        if row is not None:
            self.sync(row["_id"])

    def _open(self, payment_id: str, dispute: Dispute) -> None:
        row = self._payments.find_one({"_id": payment_id, "disputes.id": {"$ne": dispute.id}}, ("reference", "user", "payee"))
        if row is None:
            return
        told = DisputeOpened(reason=dispute.reason, **_told(row, dispute))
        entry = {
            "id": dispute.id,
            "amount": dispute.money.amount,
            "reason": dispute.reason or "unknown",
            "status": "open",
            "opened_at": self._clock(),
        }
        self._payments.update_one(
            {"_id": payment_id, "disputes.id": {"$ne": dispute.id}},
            {"$push": {"disputes": entry} | self._outbox.push(told), "$set": {"updated_at": self._clock()}},
        )

    def _close(self, payment_id: str, dispute: Dispute) -> None:
        for _ in range(_MOST_TRIES):
            row = self._payments.find_one({"_id": payment_id, "disputes": _open_one(dispute)}, (*PAYMENT_FIELDS, "user"))
            if row is None:
                return
            closed: Row = {"status": dispute.status, "closed_at": self._clock()}
            values: Row = {"updated_at": self._clock()}
            if dispute.status == "lost":
                entry = next(entry for entry in row["disputes"] if entry["id"] == dispute.id)
                lost = loss_of(paid(row), int(entry["amount"]))
                closed["lost"] = asdict(lost)
                if lost.deposit:
                    values["deposit_left"] = int(row["deposit_left"]) - lost.deposit
            values |= {f"disputes.$[closed].{name}": value for name, value in closed.items()}
            told = DisputeClosed(won=dispute.status == "won", **_told(row, dispute))
            update = {"$set": values, "$push": self._outbox.push(told)}
            done = self._payments.update_one({"_id": payment_id, **as_read(row)}, update, array_filters=[{"closed.id": dispute.id}])
            if done.matched_count:
                return
        raise Unavailable("the payment is changed again and again; try later")

    def _note_fee(self, payment_id: str, dispute_id: str, fee: Money) -> None:
        for _ in range(_MOST_TRIES):
            row = self._payments.find_one({"_id": payment_id}, ("disputes",)) or {}
            entry = next((entry for entry in row.get("disputes", ()) if entry["id"] == dispute_id), None)
            if entry is None or (change := fee.amount - fee_of(entry)) == 0:
                return
            unchanged = {"$elemMatch": {"id": dispute_id, f"fees.{len(entry.get('fees', ()))}": {"$exists": False}}}
            told = DisputeFeeChanged(payment_id=payment_id, dispute_id=dispute_id, amount=change, currency=fee.currency)
            noted = {"disputes.$.fees": {"amount": change, "at": self._clock()}}
            done = self._payments.update_one(
                {"_id": payment_id, "disputes": unchanged},
                {"$push": noted | self._outbox.push(told), "$set": {"updated_at": self._clock()}},
            )
            if done.matched_count:
                return
        raise Unavailable("the payment is changed again and again; try later")


def fee_of(entry: Row) -> int:
    """What the gateway keeps for a dispute, as far as we know."""
    return sum(int(change["amount"]) for change in entry.get("fees", ()))


def _open_one(dispute: Dispute) -> Row:
    return {"$elemMatch": {"id": dispute.id, "status": "open"}}


def _told(row: Row, dispute: Dispute) -> Row:
    return {
        "payment_id": row["_id"],
        "dispute_id": dispute.id,
        "reference": row["reference"],
        "user_id": row["user"],
        "payee": row.get("payee"),
        "amount": dispute.money.amount,
        "currency": dispute.money.currency,
    }

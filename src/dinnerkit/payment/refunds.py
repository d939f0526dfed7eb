"""Refunds: asked for once for each cause, then carried out by a worker until the gateway has done it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import structlog
from pymongo.database import Database

from dinnerkit.clock import Clock
from dinnerkit.delivery.outbox import Outbox
from dinnerkit.errors import Invalid, Unavailable
from dinnerkit.ids import new_id
from dinnerkit.money import Money
from dinnerkit.payment.documents import PaymentDocument
from dinnerkit.payment.errors import NoSuchPayment, RefundTooLarge
from dinnerkit.payment.ledger.losses import made_good
from dinnerkit.payment.ledger.reading import PAYMENT_FIELDS, paid
from dinnerkit.payment.messages import RefundRequested
from dinnerkit.payment.refund_states import UNDISPUTED, RefundStates, gateway_key
from dinnerkit.ports.gateway import Gateway, PaymentDisputed, RefundHistory
from dinnerkit.storage import Row, collection

log = structlog.get_logger(__name__)

_CHECK_AFTER = timedelta(minutes=10)
_SWEEP_BATCH = 100
_MOST_TRIES = 5


class RefundService:
    """Gives money back."""

    def __init__(self, database: Database[Row], gateway: Gateway, clock: Clock) -> None:
        self._payments = collection(database, PaymentDocument)
        self._states = RefundStates(database, clock)
        self._gateway = gateway
        self._clock = clock
        self._outbox = Outbox(clock)

    def request(self, payment_id: str, money: Money, *, key: str, reason: str, deposit: Money | None = None) -> None:
        """Note that ``money`` shall go back for the cause that ``key`` names; a second request for the same cause changes nothing.

        ``deposit`` is how much of it is of the payment's deposit; by default as much as there is no price left for.

        Raises:
            NoSuchPayment: there is no such payment.
            RefundTooLarge: more than is left of it or of its deposit, or another currency, or it never succeeded.
            PaymentDisputed: the guest's bank has taken the payment back.
        """
        if money.amount <= 0:
            return
        for _ in range(_MOST_TRIES):
            row = self._payments.find_one({"_id": payment_id}, ("refundable", "deposit_left"))
            left = int(row.get("deposit_left") or 0) if row else 0
            if not left and not deposit:
                part, unchanged = 0, {}
            else:
                part = deposit.amount if deposit else max(0, money.amount - (int(row["refundable"]) - left)) if row else 0
                unchanged = {name: row[name] for name in ("refundable", "deposit_left")} if row else {}
            if part <= left and self._ask(payment_id, money, key, reason, part, unchanged):
                return
            if not self._changed(payment_id, unchanged):
                break
        self._explain(payment_id, key)

    def request_once_decided(self, payment_id: str, money: Money, *, key: str, reason: str, deposit: Money | None = None) -> None:
        """The same for who asks again when a dispute is won: until then nothing happens to a disputed payment, and never if it is lost.

        Raises:
            NoSuchPayment, RefundTooLarge: as :meth:`request` says.
        """
        try:
            self.request(payment_id, money, key=key, reason=reason, deposit=deposit)
        except PaymentDisputed:
            log.info("refund_waits_for_dispute", payment=payment_id, cause=key)

    def is_disputed(self, payment_id: str) -> bool:
        """Whether the guest's bank has taken the payment back, decided or not."""
        return not self._payments.count_documents({"_id": payment_id, **UNDISPUTED}, limit=1)

    def carry_out(self, payment_id: str, refund_id: str) -> bool:
        """Let the gateway give the money back, and record what it says; safe to repeat.

        False where the payment is disputed: then it waits, until the dispute is decided. What the gateway will not make once that is lost
        has failed, and is for a person, unless the bank has made it; so has what it refuses for another reason.

        Raises:
            Unavailable: the gateway gave no answer.
        """
        row = self._payments.find_one({"_id": payment_id})
        entry = next((refund for refund in row["refunds"] if refund["id"] == refund_id), None) if row else None
        if row is None or entry is None or entry["status"] != "pending":
            return True
        money = Money(entry["amount"], row["currency"])
        try:
            refund = self._gateway.refund(key=gateway_key(entry), charge_id=row["charge"], money=money)
        except PaymentDisputed:
            if not _is_lost(row):
                log.warning("refund_waits_for_dispute", payment=payment_id, refund=refund_id)
                return False
            self._drop_what_banks_paid(payment_id)
            self._states.refuse(row, entry)  # which does nothing to what was dropped
            return True
        except Invalid as error:
            log.warning("refund_refused", payment=payment_id, refund=refund_id, error=error.message)
            self._states.refuse(row, entry)
            return True
        self._states.record(row, entry, refund, check_at=self._clock() + _CHECK_AFTER)
        return True

    def sync(self, payment_id: str) -> None:
        """Ask the gateway what became of the payment's refunds, and record it; safe to repeat, in any order.

        Raises:
            Unavailable: the gateway gave no answer.
        """
        row = self._payments.find_one({"_id": payment_id, "status": "succeeded"})
        if row is None or not isinstance(self._gateway, RefundHistory):
            return
        entries = {gateway_key(entry): entry for entry in row["refunds"]}
        for refund in self._gateway.refunds(row["charge"]):
            entry = entries.get(refund.key)
            if entry is not None:
                self._states.record(row, entry, refund, check_at=self._clock() + _CHECK_AFTER)
            elif not self._states.is_known(row, refund):
                log.error("refund_not_asked_for", payment=payment_id, refund=refund.id)

    def try_again(self, payment_id: str, refund_id: str) -> bool:
        """Attempt anew to give back what the gateway could not; False where nothing has failed.

        Raises:
            Unavailable: the gateway gave no answer; the worker goes on.
        """
        if not self._states.begin_again(payment_id, refund_id):
            return False
        self.carry_out(payment_id, refund_id)
        return True

    def after_dispute(self, payment_id: str, *, won: bool) -> None:
        """Go on with what waited for the dispute; safe to repeat.

        Once it is won, that is given back after all. Once it is lost, what the guest has had from the bank is dropped, and the gateway is
        asked for the rest.

        Raises:
            Unavailable: the gateway gave no answer, or others change the payment all the time.
        """
        if not won:
            self._drop_what_banks_paid(payment_id)
        row = self._payments.find_one({"_id": payment_id}, ("refunds",))
        for entry in row["refunds"] if row else ():
            if entry["status"] == "pending" and (won or not entry.get("gateway_id")):
                self.carry_out(payment_id, entry["id"])

    def _drop_what_banks_paid(self, payment_id: str) -> None:
        for _ in range(_MOST_TRIES):
            row = self._payments.find_one({"_id": payment_id, "status": "succeeded"}, PAYMENT_FIELDS)
            covered = made_good(paid(row)) if row else []
            if row is None or not covered or self._states.drop(row, covered):
                return
        raise Unavailable("the payment is changed again and again; try later")

    def sweep(self) -> int:
        """Ask how the refunds stand that the gateway has not settled yet; how many payments were looked at.

        Raises:
            Unavailable: the gateway gave no answer; what is left has its turn at the next sweep.
        """
        now = self._clock()
        due = list(self._payments.find({"refund_check_at": {"$lte": now}}, ("_id",)).sort("refund_check_at", 1).limit(_SWEEP_BATCH))
        for row in due:
            self._payments.update_one({"_id": row["_id"]}, {"$set": {"refund_check_at": now + _CHECK_AFTER}})
            self.sync(row["_id"])
            self._states.stop_checking(row["_id"])
        return len(due)

    def failed(self) -> Iterator[tuple[str, Row]]:
        """The refunds that the gateway could not carry out, each with its payment's id, oldest payment first."""
        for row in self._payments.find({"refunds.status": "failed"}, ("refunds", "currency", "reference")).sort("_id", 1):
            for entry in row["refunds"]:
                if entry["status"] == "failed":
                    yield row["_id"], entry | {"currency": row["currency"], "reference": row["reference"]}

    def refunded(self, reference: str) -> int:
        """The minor units that went back, or are on their way, over all payments for ``reference``."""
        rows = self._payments.find({"reference": reference}, ("refunds.amount", "refunds.status"))
        return sum(refund["amount"] for row in rows for refund in row.get("refunds", ()) if refund["status"] != "dropped")

    def _ask(self, payment_id: str, money: Money, key: str, reason: str, part: int, unchanged: Row) -> bool:
        refund_id = new_id()
        entry = {"id": refund_id, "key": key, "amount": money.amount, "reason": reason, "status": "pending", "at": self._clock()}
        change = {"refundable": -money.amount}
        if part:
            entry["deposit"] = part
            change["deposit_left"] = -part
        told = RefundRequested(payment_id=payment_id, refund_id=refund_id)
        wanted = {
            "_id": payment_id,
            "status": "succeeded",
            "currency": money.currency,
            "refundable": {"$gte": money.amount},
            "refunds.key": {"$ne": key},
            **UNDISPUTED,
        }
        query = {"$and": [wanted, unchanged]} if unchanged else wanted
        asked = self._payments.update_one(query, {"$inc": change, "$push": {"refunds": entry} | self._outbox.push(told)})
        return asked.matched_count == 1

    def _changed(self, payment_id: str, unchanged: Row) -> bool:
        """Whether what a request was computed from is not so any more."""
        return bool(unchanged) and not self._payments.count_documents({"_id": payment_id, **unchanged}, limit=1)

    def _explain(self, payment_id: str, key: str) -> None:
        row = self._payments.find_one({"_id": payment_id})
        if row is None:
            raise NoSuchPayment("there is no such payment")
        if any(refund["key"] == key for refund in row["refunds"]):
            return
        if any(dispute["status"] != "won" for dispute in row.get("disputes", ())):
            raise PaymentDisputed("the guest's bank has taken this payment back, so it can't be refunded as well")
        raise RefundTooLarge("more would go back than is left of the payment", refundable=row["refundable"])


def _is_lost(row: Row) -> bool:
    statuses = {dispute["status"] for dispute in row.get("disputes", ())}
    return "lost" in statuses and "open" not in statuses

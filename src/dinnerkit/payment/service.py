"""Payments: one live attempt for each reference, whatever crashes or repeats."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import structlog
from pymongo import ReturnDocument
from pymongo.database import Database
from pymongo.errors import DuplicateKeyError

from dinnerkit.clock import Clock
from dinnerkit.delivery.outbox import Outbox
from dinnerkit.errors import Conflict, Invalid, NotFound
from dinnerkit.messages import Message
from dinnerkit.money import Money
from dinnerkit.payment.documents import PaymentDocument
from dinnerkit.payment.errors import ChargeMismatch, PaymentInProgress
from dinnerkit.payment.messages import PaymentFailed, PaymentSucceeded
from dinnerkit.payment.rules import OPEN, UNPAID, Payment, Share, matches
from dinnerkit.ports.gateway import Charge, Gateway
from dinnerkit.storage import Row, collection, insert

log = structlog.get_logger(__name__)

_CHECK_AFTER = timedelta(seconds=30)
_CHECK_MISMATCH_AFTER = timedelta(hours=1)
"""A charge of something else is for a person to look into; it is mentioned in the log until one has."""

_GIVE_UP_AFTER = timedelta(hours=24)
_SWEEP_BATCH = 200
_NEVER_CHARGED = "never_charged"
_ALL = 10_000
"""What all of it is in basis points."""


class PaymentService:
    """Takes money for an opaque reference, and knows at any time how that stands."""

    def __init__(self, database: Database[Row], gateway: Gateway, clock: Clock, platform_fee_basis_points: int = 0) -> None:
        self._database = database
        self._payments = collection(database, PaymentDocument)
        self._gateway = gateway
        self._clock = clock
        self._outbox = Outbox(clock)
        self._platform_fee = platform_fee_basis_points

    def pay(
        self,
        *,
        payment_id: str,
        reference: str,
        user_id: str,
        money: Money,
        method: str,
        description: str,
        share: Share | None = None,
    ) -> Payment:
        """Take ``money`` once for ``reference``; a payment that has succeeded already is the answer.

        ``payment_id`` is a new id; the same call with the same id again, after a crash, goes on with that attempt. ``share`` says whose the
        money is; without it, it stays the guest's own in the ledger until it goes back.

        Raises:
            ValueError: the deposit is more than all, or in another currency.
            PaymentInProgress: another attempt has no answer yet.
            Conflict: the attempt of that id was for something else.
            Invalid: the gateway knows no such payment method.
            ChargeMismatch: the gateway charged something else than was asked for.
            Unavailable: the gateway gave no answer; the payment will be looked after.
        """
        share = share or Share()
        try:
            row = self._begin(payment_id, reference, user_id, money, method, share)
        except DuplicateKeyError:
            mine = self._resume(payment_id, reference)
            if mine is not None and mine["status"] != "created":
                return self._sync(mine)
            earlier = None if mine else self._settle_earlier(reference)
            if earlier is not None:
                return earlier
            row = mine or self._begin_again(payment_id, reference, user_id, money, method, share)
        try:
            charge = self._gateway.charge(key=row["_id"], money=money, method=row["method"], description=description)
        except Invalid:
            self._close(row, "declined", "invalid_method")
            raise
        return self._record(row, charge)

    def get(self, payment_id: str) -> Payment | None:
        """The payment, or None."""
        row = self._payments.find_one({"_id": payment_id})
        return _payment(row) if row else None

    def live(self, reference: str) -> Payment | None:
        """The payment of that reference that may still succeed or has done so, or None."""
        row = self._payments.find_one(_live(reference))
        return _payment(row) if row else None

    def sync(self, payment_id: str) -> Payment | None:
        """Ask the gateway how the payment stands, and record it; None where we know of none.

        Raises:
            Unavailable: the gateway gave no answer.
        """
        row = self._payments.find_one({"_id": payment_id})
        return self._sync(row) if row else None

    def sync_charge(self, charge_id: str) -> Payment | None:
        """The same for a gateway's id, also of a charge whose answer never reached us.

        Raises:
            Unavailable: the gateway gave no answer.
        """
        row = self._payments.find_one({"charge": charge_id}, ("_id",))
        if row is not None:
            return self.sync(row["_id"])
        try:
            return self.sync(self._gateway.retrieve(charge_id).key)
        except NotFound:
            return None

    def learn_fee(self, payment_id: str, charge: Charge) -> None:
        """Note what the gateway has kept, where that was not known when the payment succeeded; what is known stays."""
        unknown = {"_id": payment_id, "status": "succeeded", "gateway_fee": None}
        if fee := gateway_fee(charge):
            self._payments.update_one(unknown, {"$set": fee})

    def abandon(self, reference: str) -> Payment | None:
        """Give up what is not paid yet for ``reference``; the live payment as it is then, which may have succeeded after all.

        Raises:
            Unavailable: the gateway gave no answer.
        """
        row = self._payments.find_one(_live(reference) | {"status": {"$in": sorted(OPEN)}})
        if row is None:
            return self.live(reference)
        charge = self._ask(row)
        if charge is None:
            return self._close(row, "cancelled", _NEVER_CHARGED)
        if charge.status in OPEN:
            charge = self._gateway.cancel(charge.id)
        return self._record(row, charge)

    def let_go(self, payment_id: str) -> None:
        """Let another payment be made for the reference of this one, whose money goes back because it was of no use; safe to repeat."""
        self._payments.update_one({"_id": payment_id, "status": "succeeded"}, {"$unset": {"live": ""}})

    def sweep(self) -> int:
        """Sync the payments that were left without an answer, and give up the oldest; how many were looked at.

        Raises:
            Unavailable: the gateway gave no answer; what is left has its turn at the next sweep.
        """
        now = self._clock()
        due = list(self._payments.find({"check_at": {"$lte": now}}).sort("check_at", 1).limit(_SWEEP_BATCH))
        for row in due:
            self._check_again(row, now + _CHECK_AFTER)
            try:
                if now - row["created_at"] > _GIVE_UP_AFTER:
                    self.abandon(row["reference"])
                else:
                    self.sync(row["_id"])
            except ChargeMismatch:  # told in the log already
                self._check_again(row, now + _CHECK_MISMATCH_AFTER)
        return len(due)

    def _check_again(self, row: Row, at: datetime) -> None:
        self._payments.update_one({"_id": row["_id"], "status": {"$in": sorted(OPEN)}}, {"$set": {"check_at": at}})

    def _begin(self, payment_id: str, reference: str, user_id: str, money: Money, method: str, share: Share) -> Row:
        now = self._clock()
        deposit = share.deposit_of(money)
        return insert(
            self._database,
            PaymentDocument(
                id=payment_id,
                reference=reference,
                user=user_id,
                amount=money.amount,
                currency=money.currency,
                gateway=self._gateway.name,
                method=method,
                status="created",
                live=reference,
                refundable=money.amount,
                payee=share.payee,
                occasion=share.occasion,
                deposit=deposit,
                deposit_left=deposit,
                platform_fee=(money.amount - deposit) * self._platform_fee // _ALL if share.payee else 0,
                created_at=now,
                updated_at=now,
                check_at=now + _CHECK_AFTER,
            ),
        )

    def _begin_again(self, payment_id: str, reference: str, user_id: str, money: Money, method: str, share: Share) -> Row:
        try:
            return self._begin(payment_id, reference, user_id, money, method, share)
        except DuplicateKeyError:
            raise PaymentInProgress("another attempt to pay is under way") from None

    def _resume(self, payment_id: str, reference: str) -> Row | None:
        """The attempt of that id, if there was one; it is live again where it was given up because the gateway had never heard of it."""
        row = self._payments.find_one({"_id": payment_id})
        if row is not None and row["reference"] != reference:  # one payment must not count for two things, whoever chose its id
            raise Conflict("this attempt to pay was for something else")
        if row is None or row["status"] != "cancelled" or row["decline_code"] != _NEVER_CHARGED:
            return row
        again = {"status": "created", "live": row["reference"], "check_at": self._clock() + _CHECK_AFTER}
        given_up = {"_id": payment_id, "status": "cancelled", "decline_code": _NEVER_CHARGED}
        try:
            self._payments.update_one(given_up, {"$set": again, "$unset": {"decline_code": ""}})
        except DuplicateKeyError:
            raise PaymentInProgress("another attempt to pay is under way") from None
        return self._payments.find_one({"_id": payment_id})

    def _sync(self, row: Row) -> Payment:
        if row["status"] == "succeeded":
            return _payment(row)
        charge = self._ask(row)
        return self._record(row, charge) if charge else self._close(row, "cancelled", _NEVER_CHARGED)

    def _ask(self, row: Row) -> Charge | None:
        return self._gateway.retrieve(row["charge"]) if row.get("charge") else self._gateway.find(row["_id"])

    def _settle_earlier(self, reference: str) -> Payment | None:
        """What became of the live payment: its success, or None where it is out of the way now."""
        row = self._payments.find_one(_live(reference))
        if row is None:
            return None
        if row["status"] == "created" and row["check_at"] > self._clock():
            raise PaymentInProgress("another attempt to pay is under way")
        payment = self.abandon(reference)
        return payment if payment is not None and payment.status == "succeeded" else None

    def _record(self, row: Row, charge: Charge) -> Payment:
        money = Money(row["amount"], row["currency"])
        if not matches(charge, row["_id"], money):
            log.error("charge_mismatch", payment=row["_id"], charge=charge.id)
            raise ChargeMismatch("the gateway charged something else than was asked for")
        if charge.status in {"declined", "cancelled"}:
            return self._close(row, charge.status, charge.decline_code, charge.id)
        values: dict[str, Any] = {"status": charge.status, "charge": charge.id}
        if charge.status == "succeeded":
            values |= {"succeeded_at": self._clock()} | gateway_fee(charge)
            message = PaymentSucceeded(
                payment_id=row["_id"], reference=row["reference"], user_id=row["user"], amount=money.amount, currency=money.currency
            )
            # Also from a payment that was given up: the money may come after all, and then it must not be lost.
            return self._move(row, UNPAID, values, ("check_at", "client_secret", "decline_code"), message)
        if charge.client_secret:
            values["client_secret"] = charge.client_secret
        payment = self._move(row, OPEN, values, ())
        return self._call_back(row, charge, payment) if payment.final and payment.status != "succeeded" else payment

    def _call_back(self, row: Row, charge: Charge, payment: Payment) -> Payment:
        """The payment was given up before the gateway had heard of it: nobody shall complete the charge."""
        ended = self._gateway.cancel(charge.id)
        return payment if ended.status in OPEN else self._record(row, ended)

    def _close(self, row: Row, status: str, code: str | None, charge_id: str | None = None) -> Payment:
        message = PaymentFailed(payment_id=row["_id"], reference=row["reference"], user_id=row["user"], status=status)
        values = {"status": status, "decline_code": code} | ({"charge": charge_id} if charge_id else {})
        return self._move(row, OPEN, values, ("live", "check_at", "client_secret"), message)

    def _move(self, row: Row, since: frozenset[str], values: dict[str, Any], gone: tuple[str, ...], *messages: Message) -> Payment:
        """Write the new state and its messages, if the payment still is in one of ``since``; the payment as it is then."""
        update: dict[str, Any] = {"$set": values | {"updated_at": self._clock()}}
        if gone:
            update["$unset"] = dict.fromkeys(gone, "")
        if messages:
            update["$push"] = self._outbox.push(*messages)
        query = {"_id": row["_id"], "reference": row["reference"], "status": {"$in": sorted(since)}}
        after = self._payments.find_one_and_update(query, update, return_document=ReturnDocument.AFTER)
        return _payment(after or self._payments.find_one({"_id": row["_id"]}) or row)


def _live(reference: str) -> Row:
    """Finds the live payment of a reference; that is said twice, as payments are spread over shards by the first."""
    return {"reference": reference, "live": reference}


def _payment(row: Row) -> Payment:
    return Payment(
        id=row["_id"],
        reference=row["reference"],
        user=row["user"],
        money=Money(row["amount"], row["currency"]),
        status=row["status"],
        client_secret=row.get("client_secret"),
        decline_code=row.get("decline_code"),
        disputed=any(dispute["status"] != "won" for dispute in row.get("disputes", ())),
    )


def gateway_fee(charge: Charge) -> dict[str, int]:
    """What the gateway keeps of a charge, as a field of the payment; nothing where that is not known yet, or is in another currency."""
    return {"gateway_fee": charge.fee.amount} if charge.fee is not None and charge.fee.currency == charge.money.currency else {}

"""The states of a refund, each change one conditional update with its message."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import structlog
from pymongo.database import Database

from dinnerkit.clock import Clock
from dinnerkit.delivery.outbox import Outbox
from dinnerkit.messages import Message
from dinnerkit.payment.documents import PaymentDocument
from dinnerkit.payment.ledger.reading import as_read
from dinnerkit.payment.messages import RefundDropped, RefundFailed, RefundRequested, RefundSucceeded
from dinnerkit.ports.gateway import GatewayRefund
from dinnerkit.storage import Row, collection

log = structlog.get_logger(__name__)

UNDISPUTED: Row = {"disputes": {"$not": {"$elemMatch": {"status": {"$ne": "won"}}}}}
"""True of a payment that the guest's bank has left with us."""


def gateway_key(entry: Row) -> str:
    """The key under which the gateway is asked for the present attempt of a refund."""
    attempt = attempt_of(entry)
    return str(entry["id"]) if attempt == 1 else f"{entry['id']}:{attempt}"


def attempt_of(entry: Row) -> int:
    """The number of the present attempt, from 1."""
    return int(entry.get("attempt") or 1)


class RefundStates:
    """Records what became of refunds."""

    def __init__(self, database: Database[Row], clock: Clock) -> None:
        self._payments = collection(database, PaymentDocument)
        self._clock = clock
        self._outbox = Outbox(clock)

    def record(self, row: Row, entry: Row, refund: GatewayRefund, *, check_at: datetime) -> None:
        """Record how the gateway says that the refund stands; ``check_at`` is when to ask again while it is not settled."""
        if (refund.money.amount, refund.money.currency) != (entry["amount"], row["currency"]):
            log.error("refund_mismatch", payment=row["_id"], refund=entry["id"])
        elif refund.status == "succeeded":
            self._succeeded(row, entry, refund)
        elif refund.status == "failed":
            self._failed(row, entry, refund.id)
        else:
            known = {"refunds.$.gateway_id": refund.id, "refund_check_at": check_at}
            self._move(row["_id"], entry, ("pending",), {"$set": known})

    def is_known(self, row: Row, refund: GatewayRefund) -> bool:
        """Whether a refund of the gateway's is an earlier attempt of ours."""
        return any(refund.id == past.get("gateway_id") for entry in row["refunds"] for past in entry.get("failed", ()))

    def begin_again(self, payment_id: str, refund_id: str) -> bool:
        """Let a refund that failed be attempted anew; False where it has not failed."""
        row = self._payments.find_one({"_id": payment_id}, ("refunds",))
        entry = next((refund for refund in row["refunds"] if refund["id"] == refund_id), None) if row else None
        if entry is None:
            return False
        again = {"refunds.$.status": "pending", "refunds.$.attempt": attempt_of(entry) + 1}
        told = RefundRequested(payment_id=payment_id, refund_id=refund_id)
        return self._move(payment_id, entry, ("failed",), {"$set": again, "$unset": {"refunds.$.gateway_id": ""}}, told)

    def drop(self, row: Row, refund_ids: list[str]) -> bool:
        """Give up refunds, as the guest has had their money from the bank; False where the payment has changed since it was read."""
        dropped = {"refunds.$[dropped].status": "dropped", "refunds.$[dropped].dropped_at": self._clock(), "updated_at": self._clock()}
        told = [RefundDropped(payment_id=row["_id"], refund_id=refund_id) for refund_id in refund_ids]
        update = {"$set": dropped, "$push": self._outbox.push(*told)}
        which = [{"dropped.id": {"$in": refund_ids}}]
        return self._payments.update_one({"_id": row["_id"], **as_read(row)}, update, array_filters=which).matched_count == 1

    def refuse(self, row: Row, entry: Row) -> None:
        """Let an attempt fail that the gateway would not make, such as where a bank has taken back a part of the payment for good."""
        self._failed(row, entry, None)

    def stop_checking(self, payment_id: str) -> None:
        """Ask no more about a payment whose refunds are all settled."""
        self._payments.update_one({"_id": payment_id, "refunds.status": {"$ne": "pending"}}, {"$unset": {"refund_check_at": ""}})

    def _succeeded(self, row: Row, entry: Row, refund: GatewayRefund) -> None:
        done = RefundSucceeded(
            payment_id=row["_id"],
            refund_id=entry["id"],
            reference=row["reference"],
            user_id=row["user"],
            amount=int(entry["amount"]),
            currency=row["currency"],
        )
        values = {"refunds.$.status": "succeeded", "refunds.$.gateway_id": refund.id, "refunds.$.succeeded_at": self._clock()}
        self._move(row["_id"], entry, ("pending",), {"$set": values}, done)

    def _failed(self, row: Row, entry: Row, gateway_id: str | None) -> None:
        """Also what had succeeded: the money has come back to us, and is owed to the guest again."""
        log.error("refund_failed", payment=row["_id"], refund=entry["id"])
        failure = {"attempt": attempt_of(entry), "failed_at": self._clock()} | ({"gateway_id": gateway_id} if gateway_id else {})
        if entry.get("succeeded_at"):
            failure["succeeded_at"] = entry["succeeded_at"]
        told = RefundFailed(
            payment_id=row["_id"],
            refund_id=entry["id"],
            attempt=attempt_of(entry),
            reference=row["reference"],
            amount=int(entry["amount"]),
            currency=row["currency"],
        )
        update = {
            "$set": {"refunds.$.status": "failed"},
            "$unset": {"refunds.$.succeeded_at": ""},
            "$push": {"refunds.$.failed": failure},
        }
        self._move(row["_id"], entry, (entry["status"],) if entry["status"] in {"pending", "succeeded"} else (), update, told)

    def _move(self, payment_id: str, entry: Row, since: tuple[str, ...], update: dict[str, Any], *messages: Message) -> bool:
        """Write a refund's new state and its messages, if it still is in one of ``since``, in the same attempt; whether it was."""
        if messages:
            update["$push"] = update.get("$push", {}) | self._outbox.push(*messages)
        update["$set"] = update["$set"] | {"updated_at": self._clock()}
        attempt = {"attempt": entry["attempt"]} if entry.get("attempt") else {"attempt": None}
        mine = {"$elemMatch": {"id": entry["id"], "status": {"$in": list(since)}, **attempt}}
        return self._payments.update_one({"_id": payment_id, "refunds": mine}, update).matched_count == 1

"""From the documents of payments and payouts to the values that the ledger's rules know."""

from __future__ import annotations

from dinnerkit.payment.ledger.rules import Disputed, FailedRefund, Paid, PaidOut, Refund, Shares
from dinnerkit.storage import Row

PAYMENT_FIELDS = (
    "reference",
    "payee",
    "occasion",
    "currency",
    "amount",
    "status",
    "created_at",
    "succeeded_at",
    "deposit",
    "platform_fee",
    "gateway_fee",
    "deposit_kept",
    "deposit_left",
    "refunds",
    "disputes",
)
"""What of a payment's document is needed."""


def paid(row: Row) -> Paid:
    """A payment that succeeded."""
    kept = row.get("deposit_kept")
    return Paid(
        id=row["_id"],
        reference=row["reference"],
        payee=row.get("payee"),
        occasion=row.get("occasion"),
        currency=row["currency"],
        amount=int(row["amount"]),
        succeeded_at=row.get("succeeded_at") or row["created_at"],
        deposit=int(row.get("deposit") or 0),
        platform_fee=int(row.get("platform_fee") or 0),
        gateway_fee=row.get("gateway_fee"),
        kept=(int(kept["amount"]), kept["at"]) if kept else None,
        refunds=tuple(_refund(part) for part in row.get("refunds", ())),
        disputes=tuple(_dispute(part) for part in row.get("disputes", ())),
    )


def as_read(row: Row) -> Row:
    """True of a payment that no refund, dispute or kept deposit has changed since it was read, with whatever follows from them."""
    return {name: row.get(name) for name in ("refunds", "disputes", "deposit_kept", "deposit_left")}


def paid_out(row: Row) -> PaidOut:
    """A payout that was sent."""
    return PaidOut(
        id=row["_id"],
        payee=row["payee"],
        occasion=row["occasion"],
        currency=row["currency"],
        amount=int(row["amount"]),
        paid_at=row["sent_at"],
        failed_at=row.get("failed_at"),
    )


def is_owed(refund: Row) -> bool:
    """Whether a refund is owed to the guest and nobody is about to send it: else the gateway is at it, and tells what comes of it."""
    return bool(refund["status"] == "failed" or (refund["status"] == "pending" and not refund.get("gateway_id")))


def _refund(part: Row) -> Refund:
    failed = tuple(FailedRefund(one["attempt"], one["failed_at"], one.get("succeeded_at")) for one in part.get("failed", ()))
    return Refund(
        id=part["id"],
        amount=int(part["amount"]),
        deposit=int(part.get("deposit") or 0),
        at=part["at"],
        attempt=int(part.get("attempt") or 1),
        owed=is_owed(part),
        succeeded_at=part.get("succeeded_at"),
        dropped_at=part.get("dropped_at"),
        failed=failed,
    )


def _dispute(part: Row) -> Disputed:
    return Disputed(
        id=part["id"],
        amount=int(part["amount"]),
        opened_at=part["opened_at"],
        closed_at=part.get("closed_at"),
        won=part["status"] == "won",
        lost=Shares(**{name: int(part_of) for name, part_of in part.get("lost", {}).items()}),
        fees=tuple((int(change["amount"]), change["at"]) for change in part.get("fees", ())),
    )

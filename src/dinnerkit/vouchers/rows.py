"""Between stored vouchers and values."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dinnerkit.money import Money
from dinnerkit.storage import Row
from dinnerkit.vouchers.rules import Kind, Terms, Voucher

SHOWN: Mapping[str, Any] = {
    **dict.fromkeys(("code", "owner", "kind", "percent", "amount", "event", "max_uses", "per_guest", "minimum"), 1),
    **dict.fromkeys(("valid_from", "valid_until", "stopped_at", "created_at"), 1),
    "used": {"$size": "$uses"},
}
"""Projects a stored voucher to what :func:`voucher_of` reads; of its uses their number."""


def mine(user_id: str) -> Row:
    """An expression: that user's uses of a voucher."""
    return {"$filter": {"input": "$uses", "cond": {"$eq": ["$$this.user", {"$literal": user_id}]}}}


def voucher_of(row: Row) -> Voucher:
    """The stored voucher as a value."""
    return Voucher(
        id=row["_id"],
        code=row["code"],
        owner=row["owner"] or None,
        terms=Terms(
            kind=Kind(row["kind"]),
            percent=row.get("percent"),
            amount=_money(row.get("amount")),
            event=row.get("event"),
            max_uses=row["max_uses"],
            per_guest=row["per_guest"],
            minimum=_money(row.get("minimum")),
            valid_from=row.get("valid_from"),
            valid_until=row.get("valid_until"),
        ),
        used=row["used"],
        stopped_at=row.get("stopped_at"),
        created_at=row["created_at"],
    )


def _money(document: Row | None) -> Money | None:
    return Money.from_document(document) if document else None

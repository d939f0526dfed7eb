"""Vouchers as their hosts see them."""

from __future__ import annotations

from typing import Any

from dinnerkit.vouchers.rules import Voucher


def presented(voucher: Voucher) -> dict[str, Any]:
    """The voucher in the shape of :class:`dinnerkit.vouchers.schemas.VoucherSchema`."""
    terms = voucher.terms
    return {
        "id": voucher.id,
        "code": voucher.code,
        "kind": terms.kind.value,
        "percent": terms.percent,
        "amount": terms.amount.to_document() if terms.amount else None,
        "event_id": terms.event,
        "everywhere": voucher.owner is None,
        "max_uses": terms.max_uses,
        "per_guest": terms.per_guest,
        "used": voucher.used,
        "minimum": terms.minimum.to_document() if terms.minimum else None,
        "valid_from": terms.valid_from,
        "valid_until": terms.valid_until,
        "stopped_at": voucher.stopped_at,
        "created_at": voucher.created_at,
    }

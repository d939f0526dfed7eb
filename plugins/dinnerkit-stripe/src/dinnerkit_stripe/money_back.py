"""Money that goes back: refunds that we ask for, and disputes in which the guest's bank takes it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from dinnerkit.errors import BackendFault, Invalid
from dinnerkit.money import Money
from dinnerkit.ports.gateway import Dispute, DisputeStatus, GatewayRefund, RefundStatus
from dinnerkit_stripe.asking import KEY, Api, asking, metadata
from dinnerkit_stripe.currencies import from_stripe, to_stripe
from dinnerkit_stripe.intents import PAGE, charge_of, is_ours

_REFUND_STATUS: dict[str, RefundStatus] = {
    "pending": "pending",
    "requires_action": "pending",
    "succeeded": "succeeded",
    "failed": "failed",
    "canceled": "failed",
}

_DISPUTE_STATUS: dict[str, DisputeStatus] = {
    "needs_response": "open",
    "under_review": "open",
    "won": "won",
    "lost": "lost",
}
"""A mere inquiry of the bank's, ``warning_…``, has taken nothing yet, and is none."""


class Refunds:
    """The gateway's refunds."""

    def __init__(self, api: Api) -> None:
        self._api = api

    def refund(self, *, key: str, charge_id: str, money: Money) -> GatewayRefund:
        """Give money back, or answer what the same key got before.

        It may be asked for again days later, when Stripe has forgotten the idempotency key; so what was made is looked through first. The
        key stands against those who ask at the same time.
        """
        amount = to_stripe(money)["amount"]
        with asking("this payment"):
            paid = charge_of(self._api.v1.payment_intents.retrieve(charge_id))
        if paid.status != "succeeded" or paid.money.currency != money.currency:
            raise Invalid("only what was paid can go back", status=paid.status, currency=paid.money.currency)
        earlier = next((refund for refund in self.of(charge_id) if refund.key == key), None)
        if earlier is not None:
            return earlier
        params = {"payment_intent": charge_id, "amount": amount, "metadata": {KEY: key}}
        with asking("this refund"):
            return _refund(self._api.v1.refunds.create(params=params, options={"idempotency_key": f"refund:{key}"}))

    def of(self, charge_id: str) -> list[GatewayRefund]:
        """All refunds of a payment, oldest first."""
        params = {"payment_intent": charge_id, "limit": PAGE}
        with asking("the refunds of this payment"):
            found = [_refund(refund) for refund in self._api.v1.refunds.list(params=params).auto_paging_iter()]
        return found[::-1]

    def list(self, since: int, until: int) -> Iterator[GatewayRefund]:
        """The refunds of our payments that were made in that time, newest first."""
        params = {"created": {"gte": since, "lt": until}, "limit": PAGE, "expand": ["data.payment_intent"]}
        with asking("the list of refunds"):
            for refund in self._api.v1.refunds.list(params=params).auto_paging_iter():
                if is_ours(refund.payment_intent):
                    yield _refund(refund)


class Disputed:
    """The gateway's disputes."""

    def __init__(self, api: Api) -> None:
        self._api = api

    def of(self, charge_id: str) -> list[Dispute]:
        """All disputes of a payment, oldest first."""
        params = {"payment_intent": charge_id, "limit": PAGE}
        with asking("the disputes of this payment"):
            found = self._api.v1.disputes.list(params=params).auto_paging_iter()
            return [_dispute(dispute) for dispute in found if dispute.status in _DISPUTE_STATUS][::-1]

    def list(self, since: int, until: int) -> Iterator[Dispute]:
        """The disputes of our payments that were opened in that time, newest first."""
        params = {"created": {"gte": since, "lt": until}, "limit": PAGE, "expand": ["data.payment_intent"]}
        with asking("the list of disputes"):
            for dispute in self._api.v1.disputes.list(params=params).auto_paging_iter():
                if dispute.status in _DISPUTE_STATUS and is_ours(dispute.payment_intent):
                    yield _dispute(dispute)


def _refund(refund: Any) -> GatewayRefund:
    return GatewayRefund(
        id=refund.id,
        key=metadata(refund),
        status=_REFUND_STATUS.get(refund.status, "pending"),
        money=from_stripe(refund.amount, refund.currency),
        charge_id=_id(refund.payment_intent),
    )


def _dispute(dispute: Any) -> Dispute:
    return Dispute(
        id=dispute.id,
        charge_id=_id(dispute.payment_intent),
        status=_DISPUTE_STATUS[dispute.status],
        money=from_stripe(dispute.amount, dispute.currency),
        reason=dispute.reason,
        fee=_fee(dispute),
    )


def _fee(dispute: Any) -> Money | None:
    """What Stripe has booked for a dispute so far: kept with what it took, and given back, where it does that, with what it gave back."""
    booked = getattr(dispute, "balance_transactions", None) or ()
    if not booked or any(one.currency != dispute.currency for one in booked):
        return None
    try:
        return from_stripe(sum(one.fee for one in booked), dispute.currency)
    except BackendFault:  # a fraction of the smallest coin, which the books can't hold
        return None


def _id(named: Any) -> str:
    """The id of what is named by it, or stands there itself; empty where there is none, as with payments of another kind."""
    return named if isinstance(named, str) else str(named.id) if named else ""

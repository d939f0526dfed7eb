"""What payment does upon messages: its own, so that it survives a crash in between."""

from __future__ import annotations

from typing import Any

from dinnerkit.messages import Handler
from dinnerkit.payment.messages import NotificationReceived, RefundRequested
from dinnerkit.payment.refunds import RefundService
from dinnerkit.payment.service import PaymentService


def payment_handlers(payments: PaymentService, refunds: RefundService) -> list[Handler[Any]]:
    """The handlers of the payment domain."""

    def look(message: NotificationReceived) -> None:
        payments.sync_charge(message.charge_id)

    def give_back(message: RefundRequested) -> None:
        refunds.carry_out(message.payment_id, message.refund_id)

    return [
        Handler("payment.look", NotificationReceived, look, queue="payments"),
        Handler("payment.give_back", RefundRequested, give_back, queue="payments"),
    ]

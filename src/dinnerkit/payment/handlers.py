"""What payment does upon messages: its own, so that it survives a crash in between."""

from __future__ import annotations

from typing import Any

from dinnerkit.messages import Handler
from dinnerkit.payment.disputes import DisputeService
from dinnerkit.payment.ledger.service import Ledger
from dinnerkit.payment.messages import (
    AccountNotified,
    DepositKept,
    DisputeClosed,
    DisputeFeeChanged,
    DisputeOpened,
    NotificationReceived,
    PaymentSucceeded,
    PayoutFailed,
    PayoutSent,
    RefundDropped,
    RefundFailed,
    RefundRequested,
    RefundSucceeded,
)
from dinnerkit.payment.payouts.accounts import PayeeAccounts
from dinnerkit.payment.payouts.service import PayoutService
from dinnerkit.payment.refunds import RefundService
from dinnerkit.payment.service import PaymentService

_MOVEMENTS: tuple[type[Any], ...] = (
    PaymentSucceeded,
    RefundRequested,
    RefundSucceeded,
    RefundFailed,
    RefundDropped,
    DisputeOpened,
    DisputeClosed,
    DisputeFeeChanged,
    DepositKept,
)
"""The messages of payments after which the ledger lacks something; each names its payment."""


def payout_handlers(payouts: PayoutService, accounts: PayeeAccounts, ledger: Ledger) -> list[Handler[Any]]:
    """The handlers that have to do with paying payees."""

    def look_at_account(message: AccountNotified) -> None:
        accounts.sync(message.account_id)
        payouts.sync_account(message.account_id)

    def correct(message: DisputeClosed | DepositKept) -> None:
        payouts.correct(message.payment_id)

    def pay_again(message: PayoutFailed) -> None:
        ledger.post_payout(message.payout_id)
        payouts.correct_payout(message.payout_id)

    def post(message: PayoutSent) -> None:
        ledger.post_payout(message.payout_id)

    return [
        Handler("payment.look_at_account", AccountNotified, look_at_account, queue="payments"),
        Handler("payment.correct_payout", DisputeClosed, correct, queue="payments"),
        Handler("payment.pay_kept_deposit", DepositKept, correct, queue="payments"),
        Handler("payment.pay_again", PayoutFailed, pay_again, queue="payments"),
        Handler("ledger.payout_sent", PayoutSent, post, queue="payments"),
    ]


def payment_handlers(payments: PaymentService, refunds: RefundService, disputes: DisputeService, ledger: Ledger) -> list[Handler[Any]]:
    """The handlers that have to do with guests' payments."""

    def look(message: NotificationReceived) -> None:
        payment = payments.sync_charge(message.charge_id)
        if payment is None or payment.status != "succeeded":
            return
        if message.subject in {None, "refund", "dispute"}:  # what has gone back already is no longer there to be lost
            refunds.sync(payment.id)
        if message.subject in {None, "dispute"}:
            disputes.sync(payment.id)

    def give_back(message: RefundRequested) -> None:
        if not refunds.carry_out(message.payment_id, message.refund_id):
            refunds.sync(message.payment_id)
            disputes.sync(message.payment_id)  # so that its end is told, also where the gateway never told of its beginning

    def go_on(message: DisputeClosed) -> None:
        refunds.after_dispute(message.payment_id, won=message.won)
        ledger.post_payment(message.payment_id)

    def post(message: Any) -> None:
        ledger.post_payment(message.payment_id)

    return [
        Handler("payment.look", NotificationReceived, look, queue="payments", urgent=True),
        Handler("payment.give_back", RefundRequested, give_back, queue="payments"),
        Handler("payment.go_on", DisputeClosed, go_on, queue="payments"),
        *(Handler(f"ledger.{kind.kind.partition('.')[2]}", kind, post, queue="payments") for kind in _MOVEMENTS),
    ]

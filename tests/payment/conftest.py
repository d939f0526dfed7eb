from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from pymongo.database import Database

from dinnerkit.backends.sandbox import SandboxGateway
from dinnerkit.money import Money
from dinnerkit.payment.deposits import DepositService
from dinnerkit.payment.disputes import DisputeService
from dinnerkit.payment.documents import NotificationDocument, PaymentDocument
from dinnerkit.payment.handlers import payment_handlers, payout_handlers
from dinnerkit.payment.ledger.checking import LedgerCheck
from dinnerkit.payment.ledger.documents import EntryDocument
from dinnerkit.payment.ledger.service import Ledger
from dinnerkit.payment.messages import NotificationReceived
from dinnerkit.payment.payouts.accounts import PayeeAccounts
from dinnerkit.payment.payouts.documents import PayeeDocument, PayoutDocument
from dinnerkit.payment.payouts.service import PayoutService
from dinnerkit.payment.reconciliation.documents import ReconciliationDocument
from dinnerkit.payment.reconciliation.service import Reconciliation
from dinnerkit.payment.refunds import RefundService
from dinnerkit.payment.rules import Payment, Share
from dinnerkit.payment.service import PaymentService
from dinnerkit.payment.webhooks import WebhookInbox
from dinnerkit.ports.gateway import Charge, GatewayRefund
from dinnerkit.storage import ensure_indexes
from dinnerkit.testing import StandingClock

PRICE = Money(3500, "EUR")


class ScriptedGateway(SandboxGateway):
    """The sandbox, whose answers a test may change: before they are given, or instead."""

    before: Callable[[str], object] = staticmethod(lambda _: None)  # type: ignore[assignment]
    charged: Callable[[Charge], Charge] = staticmethod(lambda charge: charge)  # type: ignore[assignment]
    cancelled: Callable[[Charge], Charge] = staticmethod(lambda charge: charge)  # type: ignore[assignment]
    refunded: Callable[[GatewayRefund], GatewayRefund] = staticmethod(lambda refund: refund)  # type: ignore[assignment]

    def charge(self, *, key: str, money: Money, method: str, description: str) -> Charge:
        self.before("charge")
        return self.charged(super().charge(key=key, money=money, method=method, description=description))

    def find(self, key: str) -> Charge | None:
        self.before("find")
        return super().find(key)

    def cancel(self, charge_id: str) -> Charge:
        self.before("cancel")
        return self.cancelled(super().cancel(charge_id))

    def refund(self, *, key: str, charge_id: str, money: Money) -> GatewayRefund:
        self.before("refund")
        return self.refunded(super().refund(key=key, charge_id=charge_id, money=money))


class Till:
    """The services of the domain on a gateway of their own."""

    def __init__(self, database: Database[dict[str, Any]], folder: Path, clock: StandingClock) -> None:
        ensure_indexes(
            database, [PaymentDocument, NotificationDocument, EntryDocument, PayeeDocument, PayoutDocument, ReconciliationDocument]
        )
        self.database, self.clock = database, clock
        self.gateway = ScriptedGateway(folder / "gateway.db", webhook_delay=0, clock=clock)
        self.payments = PaymentService(database, self.gateway, clock, platform_fee_basis_points=1000)
        self.refunds = RefundService(database, self.gateway, clock)
        self.disputes = DisputeService(database, self.gateway, clock)
        self.accounts = PayeeAccounts(database, self.gateway, clock, "https://dinners.example")
        self.payouts = PayoutService(database, self.accounts, clock)
        self.deposits = DepositService(database, clock)
        self.ledger = Ledger(database, clock)
        self.inbox = WebhookInbox(database, self.gateway, clock)
        check = LedgerCheck(database, self.ledger, clock)
        services = (self.payments, self.refunds, self.disputes, self.payouts, self.ledger, check)
        self.reconciliation = Reconciliation(database, self.gateway, *services, clock)

    def pay(
        self, payment_id: str = "pay-1", method: str = "pm_card_visa", reference: str = "booking-1", share: Share | None = None
    ) -> Payment:
        return self.payments.pay(
            payment_id=payment_id, reference=reference, user_id="ada", money=PRICE, method=method, description="Booking", share=share
        )

    def arrive(self, payment_id: str = "pay-1") -> None:
        """Ask for the deposit as a booking does whose guests have come."""
        left = Money(self.row(payment_id).get("deposit_left") or 0, "EUR")
        self.refunds.request(payment_id, left, key=f"{payment_id}:deposit", reason="deposit", deposit=left)

    def work(self) -> None:
        """Hand in the gateway's webhooks, and let every message that lies in an outbox be heard, until none is left."""
        handlers = [
            *payment_handlers(self.payments, self.refunds, self.disputes, self.ledger),
            *payout_handlers(self.payouts, self.accounts, self.ledger),
        ]
        heard = True
        while heard:
            heard = bool(self.inbox.fetch_local())
            for name in ("payments", "payouts", "gateway_notifications"):
                for row in self.database[name].find({"outbox.at": {"$exists": True}}):
                    for entry in row["outbox"]:
                        for handler in handlers:
                            if handler.message.kind == entry["kind"]:
                                handler.run(handler.message.from_document(entry["data"]))
                        self.database[name].update_one({"_id": row["_id"]}, {"$pull": {"outbox": {"id": entry["id"]}}})
                        heard = True

    def look(self, charge_id: str, subject: str | None = None) -> None:
        """React to a webhook about that charge."""
        for handler in payment_handlers(self.payments, self.refunds, self.disputes, self.ledger):
            if handler.message is NotificationReceived:
                handler.run(NotificationReceived(notification_id="n", charge_id=charge_id, subject=subject))

    def balances(self) -> dict[str, int]:
        """What the accounts of the ledger stand at, in euros; those at zero are left out."""
        return {str(account): amount for account, amount in self.ledger.balances().get("EUR", {}).items() if amount}

    def entries(self) -> list[str]:
        """The ids of the ledger's entries without those of what they are about."""
        return sorted(row["_id"].partition(":")[0] for row in self.database["ledger"].find())

    def row(self, payment_id: str = "pay-1") -> dict[str, Any]:
        found = self.database["payments"].find_one({"_id": payment_id})
        assert found
        return found

    def told(self, payment_id: str = "pay-1") -> list[str]:
        return [entry["kind"] for entry in self.row(payment_id)["outbox"]]


@pytest.fixture
def clock() -> StandingClock:
    return StandingClock()


@pytest.fixture
def till(database: Database[dict[str, Any]], tmp_path: Path, clock: StandingClock) -> Till:
    return Till(database, tmp_path, clock)

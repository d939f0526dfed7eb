from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from pymongo.database import Database

from dinnerkit.backends.sandbox import SandboxGateway
from dinnerkit.money import Money
from dinnerkit.payment.documents import NotificationDocument, PaymentDocument
from dinnerkit.payment.refunds import RefundService
from dinnerkit.payment.rules import Payment
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
        ensure_indexes(database, [PaymentDocument, NotificationDocument])
        self.database, self.clock = database, clock
        self.gateway = ScriptedGateway(folder / "gateway.db", webhook_delay=0)
        self.payments = PaymentService(database, self.gateway, clock)
        self.refunds = RefundService(database, self.gateway, clock)
        self.inbox = WebhookInbox(database, self.gateway, clock)

    def pay(self, payment_id: str = "pay-1", method: str = "pm_card_visa", reference: str = "booking-1") -> Payment:
        return self.payments.pay(
            payment_id=payment_id, reference=reference, user_id="ada", money=PRICE, method=method, description="Booking"
        )

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

"""The gateway passes dinnerkit's contract, over HTTP, against a Stripe with state."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from dinnerkit.ids import new_id
from dinnerkit.money import Money
from dinnerkit.testing import GatewayBench, GatewayContract
from dinnerkit_stripe import StripeGateway
from tests.services.stripe import SECRET_KEY, WEBHOOK_SECRETS, StripeDouble, signed_with


def notification(charge_id: str | None) -> bytes:
    about = {"object": "invoice", "id": "in_1"} if charge_id is None else {"object": "payment_intent", "id": charge_id}
    kind = "invoice.paid" if charge_id is None else "payment_intent.succeeded"
    event = {"id": f"evt_{new_id()}", "object": "event", "type": kind, "data": {"object": about | {"metadata": {"dinnerkit_key": "k"}}}}
    return json.dumps(event).encode()


class TestStripe(GatewayContract):
    @pytest.fixture
    def bench(self, gateway: StripeGateway, double: StripeDouble, opened: Callable[..., StripeGateway]) -> GatewayBench:
        return GatewayBench(
            gateway=gateway,
            disputed_method="pm_card_createDispute",
            amounts=[Money(3500, "EUR"), Money(5000, "JPY"), Money(12350, "KWD"), Money(4500, "ISK"), Money(250_000, "MGA")],
            authenticate=lambda charge, approve: double.authenticate(charge.id, str(charge.client_secret), approve=approve),
            signers=[signed_with(secret) for secret in WEBHOOK_SECRETS],
            forger=signed_with("whsec_theirs"),
            notification=notification,
            make_ready=lambda account: double.steer("ready", account=account),
            page=100,
            reopen=lambda: opened(double.url),
            reach=lambda host, port: opened(f"http://{host}:{port}", timeout=0.3, retries=0),
            secrets=[SECRET_KEY, *WEBHOOK_SECRETS],
        )

"""The default app with Stripe as its gateway: real processes, real HTTP, Stripe's own webhooks."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pytest
import requests

from dinnerkit.ids import new_id
from dinnerkit.kit import Kit
from dinnerkit.settings import Settings
from dinnerkit.testing import settings_for_tests
from dinnerkit_stripe import StripeGateway
from tests.conftest import with_database
from tests.fire.dinners import host_dinner
from tests.fire.serving import Answer, Client, Server, sign_in
from tests.services.stripe import SECRET_KEY, WEBHOOK_SECRETS, StripeDouble, stripe_double, stripe_url
from tests.waiting import until


class Shop:
    """A running app, a guest's token, and the double of Stripe that it asks."""

    def __init__(self, kit: Kit, settings: dict[str, Any], token: str, double: StripeDouble, address: str) -> None:
        self.kit, self.settings, self.token, self.double, self.address = kit, settings, token, double, address

    def reconcile(self) -> subprocess.CompletedProcess[str]:
        """What ``dinnerkit reconcile`` says of the last hour."""
        environ = os.environ | {f"DINNERKIT_{name.upper()}": str(value) for name, value in self.settings.items()}
        command = [sys.executable, "-m", "dinnerkit", "reconcile", "--since", "1h"]
        return subprocess.run(command, env=environ, capture_output=True, text=True, check=False)

    def send(self, method: str, path: str, body: Any = None) -> Answer:
        """Ask as the guest, on a connection of its own: the server closes one that is idle for long."""
        with closing(Client(self.address, self.token)) as guest:
            return guest.send(method, path, body, Idempotency_Key=new_id())

    def hold(self) -> str:
        """The id of a booking, of a dinner of its own, that waits for its payment."""
        event = host_dinner(self.kit, seats=6)
        answer = self.send("POST", "/v1/bookings", {"event_id": event, "guests": 2})
        assert answer.status == 201, answer.body
        return str(answer.body["id"])

    def pay(self, booking: str, method: str) -> tuple[int, dict[str, Any]]:
        answer = self.send("POST", f"/v1/bookings/{booking}/pay", {"payment_method": method})
        return answer.status, answer.body

    def status(self, booking: str) -> str:
        return str(self.send("GET", f"/v1/bookings/{booking}").body["status"])

    def intent(self, booking: str) -> dict[str, Any]:
        """The latest payment for a booking, as Stripe has it."""
        listed = self._stripe("payment_intents", limit=100)
        key = self.kit.database["payments"].find_one({"reference": booking}, sort=[("_id", -1)])["_id"]
        return next(intent for intent in listed if intent["metadata"].get("dinnerkit_key") == key)

    def refunded(self, booking: str) -> list[int]:
        """What went back of it, as Stripe has it."""
        return [refund["amount"] for refund in self._stripe("refunds", payment_intent=self.intent(booking)["id"])]

    def _stripe(self, what: str, **params: Any) -> list[dict[str, Any]]:
        headers = {"Authorization": f"Bearer {SECRET_KEY}"}
        answer = requests.get(f"{self.double.url}/v1/{what}", params=params, headers=headers, timeout=20)
        answer.raise_for_status()
        return list(answer.json()["data"])


@pytest.fixture(scope="module")
def double(checking_url: str) -> Iterator[StripeDouble]:
    """A Stripe of the shop's own, which has no payments but the shop's."""
    with stripe_double(checking_url) as running:
        yield running


@pytest.fixture(scope="module")
def shop(double: StripeDouble, mongo_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    folder = tmp_path_factory.mktemp("shop")
    settings = settings_for_tests(with_database(mongo_url, f"test-{new_id()}"), folder / "data", gateway=stripe_url(double.url))
    with Kit.open(Settings(**settings)) as kit:
        kit.ensure_indexes()
        (token,) = sign_in(kit, ["ada"]).values()
        server = Server(settings, folder, "--work")
        try:
            double.send_webhooks_to(f"http://{server.address}/v1/payments/webhooks/stripe", WEBHOOK_SECRETS[1])
            yield Shop(kit, settings, token, double, server.address)
        finally:
            ended = server.stop()
        kit.database.client.drop_database(kit.database.name)
    assert ended == 0
    log = (folder / "serve.log").read_text()
    assert not any(secret in log for secret in (SECRET_KEY, *WEBHOOK_SECRETS, "_secret_"))


def test_a_guest_books_is_declined_authenticates_is_confirmed_and_gets_the_money_back(shop: Shop) -> None:
    booking = shop.hold()

    status, answer = shop.pay(booking, "pm_card_chargeDeclined")
    assert (status, answer["code"], answer["decline_code"]) == (402, "payment_declined", "generic_decline")

    status, answer = shop.pay(booking, "pm_card_authenticationRequired")
    assert (status, answer["status"]) == (202, "action_required")
    intent = shop.intent(booking)
    assert (intent["amount"], intent["currency"], intent["status"]) == (7000, "eur", "requires_action")
    shop.double.authenticate(intent["id"], answer["client_secret"], approve=True)
    until(lambda: shop.status(booking) == "confirmed", "the webhook confirms the booking")
    assert shop.kit.database["gateway_notifications"].find_one({"kind": "payment_intent.succeeded", "charge": intent["id"]})

    assert shop.send("POST", f"/v1/bookings/{booking}/cancel", {}).status == 200
    until(lambda: shop.refunded(booking), "the money goes back")
    assert shop.refunded(booking) == [7000]
    assert shop.status(booking) == "cancelled"


def test_a_good_card_confirms_at_once_and_an_unknown_one_is_a_mistake_of_the_callers(shop: Shop) -> None:
    booking = shop.hold()
    status, answer = shop.pay(booking, "pm_never_made")
    assert status == 422
    assert [wrong["field"] for wrong in answer["errors"]] == ["payment_method"]
    status, answer = shop.pay(booking, "pm_card_visa")
    assert (status, answer["status"]) == (200, "confirmed")


def test_a_guest_who_refuses_at_the_bank_pays_nothing(shop: Shop) -> None:
    booking = shop.hold()
    _, answer = shop.pay(booking, "pm_card_authenticationRequired")
    intent = shop.intent(booking)
    shop.double.authenticate(intent["id"], answer["client_secret"], approve=False)
    status, answer = shop.pay(booking, "pm_card_visa")
    assert (status, answer["status"]) == (200, "confirmed")
    assert shop.intent(booking)["id"] != intent["id"]


def test_what_stripe_did_not_sign_is_refused_at_the_door(shop: Shop) -> None:
    url = f"http://{shop.address}/v1/payments/webhooks/stripe"
    forged = '{"id": "evt_1", "object": "event", "type": "payment_intent.succeeded", "data": {"object": {}}}'
    for headers in ({}, {"Stripe-Signature": "t=1,v1=00"}):
        answer = requests.post(url, data=forged, headers=headers, timeout=20)
        assert (answer.status_code, answer.json()["code"]) == (400, "bad_signature")


def test_without_an_answer_the_payment_is_unavailable_and_not_declined(shop: Shop) -> None:
    booking = shop.hold()
    for _ in range(4):
        shop.double.steer("fault", path="POST /v1/payment_intents", kind="drop_after")
    status, answer = shop.pay(booking, "pm_card_visa")
    assert (status, answer["code"]) == (503, "unavailable")
    shop.kit.database["payments"].update_one({"reference": booking}, {"$set": {"check_at": shop.kit.clock()}})
    until(lambda: shop.status(booking) == "confirmed", "the sweep finds the payment")


def test_the_books_agree_with_stripe_until_somebody_refunds_at_the_dashboard(shop: Shop, gateway: StripeGateway) -> None:
    booking = shop.hold()
    assert shop.pay(booking, "pm_card_visa")[0] == 200
    agreed = shop.reconcile()
    assert agreed.returncode == 0, agreed.stdout + agreed.stderr
    assert "0 left" in agreed.stdout

    intent = shop.intent(booking)["id"]
    headers = {"Authorization": f"Bearer {SECRET_KEY}"}
    requests.post(f"{shop.double.url}/v1/refunds", data={"payment_intent": intent, "amount": 500}, headers=headers, timeout=20)
    (refund,) = gateway.refunds(intent)
    told = shop.reconcile()
    assert told.returncode == 1
    assert refund.id in told.stdout

from __future__ import annotations

import json

import pytest

from dinnerkit.errors import Invalid
from dinnerkit.payment.authentication import AuthenticationService
from dinnerkit.payment.errors import NoSuchGateway, NoSuchPayment
from dinnerkit.ports.gateway import BadSignature, Gateway
from tests.payment.conftest import Till

SECURE = "pm_card_authenticationRequired"


def notifications(till: Till) -> list[dict[str, object]]:
    return list(till.database["gateway_notifications"].find().sort("_id", 1))


def test_a_webhook_is_stored_once_with_its_message(till: Till) -> None:
    till.pay(method=SECURE)
    (webhook,) = till.gateway.due_webhooks()
    assert till.inbox.receive("sandbox", webhook.body, webhook.headers) is True
    assert till.inbox.receive("sandbox", webhook.body, webhook.headers) is False
    (stored,) = notifications(till)
    assert stored["_id"] == f"sandbox:{webhook.id}"
    assert stored["kind"] == "payment_intent.requires_action"
    assert [entry["kind"] for entry in stored["outbox"]] == ["payment.notification_received"]  # type: ignore[attr-defined]


def test_it_only_says_where_to_look(till: Till) -> None:
    till.pay(method=SECURE)
    charge = till.row()["charge"]
    body = json.dumps({"id": "evt_forged", "type": "payment_intent.succeeded", "charge": charge}).encode()
    till.inbox.receive("sandbox", body, till.gateway.sign(body))
    till.look(charge)
    assert till.row()["status"] == "action_required"


@pytest.mark.parametrize("body", [b"", b"{}", b"[1]", b"\xff\xfe", b"\x00" * 1000])
def test_what_is_not_signed_or_not_understood_is_refused_and_not_stored(till: Till, body: bytes) -> None:
    with pytest.raises(BadSignature):
        till.inbox.receive("sandbox", body, {})
    with pytest.raises(Invalid):
        till.inbox.receive("sandbox", body, till.gateway.sign(body))
    assert notifications(till) == []


def test_of_a_gateway_that_is_not_in_use_nothing_is_taken(till: Till) -> None:
    with pytest.raises(NoSuchGateway):
        till.inbox.receive("stripe", b"{}", {})


def test_a_gateway_beside_the_app_is_asked_for_its_webhooks(till: Till) -> None:
    till.pay("pay-1", SECURE)
    till.pay("pay-2", SECURE, "booking-2")
    assert till.inbox.fetch_local() == 2
    assert till.inbox.fetch_local() == 0
    assert len(notifications(till)) == 2


def test_a_webhook_that_was_handed_in_before_a_crash_is_acknowledged_after_it(till: Till) -> None:
    till.pay(method=SECURE)
    (webhook,) = till.gateway.due_webhooks()
    till.inbox.receive("sandbox", webhook.body, webhook.headers)
    assert till.inbox.fetch_local() == 1
    assert len(notifications(till)) == 1
    assert list(till.gateway.due_webhooks()) == []


def test_about_what_has_succeeded_there_is_nothing_more_to_say(till: Till) -> None:
    till.pay()
    till.inbox.fetch_local()
    (stored,) = notifications(till)
    assert stored["outbox"] == []


def test_the_guests_bank_is_answered_for_where_there_is_none(till: Till) -> None:
    payment = till.pay(method=SECURE)
    assert payment.client_secret
    assert AuthenticationService(till.gateway).answer(payment.client_secret, approve=True).status == "succeeded"


def test_a_gateway_with_banks_is_not_answered_for() -> None:
    class WithBanks:
        name = "banks"

    gateway: Gateway = WithBanks()  # type: ignore[assignment]
    with pytest.raises(NoSuchPayment):
        AuthenticationService(gateway).answer("cs_1", approve=True)

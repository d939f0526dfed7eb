"""What Stripe tells, and what comes of it: where to look, and nothing else."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest

from dinnerkit.errors import Invalid
from dinnerkit.ports.gateway import BadSignature, GatewayEvent
from dinnerkit_stripe.webhooks import TOLERANCE_SECONDS, verify
from tests.services.stripe import signed_with

OURS = {"dinnerkit_key": "06h1bkyszqdmsrgyv8y1m7zn"}


def told(kind: str, about: Any, **more: Any) -> GatewayEvent:
    body = json.dumps({"id": "evt_1", "object": "event", "type": kind, "data": {"object": about}, **more}).encode()
    return verify(["whsec_1"], body, signed_with("whsec_1")(body, time.time()))


@pytest.mark.parametrize(
    ("kind", "about", "subject"),
    [
        ("payment_intent.succeeded", {"object": "payment_intent", "id": "pi_1", "metadata": OURS}, "charge"),
        ("payment_intent.canceled", {"object": "payment_intent", "id": "pi_1", "metadata": OURS}, "charge"),
        ("charge.succeeded", {"object": "charge", "id": "ch_1", "payment_intent": "pi_1"}, "charge"),
        ("charge.refunded", {"object": "charge", "id": "ch_1", "payment_intent": "pi_1"}, "refund"),
        ("charge.refund.updated", {"object": "refund", "id": "re_1", "payment_intent": "pi_1"}, "refund"),
        ("refund.failed", {"object": "refund", "id": "re_1", "payment_intent": "pi_1"}, "refund"),
        ("charge.dispute.created", {"object": "dispute", "id": "du_1", "payment_intent": "pi_1"}, "dispute"),
        ("charge.dispute.funds_reinstated", {"object": "dispute", "id": "du_1", "payment_intent": "pi_1"}, "dispute"),
    ],
)
def test_what_concerns_a_payment_says_which_and_what_of_it(kind: str, about: dict[str, Any], subject: str) -> None:
    assert told(kind, about) == GatewayEvent("evt_1", kind, charge_id="pi_1", subject=subject)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("kind", "about", "more"),
    [
        ("account.updated", {"object": "account", "id": "acct_1"}, {}),
        ("account.updated", {"object": "account", "id": "acct_1"}, {"account": "acct_1"}),
        ("transfer.reversed", {"object": "transfer", "id": "tr_1", "destination": "acct_1"}, {}),
        ("payout.failed", {"object": "payout", "id": "po_1"}, {"account": "acct_1"}),
        ("charge.succeeded", {"object": "charge", "id": "ch_1", "payment_intent": "pi_of_the_hosts_own"}, {"account": "acct_1"}),
    ],
)
def test_what_concerns_a_host_says_whose_account(kind: str, about: dict[str, Any], more: dict[str, Any]) -> None:
    assert told(kind, about, **more) == GatewayEvent("evt_1", kind, account_id="acct_1")


@pytest.mark.parametrize(
    ("kind", "about"),
    [
        ("invoice.paid", {"object": "invoice", "id": "in_1", "payment_intent": "pi_1"}),
        ("never.heard.of", {"object": "novelty"}),
        ("payment_intent.succeeded", {"object": "payment_intent", "id": "pi_1", "metadata": {}}),
        ("payment_intent.succeeded", {"object": "payment_intent", "id": "pi_1", "metadata": {"order": "17"}}),
        ("charge.succeeded", {"object": "charge", "id": "ch_1", "payment_intent": None}),
    ],
)
def test_what_is_none_of_ours_leads_nowhere(kind: str, about: dict[str, Any]) -> None:
    assert told(kind, about) == GatewayEvent("evt_1", kind)


@pytest.mark.parametrize("about", [None, [], "pi_1", 1, {"object": "payment_intent", "metadata": OURS}])
def test_what_stripe_signed_and_nobody_understands_is_invalid(about: Any) -> None:
    with pytest.raises(Invalid) as caught:
        told("payment_intent.succeeded", about)
    assert not isinstance(caught.value, BadSignature)


def test_the_clocks_may_differ_by_some_minutes_and_no_more() -> None:
    body = b'{"id": "evt_1", "type": "invoice.paid"}'
    sign = signed_with("whsec_1")
    assert verify(["whsec_1"], body, sign(body, time.time() - TOLERANCE_SECONDS + 30)).id == "evt_1"
    with pytest.raises(BadSignature):
        verify(["whsec_1"], body, sign(body, time.time() - TOLERANCE_SECONDS - 30))


def test_what_is_no_text_was_not_sent_by_stripe() -> None:
    headers = {"Stripe-Signature": f"t={int(time.time())},v1=00"}
    with pytest.raises(BadSignature):
        verify(["whsec_1"], b"\xff\xfe", headers)

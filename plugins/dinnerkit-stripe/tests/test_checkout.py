"""What Stripe's form asks of a page, where there is nothing but Stripe."""

from __future__ import annotations

import json

import pytest

from dinnerkit.money import Money
from dinnerkit_stripe import StripeGateway, open_gateway

SECRETS = "stripe://?secret_key=sk_test_hidden&webhook_secret=whsec_hidden"


@pytest.fixture
def gateway() -> StripeGateway:
    return open_gateway(f"{SECRETS}&publishable_key=pk_test_1")


def test_stripes_script_comes_from_stripe_and_nothing_else_is_let_in(gateway: StripeGateway) -> None:
    form = gateway.checkout_form(Money(3500, "EUR"))
    assert form
    assert form.settings["script"] == "https://js.stripe.com/dahlia/stripe.js"
    assert form.sources == {
        "script-src": ("https://js.stripe.com", "https://*.js.stripe.com"),
        "frame-src": ("https://js.stripe.com", "https://*.js.stripe.com", "https://hooks.stripe.com"),
        "connect-src": ("https://api.stripe.com",),
    }


@pytest.mark.parametrize(
    ("money", "amount", "currency"),
    [(Money(3500, "EUR"), 3500, "eur"), (Money(5000, "JPY"), 5000, "jpy"), (Money(4500, "ISK"), 450_000, "isk")],
)
def test_the_form_counts_as_stripe_does(gateway: StripeGateway, money: Money, amount: int, currency: str) -> None:
    form = gateway.checkout_form(money)
    assert form
    assert (form.settings["amount"], form.settings["currency"]) == (amount, currency)


def test_the_page_is_told_the_publishable_key_and_no_secret(gateway: StripeGateway) -> None:
    form = gateway.checkout_form(Money(3500, "EUR"))
    assert form
    assert form.settings["key"] == "pk_test_1"
    assert "hidden" not in json.dumps(dict(form.settings)) + gateway.checkout_module


def test_without_a_publishable_key_or_for_a_sum_that_can_not_be_moved_there_is_no_form(gateway: StripeGateway) -> None:
    assert open_gateway(SECRETS).checkout_form(Money(3500, "EUR")) is None
    assert gateway.checkout_form(Money(3500, "UGX")) is None

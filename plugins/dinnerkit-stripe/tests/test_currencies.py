"""Amounts are what Stripe's documentation says they are, and come back as they went."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dinnerkit.errors import BackendFault, Invalid
from dinnerkit.money import MAX_AMOUNT, Money
from dinnerkit_stripe.currencies import from_stripe, to_stripe


@pytest.mark.parametrize(
    ("money", "amount"),
    [
        (Money(1099, "USD"), 1099),
        (Money(500, "JPY"), 500),
        (Money(5120, "KWD"), 5120),
        (Money(5, "ISK"), 500),
        (Money(500, "MGA"), 5),
        (Money(1000, "HUF"), 1000),
    ],
    ids=str,
)
def test_each_kind_of_currency_goes_as_documented_and_comes_back(money: Money, amount: int) -> None:
    sent = to_stripe(money)
    assert sent == {"amount": amount, "currency": money.currency.lower()}
    assert from_stripe(int(sent["amount"]), str(sent["currency"])) == money


@given(amount=st.integers(1, MAX_AMOUNT), currency=st.sampled_from(["EUR", "JPY", "KWD", "ISK", "MGA", "BHD", "TND", "KRW", "TWD"]))
def test_what_goes_comes_back_to_the_last_minor_unit_or_is_refused(amount: int, currency: str) -> None:
    money = Money(amount, currency)
    step = {"KWD": 10, "BHD": 10, "TND": 10, "MGA": 100}.get(currency, 1)
    if amount % step:
        with pytest.raises(Invalid):
            to_stripe(money)
    else:
        sent = to_stripe(money)
        assert from_stripe(int(sent["amount"]), str(sent["currency"])) == money


@pytest.mark.parametrize(
    ("money", "words"),
    [
        (Money(5125, "KWD"), "steps of 10 minor units"),
        (Money(550, "MGA"), "steps of 100 minor units"),
        (Money(5000, "UGX"), "UGX can't be paid by Stripe"),
        (Money(0, "EUR"), "above zero"),
        (Money(-1, "EUR"), "above zero"),
    ],
    ids=str,
)
def test_what_can_not_be_moved_exactly_is_refused_and_never_rounded(money: Money, words: str) -> None:
    with pytest.raises(Invalid, match=words):
        to_stripe(money)


def test_a_fraction_where_there_are_none_is_no_money() -> None:
    with pytest.raises(BackendFault, match="no whole amount of ISK"):
        from_stripe(550, "isk")

"""Deposits go back to those who come, or are kept from those who don't: one of the two, once."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

import pytest

from dinnerkit.money import Money
from dinnerkit.payment.errors import RefundTooLarge
from dinnerkit.payment.rules import Share
from tests.payment.conftest import PRICE, Till

DEPOSIT = Money(500, "EUR")


@pytest.fixture
def paid(till: Till) -> Till:
    till.pay(share=Share("mina", "dinner-1", DEPOSIT))
    return till


def refunds(till: Till) -> list[tuple[int, int]]:
    return [(refund["amount"], refund.get("deposit", 0)) for refund in till.row()["refunds"]]


def test_one_that_went_back_is_not_kept_as_well(paid: Till) -> None:
    for _ in range(2):
        paid.arrive("pay-1")
        paid.deposits.keep("pay-1")
    assert refunds(paid) == [(500, 500)]
    assert "deposit_kept" not in paid.row()


def test_one_that_was_kept_does_not_go_back_as_well(paid: Till) -> None:
    for _ in range(2):
        paid.deposits.keep("pay-1")
        paid.arrive("pay-1")
    assert refunds(paid) == []
    assert paid.row()["deposit_kept"]["amount"] == 500
    with pytest.raises(RefundTooLarge):
        paid.refunds.request("pay-1", PRICE, key="all", reason="because")
    paid.refunds.request("pay-1", Money(3000, "EUR"), key="price", reason="because")


def test_one_of_the_two_wins_where_both_are_tried_at_once(paid: Till) -> None:
    def arrive() -> None:
        with suppress(RefundTooLarge):  # it was kept in between
            paid.arrive("pay-1")

    with ThreadPoolExecutor(8) as pool:
        tries = [lambda: paid.deposits.keep("pay-1"), arrive] * 4
        list(pool.map(lambda attempt: attempt(), tries))
    kept = paid.row().get("deposit_kept", {}).get("amount", 0)
    assert kept + sum(amount for amount, _ in refunds(paid)) == 500


def test_a_refund_takes_the_price_first_and_the_deposit_for_what_is_left(paid: Till) -> None:
    paid.refunds.request("pay-1", Money(2000, "EUR"), key="a", reason="because")
    paid.refunds.request("pay-1", Money(1200, "EUR"), key="b", reason="because")
    assert refunds(paid) == [(2000, 0), (1200, 200)]
    assert paid.row()["deposit_left"] == 300
    paid.arrive("pay-1")
    assert paid.row()["refundable"] == 0


def test_all_goes_back_at_once(paid: Till) -> None:
    paid.refunds.request("pay-1", PRICE, key="all", reason="because")
    assert refunds(paid) == [(3500, 500)]
    paid.work()
    assert paid.balances() == {"gateway": -78, "gateway_fees": 78}


def test_no_more_of_it_goes_back_than_there_is(paid: Till) -> None:
    with pytest.raises(RefundTooLarge):
        paid.refunds.request("pay-1", Money(600, "EUR"), key="a", reason="because", deposit=Money(600, "EUR"))


@pytest.mark.parametrize("deposit", [Money(3501, "EUR"), Money(-1, "EUR"), Money(1, "USD")])
def test_one_that_is_no_part_of_the_payment_is_refused(till: Till, deposit: Money) -> None:
    with pytest.raises(ValueError, match="deposit"):
        till.pay(share=Share("mina", "dinner-1", deposit))
    assert till.database["payments"].count_documents({}) == 0


def test_where_there_is_none_nothing_happens(till: Till) -> None:
    till.pay()
    till.deposits.keep("pay-1")
    till.arrive("pay-1")
    assert refunds(till) == []

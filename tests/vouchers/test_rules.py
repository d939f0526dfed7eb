"""What vouchers take off, in whole minor units: never more than there is, and rounded for the guest."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dinnerkit.errors import Conflict, Invalid
from dinnerkit.money import MAX_AMOUNT, Money
from dinnerkit.vouchers.errors import VoucherExpired, VoucherMinimum, VoucherNotForThisEvent
from dinnerkit.vouchers.rules import MOST_USES, Kind, Terms, Voucher, check, code_key, discount, must_be_good

NOW = datetime(2026, 11, 1, 12, tzinfo=UTC)
AN_HOUR = timedelta(hours=1)
EVENT, OTHER = "e" * 24, "f" * 24

prices = st.integers(0, MAX_AMOUNT).map(lambda amount: Money(amount, "EUR"))
percents = st.integers(1, 100)


def euros(cents: int) -> Money:
    return Money(cents, "EUR")


def voucher(stopped_at: datetime | None = None, **terms: object) -> Voucher:
    wanted = Terms(**({"kind": Kind.FREE} | terms))
    return Voucher(id="v" * 24, code="SUMMER", owner="host", terms=wanted, used=0, stopped_at=stopped_at, created_at=NOW)


@given(prices, percents)
def test_a_percentage_is_exact_or_less_than_a_minor_unit_in_the_guests_favour(price: Money, percent: int) -> None:
    off = discount(Terms(kind=Kind.PERCENT, percent=percent), price).amount
    assert 0 <= off - Fraction(price.amount * percent, 100) < 1
    assert 0 <= off <= price.amount


@given(prices, percents, percents)
def test_a_higher_percentage_never_takes_less_off(price: Money, one: int, other: int) -> None:
    less, more = (discount(Terms(kind=Kind.PERCENT, percent=percent), price).amount for percent in sorted((one, other)))
    assert less <= more


@given(prices, st.integers(1, MAX_AMOUNT))
def test_an_amount_takes_off_no_more_than_there_is(price: Money, amount: int) -> None:
    assert discount(Terms(kind=Kind.AMOUNT, amount=euros(amount)), price).amount == min(amount, price.amount)


@given(prices)
def test_a_free_voucher_takes_everything_as_does_all_of_it_in_per_cent(price: Money) -> None:
    assert discount(Terms(kind=Kind.FREE), price) == discount(Terms(kind=Kind.PERCENT, percent=100), price) == price


@pytest.mark.parametrize("typed", ["summer26", "SUMMER-26", " Summer 26 ", "summer_26"])
def test_codes_are_compared_without_case_spaces_and_dashes(typed: str) -> None:
    assert code_key(typed) == "SUMMER26"


@pytest.mark.parametrize(
    ("terms", "code", "field"),
    [
        (Terms(kind=Kind.FREE), "abc", "code"),
        (Terms(kind=Kind.FREE), "a" * 41, "code"),
        (Terms(kind=Kind.FREE), "süße", "code"),
        (Terms(kind=Kind.FREE), "----", "code"),
        (Terms(kind=Kind.PERCENT), "SUMMER", "percent"),
        (Terms(kind=Kind.PERCENT, percent=0), "SUMMER", "percent"),
        (Terms(kind=Kind.PERCENT, percent=101), "SUMMER", "percent"),
        (Terms(kind=Kind.FREE, percent=10), "SUMMER", "percent"),
        (Terms(kind=Kind.AMOUNT), "SUMMER", "amount"),
        (Terms(kind=Kind.AMOUNT, amount=euros(0)), "SUMMER", "amount"),
        (Terms(kind=Kind.AMOUNT, amount=Money(1005, "KWD")), "SUMMER", "amount"),
        (Terms(kind=Kind.AMOUNT, amount=euros(5), minimum=Money(5, "USD")), "SUMMER", "minimum"),
        (Terms(kind=Kind.FREE, max_uses=0), "SUMMER", "max_uses"),
        (Terms(kind=Kind.FREE, max_uses=MOST_USES + 1), "SUMMER", "max_uses"),
        (Terms(kind=Kind.FREE, per_guest=0), "SUMMER", "per_guest"),
        (Terms(kind=Kind.FREE, valid_from=NOW, valid_until=NOW), "SUMMER", "valid_until"),
    ],
)
def test_what_makes_no_sense_is_named(terms: Terms, code: str, field: str) -> None:
    with pytest.raises(Invalid) as caught:
        check(code, terms)
    assert list(caught.value.details["fields"]) == [field]


@pytest.mark.parametrize(
    ("given_voucher", "error"),
    [
        (voucher(stopped_at=NOW), VoucherExpired),
        (voucher(valid_until=NOW), VoucherExpired),
        (voucher(valid_from=NOW + AN_HOUR), VoucherExpired),
        (voucher(event=OTHER), VoucherNotForThisEvent),
        (voucher(kind=Kind.AMOUNT, amount=Money(5, "USD")), VoucherNotForThisEvent),
        (voucher(minimum=Money(5, "USD")), VoucherNotForThisEvent),
        (voucher(minimum=euros(3501)), VoucherMinimum),
    ],
)
def test_a_voucher_that_is_not_good_says_why(given_voucher: Voucher, error: type[Conflict]) -> None:
    with pytest.raises(error):
        must_be_good(given_voucher, EVENT, euros(3500), NOW)


def test_none_is_good_for_what_costs_nothing() -> None:
    with pytest.raises(VoucherMinimum):
        must_be_good(voucher(minimum=euros(0)), EVENT, euros(0), NOW)


def test_a_good_one_passes_to_the_last_cent_and_second() -> None:
    good = voucher(event=EVENT, minimum=euros(3500), valid_from=NOW, valid_until=NOW + timedelta(milliseconds=1))
    must_be_good(good, EVENT, euros(3500), NOW)

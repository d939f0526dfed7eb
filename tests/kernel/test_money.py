from __future__ import annotations

import pytest
from bson import Int64
from hypothesis import given
from hypothesis import strategies as st

from dinnerkit.money import MAX_AMOUNT, Money, Rounding, decimals, step

AMOUNTS = st.integers(-(10**9), 10**9)


@given(a=AMOUNTS, b=AMOUNTS, n=st.integers(0, 100))
def test_it_adds_up(a: int, b: int, n: int) -> None:
    x, y = Money(a, "EUR"), Money(b, "EUR")
    assert x + y == y + x == Money(a + b, "EUR")
    assert x + y - y == x
    assert sum([x] * n, Money(0, "EUR")) == x * n


@given(amount=st.integers(0, 10**9), percentage=st.integers(0, 100))
def test_a_part_and_its_rest_are_the_whole_and_differ_from_the_exact_by_half_a_unit(amount: int, percentage: int) -> None:
    part = Money(amount, "EUR").percent(percentage).amount
    assert 0 <= part <= amount
    assert abs(part * 100 - amount * percentage) <= 50


@pytest.mark.parametrize(
    ("money", "major"),
    [
        (Money(3500, "EUR"), "35.00"),
        (Money(3500, "JPY"), "3500"),
        (Money(3500, "KWD"), "3.500"),
        (Money(3500, "RSD"), "35.00"),  # written without decimals by habit, and yet ISO 4217 has two
        (Money(-5, "EUR"), "-0.05"),
    ],
    ids=str,
)
def test_the_minor_unit_is_that_of_iso_4217(money: Money, major: str) -> None:
    assert str(money.major) == major
    assert money.major * 10 ** decimals(money.currency) == money.amount


def test_halves_are_rounded_up() -> None:
    assert [Money(amount, "EUR").percent(50).amount for amount in (1, 2, 3)] == [1, 1, 2]


@pytest.mark.parametrize(("rounding", "third"), [("down", 410), ("half_up", 410), ("up", 420)])
def test_of_thousandths_whole_tens_are_paid(rounding: Rounding, third: int) -> None:
    assert Money(1240, "KWD").part(1, 3, rounding) == Money(third, "KWD")
    assert Money(1250, "KWD").percent(50) == Money(630, "KWD")


@given(
    money=st.builds(Money, st.integers(0, MAX_AMOUNT), st.sampled_from(["EUR", "JPY", "KWD", "MGA"])),
    parts=st.integers(1, 100),
    taken=st.integers(0, 100),
    rounding=st.sampled_from(["down", "half_up", "up"]),
)
def test_a_part_can_be_paid_and_is_as_much_as_was_asked_for(money: Money, parts: int, taken: int, rounding: Rounding) -> None:
    taken, size = min(taken, parts), step(money.currency)
    part = money.part(taken, parts, rounding)
    assert part.currency == money.currency
    assert 0 <= part.amount <= money.amount
    assert abs(part.amount * parts - money.amount * taken) < size * parts
    assert part.amount % size == 0 or part.amount == money.amount
    assert money.part(0, parts, rounding).amount == 0
    assert money.part(parts, parts, rounding) == money
    assert money.part(taken, parts, "down").amount <= part.amount <= money.part(taken, parts, "up").amount


@given(amount=AMOUNTS)
def test_it_is_stored_and_read_again(amount: int) -> None:
    money = Money(amount, "JPY")
    assert Money.from_document(money.to_document()) == money


def test_the_drivers_integers_become_plain_ones() -> None:
    assert type(Money(Int64(5), "EUR").amount) is int


@pytest.mark.parametrize("amount", [1.0, "1", None, True, MAX_AMOUNT + 1, -MAX_AMOUNT - 1])
def test_what_is_no_whole_number_of_minor_units_is_refused(amount: object) -> None:
    with pytest.raises(ValueError, match="whole number of minor units"):
        Money(amount, "EUR")  # type: ignore[arg-type]


@pytest.mark.parametrize("currency", ["", "eur", "EURO", "E1R", "EUR\n", "ÉUR"])
def test_what_is_no_currency_is_refused(currency: str) -> None:
    with pytest.raises(ValueError, match="three capital letters"):
        Money(1, currency)


def test_currencies_do_not_mix() -> None:
    with pytest.raises(ValueError, match="don't add up"):
        _ = Money(1, "EUR") + Money(1, "USD")
    with pytest.raises(ValueError, match="don't add up"):
        _ = Money(1, "EUR") - Money(1, "USD")


def test_amounts_of_money_are_not_ordered_across_currencies() -> None:
    with pytest.raises(TypeError):
        _ = Money(1, "EUR") < Money(2, "EUR")  # type: ignore[operator]

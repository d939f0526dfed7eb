"""Money, times and numbers as they are written."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from dinnerkit.clock import utcnow
from dinnerkit.money import Money
from dinnerkit.texts import sentence
from dinnerkit.web import words


@pytest.mark.parametrize(
    ("money", "short", "long"),
    [
        (Money(3500, "EUR"), "€35", "35 euros"),
        (Money(3550, "EUR"), "€35.50", "35.50 euros"),
        (Money(100, "EUR"), "€1", "1 euro"),
        (Money(4000, "JPY"), "JP¥4,000", "4,000 Japanese yen"),
        (Money(2500, "KWD"), "KWD2.500", "2.500 Kuwaiti dinars"),
        (Money(2550, "RSD"), "RSD25.50", "25.50 Serbian dinars"),
        (Money(123456700, "GBP"), "£1,234,567", "1,234,567 British pounds"),
        (Money(0, "EUR"), "free", "free"),
    ],
)
def test_a_price_is_short_or_in_words(money: Money, short: str, long: str) -> None:
    assert words.price(money) == short
    assert words.price(money.to_document()) == short
    assert words.price_in_words(money) == long


def test_a_refund_of_nothing_is_a_sum_all_the_same() -> None:
    assert words.sum_of_money(Money(0, "EUR")) == "€0"


def test_a_day_is_the_one_of_the_place() -> None:
    moment = datetime(utcnow().year, 6, 5, 23, 30, tzinfo=UTC)

    assert words.day(moment, "Asia/Tokyo").endswith("6 June")
    assert words.day(moment, "America/New_York").endswith("5 June")
    assert words.clock_time(moment, "Asia/Tokyo") == "08:30"
    assert words.day(datetime(2031, 6, 5, 12, tzinfo=UTC), "UTC") == "Thursday 5 June 2031"


def test_a_moment_in_a_form_is_exactly_that_moment() -> None:
    assert words.local_input(datetime(2030, 1, 1, 18, 0, tzinfo=UTC), "Europe/Berlin") == "2030-01-01T19:00"
    assert words.local_input(datetime(2030, 1, 1, 18, 0, 7, tzinfo=UTC), "Europe/Berlin") == "2030-01-01T19:00:07"


@pytest.mark.parametrize(("seconds", "said"), [(-5, "1 minute"), (3, "1 minute"), (545, "9 minutes"), (86_400, "24 hours")])
def test_the_time_left_is_a_round_one(seconds: int, said: str) -> None:
    assert words.time_left(utcnow() + timedelta(seconds=seconds)) == said


def test_numbers_lists_and_sentences() -> None:
    assert (words.number(1234.56, 1), words.number(-0.04, 1)) == ("1,234.6", "0.0")
    assert (words.count(1, "seat"), words.count(1200, "seat")) == ("1 seat", "1,200 seats")
    assert [words.listed(["a", "b", "c"][:many]) for many in range(4)] == ["", "a", "a and b", "a, b and c"]
    assert (sentence("gone already"), sentence("Gone."), sentence(" ")) == ("Gone already.", "Gone.", "")
    assert words.language("de") == "German"

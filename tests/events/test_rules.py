from __future__ import annotations

import unicodedata
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dinnerkit.errors import Invalid
from dinnerkit.events.rules import (
    LONGEST_NOTICE_HOURS,
    EventDetails,
    Location,
    RefundPolicy,
    TableSize,
    Venue,
    distinct_tags,
    in_words,
    refund_of,
    refundable,
    resold_share,
    timezones,
)
from dinnerkit.events.validation import check, unready
from dinnerkit.money import MAX_AMOUNT, Money
from dinnerkit.texts import search_key

NOW = datetime(2026, 11, 1, 12, 0, tzinfo=UTC)
START = NOW + timedelta(days=7)
Make = Callable[..., EventDetails]


def test_a_sound_event_passes_and_is_ready(details: Make):
    check(details())
    assert unready(details(), NOW) == {}


@pytest.mark.parametrize(
    ("replaced", "field"),
    [
        ({"title": " \u3000"}, "title"),
        ({"title": "a" * 121}, "title"),
        ({"title": "two\nlines"}, "title"),
        ({"title": "half a \ud83c"}, "title"),
        ({"description": "a" * 10_001}, "description"),
        ({"description": "bell \x07"}, "description"),
        ({"cuisine": ""}, "cuisine"),
        ({"city": "a" * 101}, "city"),
        ({"venue": Venue("", "", Location(0, 0))}, "venue.name"),
        ({"venue": Venue("Here", "a" * 301, Location(0, 0))}, "venue.address"),
        ({"venue": Venue("Here", "", Location(90.1, 0))}, "venue.location.lat"),
        ({"venue": Venue("Here", "", Location(0, -180.5))}, "venue.location.lon"),
        ({"venue": Venue("Here", "", Location(float("nan"), 0))}, "venue.location.lat"),
        ({"starts_at": datetime(2030, 1, 1)}, "starts_at"),  # noqa: DTZ001 - naive on purpose
        ({"timezone": "Europe/Atlantis"}, "timezone"),
        ({"seats": 0}, "seats"),
        ({"seats": 10_001}, "seats"),
        ({"table_size": TableSize(0, 4)}, "table_size.min"),
        ({"table_size": TableSize(4, 10_001)}, "table_size.max"),
        ({"price": Money(-1, "EUR")}, "price.amount"),
        ({"price": Money(1, "AAA")}, "price.currency"),
        ({"deposit": Money(-1, "EUR")}, "deposit.amount"),
        ({"changes_until_hours": -1}, "changes_until_hours"),
        ({"deposit": Money(1, "USD")}, "deposit.currency"),
        ({"tags": tuple("abcdefghijk")}, "tags"),
        ({"tags": ("fine", "a" * 41)}, "tags.1"),
        ({"refund_policy": RefundPolicy(-1, 0)}, "refund_policy.full_until_hours"),
        ({"refund_policy": RefundPolicy(LONGEST_NOTICE_HOURS + 1, 0)}, "refund_policy.full_until_hours"),
        ({"refund_policy": RefundPolicy(48, 101)}, "refund_policy.late_percent"),
        ({"refund_policy": RefundPolicy(48, 0, -1)}, "refund_policy.late_until_hours"),
        ({"refund_policy": RefundPolicy(48, 50, 49)}, "refund_policy.late_until_hours"),
        ({"refund_policy": RefundPolicy(48, 0, 0, -1)}, "refund_policy.late_fee"),
        ({"refund_policy": RefundPolicy(48, 50, 0, 500)}, "refund_policy.late_fee"),
        ({"price": Money(1234, "KWD")}, "price.amount"),
        ({"price": Money(1230, "KWD"), "deposit": Money(5, "KWD")}, "deposit.amount"),
        ({"price": Money(1230, "KWD"), "refund_policy": RefundPolicy(48, 0, 0, 105)}, "refund_policy.late_fee"),
        ({"price": Money(1250, "MGA")}, "price.amount"),
    ],
)
def test_a_value_that_can_not_be_kept_is_named(details: Make, replaced: dict, field: str):
    with pytest.raises(Invalid) as caught:
        check(details(**replaced))
    assert list(caught.value.details["fields"]) == [field]


def test_all_that_is_wrong_is_said_at_once(details: Make):
    with pytest.raises(Invalid) as caught:
        check(details(title="", seats=0, timezone="Mars/Olympus"))
    assert set(caught.value.details["fields"]) == {"title", "seats", "timezone"}


@pytest.mark.parametrize(
    ("replaced", "field"),
    [
        ({"starts_at": NOW}, "starts_at"),
        ({"starts_at": NOW - timedelta(days=1)}, "starts_at"),
        ({"table_size": TableSize(5, 4)}, "table_size.min"),
        ({"seats": 6, "table_size": TableSize(4, 7)}, "table_size.max"),
        ({"seats": 10, "price": Money(MAX_AMOUNT // 10 + 1, "EUR")}, "price.amount"),
        ({"seats": 10, "price": Money(MAX_AMOUNT // 10, "EUR"), "deposit": Money(1, "EUR")}, "price.amount"),
    ],
)
def test_a_draft_may_contradict_itself_but_is_not_ready_then(details: Make, replaced: dict, field: str):
    check(details(**replaced))
    assert list(unready(details(**replaced), NOW)) == [field]


def test_every_zone_that_is_offered_exists():
    assert {"UTC", "Europe/Berlin", "America/Argentina/Buenos_Aires"} <= set(timezones())
    assert all(ZoneInfo(name) for name in timezones())


@pytest.mark.parametrize(
    ("typed", "written"),
    [
        ("munchen", "München"),
        ("MÜNCHEN", "Mu\u0308nchen"),
        ("  sao   paulo ", "São Paulo"),
        ("strasse", "Straße"),
        ("lodz", "Łódź"),
        ("kobenhavn", "København"),
        ("istanbul", "İstanbul"),
        ("санкт-петербург", "САНКТ-ПЕТЕРБУРГ"),
    ],
)
def test_names_are_found_as_people_type_them(typed: str, written: str):
    assert search_key(typed) == search_key(written)


def test_marks_that_make_another_letter_are_kept():
    assert search_key("が") != search_key("か")


@given(st.text(max_size=30))
def test_a_key_is_its_own_key_and_ignores_the_unicode_form(text: str):
    key = search_key(text)
    assert search_key(key) == key
    assert search_key(unicodedata.normalize("NFC", text)) == search_key(unicodedata.normalize("NFD", text))


@given(st.text(min_size=1).filter(str.strip))
def test_what_is_not_blank_has_a_key(text: str):
    assert search_key(text)


def test_tags_that_differ_only_in_spelling_are_one():
    assert distinct_tags(["Vegan", "café", "VEGAN", "cafe"]) == ("Vegan", "café")


BY_48_HOURS = "Cancel at least 48 hours before the dinner and you get everything back;"
BY_12_HOURS = "Cancel at least 12 hours before the dinner"

policies = st.builds(
    lambda full, percent, late, fee, resold: RefundPolicy(full, 0 if fee is not None else percent, min(late, full), fee, resold),
    st.integers(0, LONGEST_NOTICE_HOURS),
    st.integers(0, 100),
    st.integers(0, LONGEST_NOTICE_HOURS),
    st.none() | st.integers(0, 10**6),
    st.booleans(),
)
amounts = st.integers(0, 10**9).map(lambda amount: Money(amount, "EUR"))
moments = st.timedeltas(timedelta(days=-800), timedelta(days=10)).map(lambda before: START + before)


@pytest.mark.parametrize(
    ("before", "back"),
    [
        (timedelta(hours=72), 1001),
        (timedelta(hours=48), 1001),
        (timedelta(hours=48) - timedelta(milliseconds=1), 501),
        (timedelta(milliseconds=1), 501),
        (timedelta(0), 0),
        (timedelta(hours=-1), 0),
    ],
)
def test_a_refund_is_full_until_the_deadline_then_partial_then_nothing(before: timedelta, back: int):
    assert refundable(RefundPolicy(48, 50), Money(1001, "EUR"), START, START - before) == Money(back, "EUR")


def test_the_usual_policy_is_all_until_two_days_before_and_nothing_after():
    assert refundable(RefundPolicy(), Money(3500, "EUR"), START, START - timedelta(hours=48)) == Money(3500, "EUR")
    assert refundable(RefundPolicy(), Money(3500, "EUR"), START, START - timedelta(hours=47)) == Money(0, "EUR")


@given(policies, amounts, moments, st.timedeltas(timedelta(0), timedelta(days=400)), st.integers(1, 20))
def test_a_refund_is_never_more_than_was_paid_and_never_grows_by_waiting(
    policy: RefundPolicy, paid: Money, now: datetime, wait: timedelta, seats: int
):
    first, later = (refundable(policy, paid, START, moment, seats) for moment in (now, now + wait))
    assert 0 <= later.amount <= first.amount <= paid.amount
    assert first.currency == paid.currency


@given(policies, amounts, moments, st.integers(1, 20))
def test_what_goes_back_goes_back_at_once_or_by_the_seat_and_is_all_of_it_in_the_end(
    policy: RefundPolicy, paid: Money, now: datetime, seats: int
):
    refund = refund_of(policy, paid, START, now, seats)
    assert refund.at_once + refund.if_resold == refundable(policy, paid, START, now, seats)
    assert not (refund.at_once.amount and refund.if_resold.amount)
    by_seat = [resold_share(refund.if_resold, seats, resold).amount for resold in range(seats + 1)]
    assert by_seat == sorted(by_seat)
    assert (by_seat[0], by_seat[-1]) == (0, refund.if_resold.amount)


@given(policies, amounts, moments)
def test_who_is_in_time_gets_everything_at_once(policy: RefundPolicy, paid: Money, now: datetime):
    if policy.in_time(START, now):
        assert refund_of(policy, paid, START, now).at_once == paid


@pytest.mark.parametrize(
    ("policy", "before", "back"),
    [
        (RefundPolicy(48, 50, 12), timedelta(hours=12), 500),
        (RefundPolicy(48, 50, 12), timedelta(hours=12) - timedelta(milliseconds=1), 0),
        (RefundPolicy(48, 0, 0, 200), timedelta(hours=1), 600),
        (RefundPolicy(48, 0, 0, 600), timedelta(hours=1), 0),
        (RefundPolicy(48, 0, 0, 600), timedelta(hours=48), 1000),
    ],
)
def test_late_there_is_a_deadline_too_or_a_fee_for_each_seat(policy: RefundPolicy, before: timedelta, back: int):
    assert refundable(policy, Money(1000, "EUR"), START, START - before, seats=2) == Money(back, "EUR")


@pytest.mark.parametrize(
    ("policy", "words"),
    [
        (RefundPolicy(), "Cancel at least 48 hours before the dinner and you get everything back; after that nothing is refunded."),
        (RefundPolicy(1, 25), "Cancel at least an hour before the dinner and you get everything back; after that you get 25 % back."),
        (RefundPolicy(0, 0), "Cancel before the dinner begins and you get everything back."),
        (RefundPolicy(48, 100), "Cancel before the dinner begins and you get everything back."),
        (RefundPolicy(48, 100, 12), f"{BY_12_HOURS} and you get everything back; after that nothing is refunded."),
        (RefundPolicy(48, 25, 12), f"{BY_48_HOURS} after that you get 25 % back, until 12 hours before; then nothing is refunded."),
        (RefundPolicy(48, 0, 0, 550), f"{BY_48_HOURS} after that you get it back less €5.50 a seat."),
        (RefundPolicy(48, 50, 48), f"{BY_48_HOURS} after that nothing is refunded."),
        (RefundPolicy(168), "Cancel at least 7 days before the dinner and you get everything back; after that nothing is refunded."),
        (
            RefundPolicy(48, 100, 0, None, late_only_if_resold=True),
            f"{BY_48_HOURS} after that, and only for seats that are sold again, you get it back.",
        ),
    ],
)
def test_the_policy_is_said_in_words(policy: RefundPolicy, words: str):
    assert in_words(policy) == words

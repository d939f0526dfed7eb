from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from dinnerkit.clock import to_millis, utcnow
from dinnerkit.ids import derived_id, id_at, is_id, made_at, new_id
from dinnerkit.retry import Backoff, Breaker

WORDS = st.text(max_size=30) | st.text("ab", max_size=3)


def test_ids_are_all_different_and_of_one_shape() -> None:
    made = {new_id() for _ in range(10_000)}
    assert len(made) == 10_000
    assert all(is_id(each) for each in made)


def test_ids_sort_by_the_time_they_were_made(monkeypatch: pytest.MonkeyPatch) -> None:
    moment = 1_800_000_000_000_000_000
    monkeypatch.setattr("time.time_ns", lambda: moment)
    earlier = new_id()
    moment += 1_000_000
    assert earlier < new_id()


@pytest.mark.parametrize("text", ["", "a" * 23, "a" * 25, "a" * 23 + "i", "A" * 24, "a" * 23 + "\n", "a" * 24 + "\n", "é" * 24])
def test_what_is_no_id_is_told(text: str) -> None:
    assert not is_id(text)


@given(owner=WORDS, other=WORDS, purpose=WORDS, another=WORDS)
def test_a_derived_id_is_for_one_owner_and_purpose_and_the_same_each_time(owner: str, other: str, purpose: str, another: str) -> None:
    sent = new_id()
    derived = derived_id(sent, owner, purpose)
    assert is_id(derived)
    assert made_at(derived) == made_at(sent)
    assert derived == derived_id(sent, owner, purpose)
    assert (derived == derived_id(sent, other, another)) == ((owner, purpose) == (other, another))


@given(millis=st.integers(0, 10**13), chance=st.integers(0, 2**72 - 1))
@example(millis=8947214530606, chance=0)  # a float of seconds does not hold it
def test_an_id_tells_when_it_was_made(millis: int, chance: int) -> None:
    assert made_at(id_at(millis, chance)) == datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=millis)
    with pytest.raises(ValueError, match="not an id"):
        made_at("not an id")
    with pytest.raises(ValueError, match="9999"):
        made_at("z" * 24)


def test_an_id_is_derived_from_ids_alone() -> None:
    with pytest.raises(ValueError, match="not an id"):
        derived_id("../etc", "ada", "book")


def test_the_time_is_aware_and_of_whole_milliseconds() -> None:
    now = utcnow()
    assert now.tzinfo is UTC
    assert now.microsecond % 1000 == 0


@given(moment=st.datetimes(timezones=st.just(timezone(timedelta(hours=5, minutes=45)))))
def test_a_moment_is_cut_and_never_rounded_up(moment: datetime) -> None:
    cut = to_millis(moment)
    assert timedelta(0) <= moment - cut < timedelta(milliseconds=1)
    assert to_millis(cut) == cut


def test_a_naive_moment_is_refused() -> None:
    with pytest.raises(ValueError, match="time zone"):
        to_millis(datetime(2026, 11, 1))  # noqa: DTZ001 - that is the point


@given(failures=st.integers(1, 2000))
def test_waits_double_up_to_the_longest_with_jitter_in_their_upper_half(failures: int) -> None:
    backoff = Backoff(attempts=5, first=2.0, longest=600.0)
    full = min(600.0, 2.0 * 2 ** min(failures - 1, 20))
    assert full / 2 <= backoff.wait(failures) <= full


def test_attempts_are_counted() -> None:
    assert [Backoff(attempts=3).exhausted(failures) for failures in (1, 2, 3, 4)] == [False, False, True, True]


def test_what_has_failed_is_left_alone_and_then_tried_by_one() -> None:
    now = [100.0]
    breaker = Breaker(2.0, lambda: now[0])
    assert breaker.lets()
    breaker.failed()
    now[0] = 101.9
    assert not breaker.lets()
    now[0] = 102.0
    assert [breaker.lets() for _ in range(3)] == [True, False, False]
    breaker.failed()
    now[0] = 104.0
    assert breaker.lets()
    breaker.worked()
    assert [breaker.lets() for _ in range(3)] == [True, True, True]

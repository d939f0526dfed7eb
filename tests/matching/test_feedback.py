"""How the evening was, and with whom one would sit again."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dinnerkit import Kit
from dinnerkit.booking.afterwards import Afterwards
from dinnerkit.booking.checking_in import CheckIn
from dinnerkit.booking.rules import OVER_AFTER, asked_at
from dinnerkit.booking.service import BookingService
from dinnerkit.booking.store import Booking, BookingStore
from dinnerkit.errors import Invalid
from dinnerkit.ids import new_id
from dinnerkit.matching.app_errors import SeatingFailed
from dinnerkit.matching.feedback.errors import FeedbackClosed, FeedbackNotOpen, NotThere
from dinnerkit.matching.feedback.rules import GIVEN_FOR, bonds
from dinnerkit.matching.feedback.service import FeedbackService
from dinnerkit.matching.people.crowd import Crowd
from dinnerkit.matching.people.guests import Guest
from dinnerkit.matching.rules.again import TogetherAgain
from dinnerkit.matching.rules.kinds import UNSET_SCORE
from dinnerkit.matching.seating.telling import told_to_guests
from dinnerkit.matching.seatings import Staying, Wishes, as_table
from dinnerkit.matching.service import SeatingService
from dinnerkit.testing import run_background
from tests.matching.test_seatings import HOST, book, guests, kit, night, seatings

__all__ = ["kit", "seatings"]


def dinner(kit: Kit, *, people: int = 4, smallest: int = 3, largest: int = 4) -> list[Booking]:
    """A dinner of some guests at published tables, six hours after it began."""
    event = night(kit, smallest=smallest, largest=largest)
    booked = book(kit, event, guests(kit, *["en"] * people))
    seat(kit, event)
    found = [found for one in booked if (found := kit.service(BookingStore).find(one))]
    kit.clock.now = found[0].about["starts_at"] + OVER_AFTER  # type: ignore[attr-defined]
    return found


def seat(kit: Kit, event: str, *, best_effort: bool = False) -> list[set[str]]:
    """Seats the guests, publishes that, and gives the users of each table."""
    kit.clock.advance(minutes=1)  # type: ignore[attr-defined]
    seatings = kit.service(SeatingService)
    asked = seatings.request(HOST, event, seating_id=new_id(), wishes=Wishes(best_effort=best_effort))
    run_background(kit)
    seating = seatings.tables_or_why(seatings.get(HOST, event, asked.id))
    assert seating
    seatings.publish(HOST, event, asked.id)
    run_background(kit)
    return [{place.user for place in table.places} for table in seating.tables]


def say(kit: Kit, booking: Booking, **wishes: str) -> None:
    """Wishes by the mates' users."""
    feedback = kit.service(FeedbackService)
    known = {mate.user: mate.id for mate in feedback.of(booking).mates}
    feedback.give(booking, None, {known[user.removeprefix("u")]: wish for user, wish in wishes.items()})


def next_night(kit: Kit, users: list[str], *, smallest: int = 2, largest: int = 2, best_effort: bool = False) -> list[set[str]]:
    event = night(kit, smallest=smallest, largest=largest)
    book(kit, event, users)
    return seat(kit, event, best_effort=best_effort)


class TestGiving:
    def test_a_guest_rates_the_evening_and_the_mates_and_sees_what_they_said(self, kit: Kit) -> None:
        ada, *others = dinner(kit)
        feedback = kit.service(FeedbackService)
        mates = feedback.of(ada).mates
        assert {mate.user for mate in mates} == {other.user for other in others}
        assert all(mate.name.startswith("Guest") and "Surname" not in mate.name for mate in mates)
        said = feedback.give(ada, 5, {mates[0].id: "again", mates[1].id: "never"})
        assert (said, said.rating) == (feedback.of(ada), 5)
        assert [mate.wish for mate in said.mates] == ["again", "never", None]

    def test_it_can_be_changed_and_taken_back(self, kit: Kit) -> None:
        ada, ben, *_ = dinner(kit)
        feedback = kit.service(FeedbackService)
        mate = next(mate for mate in feedback.of(ada).mates if mate.user == ben.user)
        feedback.give(ada, 1, {mate.id: "never"})
        feedback.give(ada, None, {mate.id: "again"})
        assert feedback.bonds([ada.user, ben.user]).never == frozenset()
        kit.clock.advance(weeks=8)  # type: ignore[attr-defined]
        for _ in range(2):
            feedback.take_back(ada)
        assert feedback.bonds([ada.user, ben.user]).again == frozenset()
        assert feedback.of(ada).rating is None

    def test_only_by_those_who_were_there(self, kit: Kit) -> None:
        ada, ben, cleo, dan = dinner(kit)
        door, feedback = kit.service(CheckIn), kit.service(FeedbackService)
        door.note(HOST, ada.event, ada.id, came=True)
        door.note(HOST, ada.event, ben.id, came=False)
        missed = kit.service(BookingStore).find(ben.id)
        assert missed
        for act in (lambda: feedback.of(missed), lambda: feedback.give(missed, 5, {})):
            with pytest.raises(NotThere):
                act()
        assert {mate.user for mate in feedback.of(ada).mates} == {cleo.user, dan.user}, "who was not there met nobody"

    def test_not_before_the_dinner_is_over_and_not_for_ever(self, kit: Kit) -> None:
        ada, *_ = dinner(kit)
        feedback, over = kit.service(FeedbackService), kit.clock()
        kit.clock.now = over - timedelta(seconds=1)  # type: ignore[attr-defined]
        with pytest.raises(FeedbackNotOpen):
            feedback.give(ada, 5, {})
        assert not feedback.open_to(ada)
        kit.clock.now = ada.about["starts_at"] + GIVEN_FOR  # type: ignore[attr-defined]
        feedback.give(ada, 5, {})
        kit.clock.advance(seconds=1)  # type: ignore[attr-defined]
        with pytest.raises(FeedbackClosed):
            feedback.give(ada, 4, {})
        assert feedback.of(ada).rating == 5

    def test_about_nobody_of_another_table(self, kit: Kit) -> None:
        bookings = dinner(kit, people=6, smallest=3, largest=3)
        feedback = kit.service(FeedbackService)
        near = {mate.id for mate in feedback.of(bookings[0]).mates}
        assert len(near) == 2
        far = next(other for other in bookings[1:] if other.id not in near)
        for wrong in (far.id, bookings[0].id, new_id()):
            with pytest.raises(Invalid):
                feedback.give(bookings[0], 5, {wrong: "never"})

    def test_a_host_learns_the_mean_rating_of_three_or_more_and_nothing_else(self, kit: Kit) -> None:
        bookings = dinner(kit)
        feedback = kit.service(FeedbackService)
        for booking, rating in zip(bookings[:2], (5, 4), strict=True):
            feedback.give(booking, rating, {})
        assert feedback.rating(bookings[0].event) is None
        feedback.give(bookings[2], 3, {})
        assert feedback.rating(bookings[0].event) == (4.0, 3)


class TestSeating:
    def test_who_said_never_again_never_sits_with_them_whoever_of_the_two_it_was(self, kit: Kit) -> None:
        ada, ben, cleo, dan = dinner(kit)
        say(kit, ada, **{f"u{ben.user}": "never"})
        say(kit, ben, **{f"u{ada.user}": "again"})
        users = [booking.user for booking in (ada, ben, cleo, dan)]
        tables = next_night(kit, users)
        assert len(tables) == 2
        assert not any({ada.user, ben.user} <= table for table in tables)

    def test_a_block_is_kept_though_nobody_is_told_why_the_seats_don_t_work_out(self, kit: Kit) -> None:
        ada, ben, cleo, dan = dinner(kit)
        say(kit, ada, **{f"u{ben.user}": "never", f"u{cleo.user}": "never"})
        say(kit, cleo, **{f"u{ben.user}": "never"})
        with pytest.raises(SeatingFailed) as refused:
            next_night(kit, [booking.user for booking in (ada, ben, cleo, dan)])
        told = f"{refused.value.message} {refused.value.details}"
        assert refused.value.message == "there is no seating that keeps every rule"
        assert "apart" not in told
        assert not any(row["_id"] in told or row["user"] in told for row in kit.database["bookings"].find())

    def test_a_host_does_not_learn_of_a_block_from_who_finds_too_few_to_sit_with(self, kit: Kit) -> None:
        ada, ben, cleo, dan = dinner(kit)
        say(kit, ada, **{f"u{ben.user}": "never"})
        users = [booking.user for booking in (ada, ben, cleo, dan)]
        with pytest.raises(SeatingFailed) as refused:
            next_night(kit, users, smallest=4, largest=4)
        told = f"{refused.value.message} {refused.value.details}"
        assert refused.value.message == "there is no seating that keeps every rule"
        assert not any(row["_id"] in told or row["user"] in told for row in kit.database["bookings"].find())
        event = night(kit, smallest=4, largest=4)
        book(kit, event, users)
        seat(kit, event, best_effort=True)
        row = kit.database["seatings"].find_one({"event": event})
        assert row is not None
        assert {left["reason"] for left in row["unseated"]} == {"there is no seating that keeps every rule"}

    def test_nobody_is_told_of_a_block_by_why_somebody_has_no_table(self, kit: Kit) -> None:
        ada, ben, cleo, dan = dinner(kit)
        say(kit, ada, **{f"u{ben.user}": "never", f"u{cleo.user}": "never"})
        say(kit, cleo, **{f"u{ben.user}": "never"})
        event = night(kit, smallest=2, largest=2)
        book(kit, event, [booking.user for booking in (ada, ben, cleo, dan)])
        assert len(seat(kit, event, best_effort=True)) == 1
        row = kit.database["seatings"].find_one({"event": event})
        assert row is not None
        assert len(row["unseated"]) == 2
        for left in row["unseated"]:
            assert left["reason"] == "there is no seating that keeps every rule"

    @pytest.mark.parametrize("one_by_one", [False, True])
    def test_nobody_is_kept_with_whom_they_have_blocked_since_and_no_host_is_told(self, kit: Kit, one_by_one: bool) -> None:
        ada, ben, *others = dinner(kit)
        event = night(kit, smallest=2, largest=4)
        booked = book(kit, event, [booking.user for booking in (ada, ben, *others)])
        assert seat(kit, event) == [{booking.user for booking in (ada, ben, *others)}]
        say(kit, ada, **{f"u{ben.user}": "never"})
        seatings = kit.service(SeatingService)
        before = seatings.published(event)
        assert before
        staying = Staying(before.id, guests=frozenset(booked[:2])) if one_by_one else Staying(before.id, frozenset({1}))
        asked = seatings.request(HOST, event, seating_id=new_id(), wishes=Wishes(best_effort=not one_by_one, keep=staying))
        run_background(kit)
        with pytest.raises(SeatingFailed) as refused:
            seatings.tables_or_why(seatings.get(HOST, event, asked.id))
        told = f"{refused.value.message} {refused.value.details}"
        assert refused.value.message == "there is no seating that keeps every rule while those stay who were to be kept"
        assert not any(name in told for name in ("apart", *booked))

    def test_what_is_taken_back_keeps_nobody_apart(self, kit: Kit) -> None:
        ada, ben, cleo, dan = dinner(kit)
        say(kit, ada, **{f"u{ben.user}": "never"})
        kit.service(FeedbackService).take_back(ada)
        assert len(next_night(kit, [booking.user for booking in (ada, ben, cleo, dan)], smallest=4, largest=4)) == 1

    def test_who_would_like_to_meet_again_does_where_nothing_better_is_lost(self, kit: Kit) -> None:
        bookings = dinner(kit)
        ada, *_ = bookings
        users = [booking.user for booking in bookings]
        apart = next(table for table in next_night(kit, users) if ada.user in table)
        friend = next(booking for booking in bookings[1:] if booking.user not in apart)
        kit.clock.now = ada.about["starts_at"] + OVER_AFTER  # type: ignore[attr-defined]
        say(kit, ada, **{f"u{friend.user}": "again"})
        assert any({ada.user, friend.user} == table for table in next_night(kit, users))

    def test_what_guests_read_of_having_met_is_the_same_whoever_wished_to_meet_again(self, kit: Kit) -> None:
        bookings = dinner(kit, smallest=2, largest=2)
        event = night(kit, smallest=4, largest=4)
        book(kit, event, [booking.user for booking in bookings])

        def told() -> tuple[str, ...]:
            asked = kit.service(SeatingService).request(HOST, event, seating_id=new_id())
            run_background(kit)
            [table] = kit.service(SeatingService).get(HOST, event, asked.id).tables
            return told_to_guests(as_table(table))

        before = told()
        assert "Most people at this table have not met before." in before
        for booking in bookings:
            [mate] = kit.service(FeedbackService).of(booking).mates
            say(kit, booking, **{f"u{mate.user}": "again"})
        assert set(told()) == set(before)

    def test_no_guest_can_read_from_a_table_that_somebody_wished_for_it(self) -> None:
        rule = TogetherAgain(frozenset({("a", "b")}))
        assert [rule.text(mean) for mean in (0.0, 0.5, 1.0)] == ["", "", ""]

    def test_the_wish_counts_for_its_pair_and_says_nothing_about_others(self) -> None:
        crowd = Crowd.of([Guest("a"), Guest("b"), Guest("c")])
        rule = TogetherAgain(frozenset({("a", "b"), ("c", "gone")}))
        one, other = np.array([0, 1, 0]), np.array([1, 0, 2])
        assert rule.score(crowd, one, other).tolist() == [1.0, 1.0, UNSET_SCORE]
        assert rule.in_play(crowd)
        assert not TogetherAgain(frozenset({("c", "gone")})).in_play(crowd)


USERS = st.sampled_from("abcde")


@given(st.lists(st.tuples(USERS, USERS, st.sampled_from(["again", "never"])).filter(lambda said: said[0] != said[1])))
def test_the_last_word_counts_and_one_never_outweighs_any_again(said: list[tuple[str, str, str]]) -> None:
    last = {(user, other): wish for user, other, wish in said}
    found = bonds(said)
    for pair in {tuple(sorted(pair)) for pair in last}:
        wishes = {last.get(pair), last.get(pair[::-1])}
        assert (pair in found.never) == ("never" in wishes)
        assert (pair in found.again) == ("again" in wishes and "never" not in wishes)
    assert len(found.never | found.again) == len({frozenset(pair) for pair in last})


class TestAsking:
    def test_guests_are_asked_the_next_morning_once(self, kit: Kit) -> None:
        bookings = dinner(kit)
        kit.clock.now = asked_at(bookings[0].about["starts_at"], "Europe/Madrid") - timedelta(seconds=1)  # type: ignore[attr-defined]
        assert kit.service(Afterwards).run() == 0
        kit.clock.advance(seconds=1)  # type: ignore[attr-defined]
        assert [kit.service(Afterwards).run() for _ in range(2)] == [4, 0]
        run_background(kit)
        told = kit.database["deliveries"].count_documents({"handler": "notifications.how_was_it", "state": "done"})
        assert told == 4

    def test_who_was_not_there_is_not_asked(self, kit: Kit) -> None:
        ada, ben, *_ = dinner(kit)
        kit.service(CheckIn).note(HOST, ada.event, ada.id, came=True)
        kit.service(CheckIn).note(HOST, ada.event, ben.id, came=False)
        kit.clock.advance(days=1)  # type: ignore[attr-defined]
        assert kit.service(Afterwards).run() == 3

    def test_nobody_is_asked_about_what_they_cancelled(self, kit: Kit) -> None:
        event = night(kit)
        users = guests(kit, "en", "en")
        booked = book(kit, event, users)
        kit.service(BookingService).cancel(users[0], booked[0])
        kit.clock.advance(days=9)  # type: ignore[attr-defined]
        assert kit.service(Afterwards).run() == 1


@pytest.mark.parametrize(
    ("starts_at", "asked"),
    [
        (datetime(2026, 7, 3, 17, 0, tzinfo=UTC), datetime(2026, 7, 4, 8, 0, tzinfo=UTC)),  # 19:00 in Berlin, asked at 10:00
        (datetime(2026, 7, 3, 22, 0, tzinfo=UTC), datetime(2026, 7, 4, 8, 0, tzinfo=UTC)),  # midnight
        (datetime(2026, 7, 3, 3, 0, tzinfo=UTC), datetime(2026, 7, 4, 8, 0, tzinfo=UTC)),  # breakfast at 5: over at 11
        (datetime(2026, 10, 24, 17, 0, tzinfo=UTC), datetime(2026, 10, 25, 9, 0, tzinfo=UTC)),  # the night that summer time ends
    ],
)
def test_guests_are_asked_at_ten_in_the_morning_of_the_place(starts_at: datetime, asked: datetime) -> None:
    assert asked_at(starts_at, "Europe/Berlin") == asked

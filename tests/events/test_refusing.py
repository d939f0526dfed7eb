"""Refusals that are asked for by two processes, each of which remembers which dinners were full."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dinnerkit.events.refusing import Refusals
from dinnerkit.events.rules import TableSize
from dinnerkit.events.seat_errors import AlreadyBooked, BookingClosed, SoldOut
from dinnerkit.events.seat_holds import SeatHold
from dinnerkit.events.seats import Seats
from dinnerkit.events.service import EventService
from dinnerkit.identity import Principal
from dinnerkit.joint_reads import JointReads
from dinnerkit.testing import StandingClock

Publish = Callable[..., str]


def hold(event: str, user: str, guests: int = 1, name: str | None = None) -> SeatHold:
    return SeatHold(event, name or user, name or user, user, guests, None)


@pytest.fixture
def processes(events: EventService, clock: StandingClock) -> tuple[Seats, Seats]:
    return Seats(events._database, clock, 3600), Seats(events._database, clock, 3600)


def full(publish: Publish, processes: tuple[Seats, Seats]) -> str:
    """A dinner of four seats that is sold out, which both have seen."""
    event = publish(seats=4, table_size=TableSize(2, 4))
    processes[0].take(hold(event, "ada", 4))
    for seats in processes:
        with pytest.raises(SoldOut):
            seats.take(hold(event, "ben"))
    return event


def test_seats_that_another_process_gave_back_are_to_be_had_at_once(processes: tuple[Seats, Seats], publish: Publish) -> None:
    event = full(publish, processes)
    processes[0].give_back(hold(event, "ada", 4))
    assert processes[1].take(hold(event, "ben")).seats_left == 3
    assert processes[0].take(hold(event, "cem")).seats_left == 2


def test_seats_that_the_host_added_are_to_be_had_at_once(
    processes: tuple[Seats, Seats], publish: Publish, events: EventService, host: Principal
) -> None:
    event = full(publish, processes)
    events.update(host, event, {"seats": 5})
    assert processes[1].take(hold(event, "ben")).seats_left == 0


def test_who_has_a_seat_of_a_full_dinner_is_told_so(processes: tuple[Seats, Seats], publish: Publish) -> None:
    event = full(publish, processes)
    for seats in processes:
        assert seats.take(hold(event, "ada", 4)).seats_left == 0
        with pytest.raises(AlreadyBooked):
            seats.take(hold(event, "ada", 4, "another"))


def test_who_is_asked_about_together_with_somebody_who_has_a_seat_is_told_what_holds_for_them(
    processes: tuple[Seats, Seats], publish: Publish, events: EventService, clock: StandingClock
) -> None:
    event, refusals = full(publish, processes), Refusals(events._database["events"], clock)
    read, ada = refusals._read, hold(event, "ada", 4)
    refusals._reads = JointReads(lambda about, parties: read(about, [ada, *parties])[1:])
    with pytest.raises(SoldOut):
        refusals.held(hold(event, "ben"))
    with pytest.raises(AlreadyBooked):
        refusals.held(hold(event, "ada", name="another"))
    assert refusals.held(ada)


def test_a_full_dinner_that_begins_or_is_called_off_is_closed_and_no_more_sold_out(
    processes: tuple[Seats, Seats], publish: Publish, events: EventService, host: Principal, clock: StandingClock
) -> None:
    begun, cancelled = full(publish, processes), full(publish, processes)
    events.cancel(host, cancelled)
    clock.now = events.get(begun)["starts_at"]
    for seats in processes:
        for event in (begun, cancelled):
            with pytest.raises(BookingClosed):
                seats.take(hold(event, "ben"))


def test_whose_seats_are_refused_does_not_pass_by_those_who_wait(
    processes: tuple[Seats, Seats], publish: Publish, events: EventService
) -> None:
    event = full(publish, processes)
    waiting = {"entry": "w", "user": "dora", "guests": 2}
    events._database["events"].update_one({"_id": event}, {"$push": {"waitlist": waiting}, "$set": {"seats": 6}, "$inc": {"seats_left": 2}})
    with pytest.raises(SoldOut):  # they are offered to whom they were added for
        processes[1].take(hold(event, "ben"))
    assert [kept.user for kept in processes[0].holds(event)] == ["ada", "dora"]


_USERS = ("ada", "ben", "cem", "dora")
_STEP = st.tuples(st.integers(0, 1), st.sampled_from(("take", "take", "give back")), st.sampled_from(_USERS), st.integers(1, 3))


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=st.lists(_STEP, max_size=14))
def test_two_processes_answer_as_one_would_that_remembers_nothing(
    processes: tuple[Seats, Seats], publish: Publish, steps: list[tuple[int, str, str, int]]
) -> None:
    event, left = publish(seats=4, table_size=TableSize(2, 4)), 4
    holds: dict[str, int] = {}
    for process, act, user, guests in steps:
        if act == "give back":
            processes[process].give_back(hold(event, user, holds.get(user, guests)))
            left += holds.pop(user, 0)
        elif user not in holds and left < guests:
            with pytest.raises(SoldOut) as caught:
                processes[process].take(hold(event, user, guests))
            assert caught.value.details == {"seats_left": left}
        else:
            left -= 0 if user in holds else guests
            holds.setdefault(user, guests)
            assert processes[process].take(hold(event, user, guests)).seats_left == left

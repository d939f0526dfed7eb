"""Money that comes back only when the seat is sold again: seat by seat, first cancelled first, and once."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dinnerkit.booking.errors import HoldExpired
from dinnerkit.booking.store import Booking
from dinnerkit.events.rules import RefundPolicy
from dinnerkit.events.seat_rules import ForResale, sold_again
from dinnerkit.ids import new_id
from dinnerkit.money import Money
from tests.booking.balance import books_balance, come_to_rest
from tests.booking.scenes import FREE, late
from tests.booking.snapshot import gateway_books
from tests.booking.world import HOLD, HOST, World

IF_RESOLD = RefundPolicy(48, 100, 0, None, late_only_if_resold=True)


def refunds(world: World) -> list[int]:
    world.work()
    return sorted(refund["amount"] for refund in gateway_books(world)[1])


def given_back(world: World, event: str, user: str, guests: int) -> Booking:
    booking = world.book(user, event, guests)
    late(world, booking)
    return world.bookings.cancel(user, booking.id)


def test_nothing_comes_back_before_and_everything_after(world: World) -> None:
    world.invite("ada")
    event = world.host_dinner(2, policy=IF_RESOLD)
    cancelled = given_back(world, event, "ada", 2)
    assert (cancelled.refund, cancelled.refund_if_resold) == (Money(0, "EUR"), Money(7000, "EUR"))
    assert refunds(world) == []
    world.book("ben", event)
    assert refunds(world) == [3500]
    assert (world.now(cancelled).refund, world.now(cancelled).resold) == (Money(3500, "EUR"), 1)
    world.book("cleo", event)
    assert refunds(world) == [3500, 3500]
    assert [subject for _, subject in world.postbox.mails if subject.startswith("Sold again")] == ["Sold again: Dumplings"] * 2
    come_to_rest(world)


def test_the_form_that_booked_the_seats_sent_again_puts_nobody_before_others(world: World) -> None:
    event, form = world.host_dinner(2, policy=IF_RESOLD), new_id()
    first = world.pay(world.reserve("ada", event, 1, form)).booking
    second = world.book("ben", event)
    late(world, first)
    world.bookings.cancel("ada", first.id)
    with pytest.raises(HoldExpired):
        world.reserve("ada", event, 1, form)
    world.bookings.cancel("ben", second.id)
    for user in ("cleo", "dan"):
        world.book(user, event)
    assert refunds(world) == [3500, 3500]
    come_to_rest(world)


def test_in_time_everything_comes_back_at_once(world: World) -> None:
    booking = world.book("ada", world.host_dinner(2, policy=IF_RESOLD), 2)
    assert world.bookings.cancel("ada", booking.id).refund_if_resold is None
    assert refunds(world) == [7000]


def test_who_cancelled_first_is_refunded_first(world: World) -> None:
    event = world.host_dinner(3, policy=IF_RESOLD)
    first, second = (world.book(user, event, guests) for user, guests in (("ada", 1), ("ben", 2)))
    late(world, first)
    for booking in (second, first):
        world.bookings.cancel(booking.user, booking.id)
    world.book("cleo", event, 2)
    world.work()
    assert (world.now(second).resold, world.now(first).resold) == (2, 0)
    world.book("dan", event)
    world.work()
    assert world.now(first).refund == Money(3500, "EUR")
    books_balance(world)


def test_a_hold_that_nobody_pays_for_sells_nothing_again(world: World) -> None:
    event = world.host_dinner(2, policy=IF_RESOLD)
    given_back(world, event, "ada", 2)
    world.reserve("ben", event, 2)
    world.clock.now += HOLD
    world.work()
    assert refunds(world) == []
    come_to_rest(world)


def test_who_waited_for_the_seat_buys_it_again(world: World) -> None:
    event = world.host_dinner(2, policy=IF_RESOLD)
    booking = world.book("ada", event, 2)
    world.waitlist.join(event, "ben", 2)
    late(world, booking)
    world.bookings.cancel("ada", booking.id)
    world.work()
    assert refunds(world) == []
    world.pay(world.offer_of("ben"))
    assert refunds(world) == [3500, 3500]
    come_to_rest(world)


def test_a_part_is_given_back_in_shares_that_add_up(world: World) -> None:
    event = world.host_dinner(3, Money(1001, "EUR"), policy=RefundPolicy(48, 33, 0, None, late_only_if_resold=True))
    cancelled = given_back(world, event, "ada", 3)
    for user in ("ben", "cleo", "dan"):
        world.book(user, event)
    assert sum(refunds(world)) == world.now(cancelled).refund_if_resold.amount == Money(3003, "EUR").percent(33).amount
    come_to_rest(world)


def test_the_host_who_calls_it_off_later_gives_back_to_those_who_still_came(world: World) -> None:
    event = world.host_dinner(3, policy=IF_RESOLD)
    given_back(world, event, "ada", 1)
    stays = world.book("zoe", event, 2)
    world.work()
    world.events.cancel(HOST, event)
    come_to_rest(world)
    assert world.now(stays).refund == Money(7000, "EUR")
    assert refunds(world) == [3500, 7000]


def test_the_message_of_a_sale_may_come_twice_and_in_any_order(world: World) -> None:
    event = world.host_dinner(2, policy=IF_RESOLD)
    cancelled = given_back(world, event, "ada", 2)
    world.book("ben", event)
    world.book("cleo", event)
    for seats in (2, 1, 2):
        world.bookings.give_back_resold(cancelled.id, seats)
    assert refunds(world) == [3500, 3500]
    come_to_rest(world)


def test_a_seat_that_cost_nothing_waits_for_no_sale(world: World) -> None:
    event = world.host_dinner(2, FREE, policy=IF_RESOLD)
    booking = world.reserve("ada", event)
    late(world, booking)
    assert world.bookings.cancel("ada", booking.id).refund_if_resold is None
    assert world.database["events"].find_one({"_id": event})["resale"] == []


@given(st.lists(st.integers(1, 4), max_size=5), st.integers(0, 25))
def test_as_many_are_sold_again_as_are_sold_and_the_first_come_first(parties: list[int], sold: int) -> None:
    before = [ForResale(str(number), seats, seats) for number, seats in enumerate(parties)]
    after = sold_again(before, sold)
    gone = [entry.seats - entry.left for entry in after]
    assert sum(gone) == min(sold, sum(parties))
    unfinished = next((place for place, entry in enumerate(after) if entry.left), len(after))
    assert not any(gone[unfinished + 1 :])


@settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_whatever_is_cancelled_and_sold_nobody_gets_more_than_they_paid(world: World, data: st.DataObject) -> None:
    world.clear()
    fee = data.draw(st.none() | st.integers(0, 4000))
    policy = RefundPolicy(48, 0 if fee is not None else data.draw(st.integers(0, 100)), 0, fee, late_only_if_resold=True)
    event = world.host_dinner(4, policy=policy)
    world.clock.now += timedelta(days=6)
    for number in range(data.draw(st.integers(1, 6))):
        left = world.seats.facts(event).seats_left
        booked = [booking for booking in world.store.of_event(event, {"confirmed"}) if booking.payment]
        if left and (not booked or data.draw(st.booleans())):
            world.book(f"guest-{number}", event, data.draw(st.integers(1, left)))
        else:
            booking = data.draw(st.sampled_from(booked))
            world.bookings.cancel(booking.user, booking.id)
    come_to_rest(world)

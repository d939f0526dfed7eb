"""Deposits: paid with the price, given back to those who come or cancel in time, kept from those who stay away."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dinnerkit.booking.checking_in import CORRECTABLE_FOR
from dinnerkit.booking.deposits import DepositSweep
from dinnerkit.booking.errors import TooLateToCorrect
from dinnerkit.booking.making import DEPOSIT_KEPT
from dinnerkit.booking.presenting import terms_in_words
from dinnerkit.booking.refunds import deposit_outcome
from dinnerkit.booking.store import Booking
from dinnerkit.events.rules import RefundPolicy
from dinnerkit.ids import new_id
from dinnerkit.money import Money
from dinnerkit.vouchers.rules import Kind
from tests.booking.balance import come_to_rest
from tests.booking.scenes import DEPOSIT, FREE, absent, late, paid_with_deposit, voucher
from tests.booking.snapshot import gateway_books
from tests.booking.world import HOST, PRICE, World


def refunds(world: World) -> list[int]:
    world.work()
    return sorted(refund["amount"] for refund in gateway_books(world)[1])


def arrive(world: World, booking: Booking) -> None:
    world.door.check_in(HOST, booking.event, world.tickets.of(booking))


def test_it_is_paid_with_the_price(world: World) -> None:
    booking = world.reserve("ada", world.host_dinner(4, deposit=DEPOSIT), 2)
    assert (booking.amount, booking.deposit) == (Money(9000, "EUR"), Money(2000, "EUR"))
    assert deposit_outcome(booking) is None
    assert deposit_outcome(world.pay(booking).booking) == "held"
    come_to_rest(world)


def test_it_is_asked_for_where_the_dinner_is_free(world: World) -> None:
    booking = world.reserve("ada", world.host_dinner(4, FREE, deposit=DEPOSIT))
    assert (booking.status, booking.amount) == ("held", DEPOSIT)
    paid = world.pay(booking).booking
    arrive(world, paid)
    assert refunds(world) == [1000]
    come_to_rest(world)


def test_a_voucher_takes_nothing_off_it(world: World) -> None:
    event = world.host_dinner(4, deposit=DEPOSIT)
    voucher(world, kind=Kind.FREE)
    booking = world.reserve("ada", event, code="SUMMER26")
    assert (booking.status, booking.amount, booking.discount) == ("held", DEPOSIT, PRICE)


def test_who_comes_gets_it_back_once_and_is_told(world: World) -> None:
    world.invite("ada")
    booking = paid_with_deposit(world)
    arrive(world, booking)
    assert refunds(world) == [2000]
    world.bookings.pay_back(booking.id)
    assert refunds(world) == [2000]
    assert deposit_outcome(world.now(booking)) == "returned"
    assert any(subject.startswith("€20.00") for _, subject in world.postbox.mails)
    come_to_rest(world)


def test_who_cancels_in_time_gets_it_back_with_the_price(world: World) -> None:
    booking = paid_with_deposit(world)
    cancelled = world.bookings.cancel("ada", booking.id)
    assert (cancelled.refund, deposit_outcome(cancelled)) == (Money(9000, "EUR"), "returned")
    assert refunds(world) == [2000, 7000]
    come_to_rest(world)


def test_who_cancels_late_loses_it_and_gets_the_part_of_the_price(world: World) -> None:
    booking = paid_with_deposit(world)
    late(world, booking)
    cancelled = world.bookings.cancel("ada", booking.id)
    assert (cancelled.refund, deposit_outcome(cancelled)) == (Money(3500, "EUR"), "kept")
    assert refunds(world) == [3500]
    come_to_rest(world)


def test_the_host_who_calls_it_off_gives_it_back_also_to_those_at_the_door(world: World) -> None:
    booking = paid_with_deposit(world)
    arrive(world, booking)
    world.work()
    world.events.cancel(HOST, booking.event)
    come_to_rest(world)
    assert refunds(world) == [2000, 7000]


def test_who_stays_away_loses_it(world: World) -> None:
    booking = absent(world, paid_with_deposit(world))
    world.clock.now = booking.about["starts_at"] + DEPOSIT_KEPT
    assert refunds(world) == []
    assert deposit_outcome(world.now(booking)) == "kept"
    assert world.database["payments"].find_one({}).get("deposit_kept") is None
    world.clock.now = booking.about["starts_at"] + CORRECTABLE_FOR
    world.work()
    assert world.database["payments"].find_one({})["deposit_kept"]["amount"] == 2000
    come_to_rest(world)


def test_who_was_there_is_told_before_it_is_kept_and_not_after(world: World) -> None:
    booking = absent(world, paid_with_deposit(world))
    world.clock.now = booking.about["starts_at"] + CORRECTABLE_FOR
    world.work()
    with pytest.raises(TooLateToCorrect):
        arrive(world, booking)
    with pytest.raises(TooLateToCorrect):
        world.door.note(HOST, booking.event, booking.id, came=True)
    assert refunds(world) == []
    assert deposit_outcome(world.now(booking)) == "kept"
    come_to_rest(world)


def test_of_who_cancelled_late_it_is_the_hosts_in_the_end(world: World) -> None:
    booking = paid_with_deposit(world)
    late(world, booking)
    world.bookings.cancel("ada", booking.id)
    world.clock.now = booking.about["starts_at"] + DEPOSIT_KEPT
    world.work()
    assert world.database["payments"].find_one({})["deposit_kept"]["amount"] == 2000
    come_to_rest(world)


def test_who_was_called_absent_by_mistake_gets_it_back_after_all(world: World) -> None:
    booking = absent(world, paid_with_deposit(world))
    arrive(world, booking)
    assert refunds(world) == [2000]


def test_where_nobody_kept_the_door_it_goes_back_two_days_later(world: World) -> None:
    booking = paid_with_deposit(world)
    world.clock.now = booking.about["starts_at"] + DEPOSIT_KEPT - timedelta(milliseconds=1)
    assert refunds(world) == []
    world.clock.now += timedelta(milliseconds=1)
    assert refunds(world) == [2000]
    assert deposit_outcome(world.now(booking)) == "returned"
    come_to_rest(world)
    arrive(world, booking)
    assert refunds(world) == [2000]


@pytest.mark.parametrize("days", [-1, 3])
@pytest.mark.parametrize("then", ["nothing", "given away after", "given away before"])
def test_where_nobody_kept_the_door_of_a_dinner_that_was_moved_it_goes_back_by_its_new_time(world: World, days: int, then: str) -> None:
    world.invite("ada", "ben")
    booking = paid_with_deposit(world)
    starts_at = booking.about["starts_at"] + timedelta(days=days)
    world.events.update(HOST, booking.event, {"starts_at": starts_at})
    if then == "given away after":
        world.work()
    if then != "nothing":
        offered = world.transfers.offer("ada", booking.id, "ben@example.org", transfer_id=new_id())
        booking = world.transfers.accept("ben", world.transfers.token(offered) or "")
    world.work()
    assert world.now(booking).deposit_due_at == starts_at + DEPOSIT_KEPT
    world.clock.now = starts_at + DEPOSIT_KEPT - timedelta(seconds=1)
    assert refunds(world) == []
    world.clock.now = starts_at + DEPOSIT_KEPT
    assert refunds(world) == [2000]
    come_to_rest(world)


@pytest.mark.parametrize("days", [-1, 3])
def test_who_pays_for_a_dinner_that_was_moved_meanwhile_has_it_until_its_new_time(world: World, days: int) -> None:
    booking = world.reserve("ada", world.host_dinner(2, deposit=DEPOSIT))
    starts_at = booking.about["starts_at"] + timedelta(days=days)
    world.events.update(HOST, booking.event, {"starts_at": starts_at})
    assert world.pay(booking).booking.deposit_due_at == starts_at + DEPOSIT_KEPT
    come_to_rest(world)


def test_a_dinner_that_is_put_off_before_its_bookings_hear_of_it_puts_that_off_too(world: World) -> None:
    booking = paid_with_deposit(world)
    late(world, booking)
    first = booking.about["starts_at"] + DEPOSIT_KEPT
    world.events.update(HOST, booking.event, {"starts_at": first})
    world.clock.now = first
    world.kit.service(DepositSweep).run()
    assert world.now(booking).deposit_released_at is None
    world.work()
    assert refunds(world) == []
    world.clock.now = first + DEPOSIT_KEPT
    assert refunds(world) == [2000]


@pytest.mark.parametrize(
    ("policy", "price", "words"),
    [
        (RefundPolicy(48, 50), PRICE, "€10 a seat is a deposit: you get it back when you come, or if you cancel at least 48 hours before"),
        (RefundPolicy(0), PRICE, "or if you cancel before the dinner begins. If you don’t come it is kept."),
        (RefundPolicy(48, 100, 12), PRICE, "or if you cancel at least 12 hours before the dinner."),
    ],
)
def test_it_is_said_in_words(world: World, policy: RefundPolicy, price: Money, words: str) -> None:
    booking = world.reserve("ada", world.host_dinner(4, price, policy=policy, deposit=DEPOSIT), 2)
    assert words in terms_in_words(booking)


def test_of_a_free_dinner_nothing_is_said_of_a_price(world: World) -> None:
    booking = world.reserve("ada", world.host_dinner(4, FREE, deposit=DEPOSIT), 2)
    assert terms_in_words(booking).startswith("€10 a seat is a deposit")


@settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_price_and_deposit_go_back_in_parts_that_never_exceed_what_was_paid(world: World, data: st.DataObject) -> None:
    world.clear()
    price, deposit = (Money(data.draw(st.integers(0, 5000)), "EUR") for _ in range(2))
    fee = data.draw(st.none() | st.integers(0, 6000))
    percent = 0 if fee is not None else data.draw(st.integers(0, 100))
    policy = RefundPolicy(48, percent, 0, fee, data.draw(st.booleans()))
    event = world.host_dinner(4, price, policy=policy, deposit=deposit if deposit.amount else None)
    booking = world.reserve("ada", event, data.draw(st.integers(1, 4)))
    booking = world.pay(booking).booking if booking.status == "held" else booking
    for act in data.draw(st.lists(st.sampled_from(["arrive", "cancel", "late", "call off", "over"]), max_size=4)):
        status, begun = world.now(booking).status, world.clock() >= booking.about["starts_at"]
        if act == "arrive" and status == "confirmed":
            arrive(world, booking)
        elif act == "cancel" and status == "confirmed" and not begun:
            world.bookings.cancel("ada", booking.id)
        elif act == "late" and not begun:
            late(world, booking)
        elif act == "call off" and not begun:
            world.events.cancel(HOST, event)
            break
        elif act == "over":
            world.clock.now = max(world.clock(), booking.about["starts_at"] + DEPOSIT_KEPT)
    come_to_rest(world)

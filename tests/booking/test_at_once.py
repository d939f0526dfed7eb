"""Many threads at once, on one database."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from dinnerkit.booking.errors import AlreadyConfirmed, BookingCancelled, HoldExpired
from dinnerkit.booking.rules import LIVE
from dinnerkit.delivery.relay import Relay
from dinnerkit.events.seat_errors import SoldOut
from dinnerkit.ids import new_id
from dinnerkit.money import Money
from dinnerkit.payment.errors import PaymentInProgress
from tests.booking.balance import come_to_rest, nobody_waits_for_free_seats, seats_add_up
from tests.booking.scenes import FREE, GUESTS, held
from tests.booking.snapshot import Snapshot, gateway_books
from tests.booking.world import HOLD, VISA, World
from tests.waiting import DEADLINE


def together(calls: Iterable[Callable[[], Any]], threads: int | None = None) -> list[Any]:
    """Begin all at the same moment, as far as there are threads; what each returned or raised."""
    waiting = list(calls)
    threads = threads or len(waiting)
    start = threading.Barrier(min(threads, len(waiting)))
    begun = threading.local()

    def run(call: Callable[[], Any]) -> Any:
        if not hasattr(begun, "before"):
            begun.before = True
            start.wait(timeout=DEADLINE)
        try:
            return call()
        except Exception as error:  # noqa: BLE001 - what it is, the test says
            return error

    with ThreadPoolExecutor(threads) as pool:
        return list(pool.map(run, waiting))


def kinds(results: list[Any]) -> Counter[str]:
    return Counter(type(result).__name__ for result in results)


@pytest.mark.parametrize("price", [Money(3500, "EUR"), FREE], ids=["paid", "free"])
def test_a_thousand_attempts_at_a_hundred_seats_get_a_hundred(world: World, price: Money) -> None:
    event = world.host_dinner(100, price)
    results = together([lambda user=f"guest-{number}": world.reserve(user, event) for number in range(1_000)], threads=64)
    assert kinds(results) == {"Booking": 100, "SoldOut": 900}
    assert world.seats.facts(event).seats_left == 0
    assert world.database["bookings"].count_documents({}) == 100
    come_to_rest(world)


def test_parties_fill_the_seats_and_no_more(world: World) -> None:
    event = world.host_dinner(50)
    together([lambda number=number: world.reserve(f"guest-{number}", event, 1 + number % 4) for number in range(120)], threads=32)
    seats_add_up(Snapshot.of(world))
    assert world.seats.facts(event).seats_left == 0


def test_one_guest_gets_one_booking(world: World) -> None:
    event = world.host_dinner(50)
    results = together([lambda: world.reserve("ada", event, 2) for _ in range(16)])
    assert kinds(results) == {"Booking": 1, "AlreadyBooked": 15}
    assert world.seats.facts(event).seats_left == 48


def test_one_booking_made_by_many_is_one(world: World) -> None:
    event = world.host_dinner(50)
    results = together([lambda: world.reserve("ada", event, 2, "b" * 24) for _ in range(16)])
    assert {booking.id for booking in results} == {"b" * 24}
    assert world.seats.facts(event).seats_left == 48
    come_to_rest(world)


@pytest.mark.parametrize("one_id", [True, False], ids=["one payment", "many payments"])
def test_a_booking_that_many_pay_for_is_paid_once(world: World, one_id: bool) -> None:
    booking = held(world)
    results = together([lambda: world.pay(booking, VISA, "p" * 24 if one_id else new_id()) for _ in range(16)])
    assert kinds(results).keys() <= {"PayResult", "PaymentInProgress", "AlreadyConfirmed"}
    assert world.now(booking).status == "confirmed"
    come_to_rest(world)
    charges, refunds = gateway_books(world)
    assert len(charges) == 1
    assert refunds == []


def test_a_guest_who_cancels_while_paying_has_the_seats_or_the_money(world: World) -> None:
    event = world.host_dinner(40)
    bookings = [world.reserve(f"guest-{number}", event) for number in range(20)]
    calls = [call for b in bookings for call in (lambda b=b: world.pay(b), lambda b=b: world.bookings.cancel(b.user, b.id))]
    for result in together(calls):
        assert not isinstance(result, Exception) or isinstance(result, BookingCancelled | AlreadyConfirmed | PaymentInProgress), result
    come_to_rest(world)


def test_a_hold_that_runs_out_while_it_is_paid_leaves_the_seats_or_the_money(world: World) -> None:
    event = world.host_dinner(20)
    bookings = [world.reserve(f"guest-{number}", event) for number in range(20)]
    world.clock.now += HOLD
    paying = [lambda b=b: world.paying.settle(payment_for(world, b)) for b in bookings]
    results = together([*paying, world.sweep, world.sweep])
    assert not [result for result in results if isinstance(result, Exception)]
    come_to_rest(world)
    assert {world.now(booking).status for booking in bookings} == {"confirmed"}


def payment_for(world: World, booking: Any) -> Any:
    return world.payments.pay(
        payment_id=new_id(), reference=booking.id, user_id=booking.user, money=booking.amount, method=VISA, description="late"
    )


def test_seats_that_become_free_go_to_those_who_wait_and_to_no_stranger(world: World) -> None:
    event = world.host_dinner(12)
    bookings = [world.book(f"guest-{number}", event) for number in range(12)]
    for number in range(12):
        world.waitlist.join(event, f"waiting-{number}", 1)
    leaving = [lambda b=b: world.bookings.cancel(b.user, b.id) for b in bookings]
    strangers = [lambda number=number: world.reserve(f"stranger-{number}", event) for number in range(36)]
    results = together([*strangers[:18], *leaving, *strangers[18:]], threads=24)
    assert kinds(results) == {"Booking": 12, "SoldOut": 36}
    nobody_waits_for_free_seats(Snapshot.of(world))
    assert {world.offer_of(f"waiting-{number}").status for number in range(12)} == {"offered"}
    come_to_rest(world)


def test_who_joins_at_once_stands_one_behind_the_other(world: World) -> None:
    event = world.host_dinner(1)
    world.reserve("ada", event)
    positions = together([lambda number=number: world.waitlist.join(event, f"guest-{number}", 1) for number in range(24)])
    assert sorted(positions) == list(range(1, 25))


def test_a_seat_given_back_is_had_by_one_of_those_who_ask_for_it(world: World) -> None:
    event = world.host_dinner(1)
    booking = world.reserve("ada", event)
    asking = [lambda number=number: retrying(world, f"guest-{number}", event) for number in range(8)]
    results = together([*asking, lambda: world.bookings.cancel("ada", booking.id)])
    assert sum(result is True for result in results) == 1
    come_to_rest(world)


def retrying(world: World, user: str, event: str) -> bool:
    for _ in range(200):
        try:
            world.reserve(user, event)
        except SoldOut:
            if world.database["bookings"].count_documents({"event": event, "user": {"$ne": "ada"}, "status": {"$in": sorted(LIVE)}}):
                return False
        else:
            return True
    return False


def test_workers_at_once_do_what_one_does(world: World) -> None:
    world.invite(*GUESTS)
    event = world.host_dinner(6)
    for user in ("ada", "ben", "cleo"):
        world.book(user, event)
    late = world.reserve("dan", event)
    world.book("eve", event, 2)
    world.waitlist.join(event, "fay", 1)
    world.clock.now += HOLD
    relay = world.kit.service(Relay).run
    results = together([relay, relay, world.sweep, world.sweep, relay, world.deliveries.sweep, world.payments.sweep])
    assert not [result for result in results if isinstance(result, Exception)]
    waiting = [row["_id"] for row in world.database["deliveries"].find({"state": "pending"})]
    ran = together([lambda delivery=delivery: world.deliveries.run(delivery) for delivery in waiting for _ in range(3)], threads=12)
    assert Counter(ran)[True] == len(waiting)
    come_to_rest(world)
    assert world.now(late).status == "expired"
    confirmed = Counter(to for to, subject in world.postbox.mails if subject.startswith("Your place"))
    assert confirmed == {f"{user}@example.org": 1 for user in ("ada", "ben", "cleo", "eve")}


def test_two_late_settlements_of_one_payment_take_the_seats_once(world: World) -> None:
    booking = held(world)
    payment = payment_for(world, booking)
    world.clock.now += HOLD
    world.bookings.get("ada", booking.id)
    results = together([lambda: world.paying.settle(payment) for _ in range(8)])
    assert not [result for result in results if isinstance(result, Exception)]
    assert world.now(booking).status == "confirmed"
    come_to_rest(world)
    assert gateway_books(world)[1] == []


def test_an_expired_booking_that_many_look_at_is_freed_once(world: World) -> None:
    booking = held(world)
    world.clock.now += HOLD
    results = together([lambda: world.bookings.get("ada", booking.id) for _ in range(8)] + [world.sweep, world.sweep])
    assert [result for result in results if isinstance(result, HoldExpired | Exception)] == []
    assert world.seats.facts(booking.event).seats_left == 2
    come_to_rest(world)

"""Two at once: while one does something, another does something else between any two of its commands, and the books balance."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from typing import Any

import pytest

from dinnerkit.booking.errors import HoldExpired
from dinnerkit.booking.store import Booking
from dinnerkit.booking.sweep import BookingSweep
from dinnerkit.delivery.relay import Relay
from dinnerkit.errors import DinnerkitError
from dinnerkit.ids import new_id
from dinnerkit.payment.rules import Payment
from dinnerkit.vouchers.errors import VoucherUsedUp
from tests.booking.balance import come_to_rest, money_is_safe, seats_add_up, vouchers_are_not_overused
from tests.booking.scenes import (
    FREE,
    GUESTS,
    authenticating,
    dinner,
    expired_and_paid,
    free_dinner,
    held,
    held_with_others_waiting,
    held_with_voucher,
    offered,
    offered_to_ben,
    paid,
    paid_with_others_waiting,
)
from tests.booking.snapshot import Snapshot
from tests.booking.world import HOLD, HOST, PRICE, SECURE, VISA, World

Scene = Callable[[World], Any]
Act = Callable[[World, Any], object]


def booking_of(scene: Any) -> Booking:
    found: Booking = scene[0] if isinstance(scene, tuple) else scene
    return found


def event_of(scene: Any) -> str:
    return scene if isinstance(scene, str) else booking_of(scene).event


def reserve(world: World, event: str) -> None:
    world.reserve("ada", event, 2, "b" * 24)


def pay(world: World, scene: Any) -> None:
    world.pay(booking_of(scene), VISA, "p" * 24)


def pay_with_another_id(world: World, scene: Any) -> None:
    world.pay(booking_of(scene), VISA, "q" * 24)


def pay_securely(world: World, scene: Any) -> None:
    world.pay(booking_of(scene), SECURE, "s" * 24)


def pay_while_it_expires(world: World, scene: Any) -> None:
    def meanwhile() -> None:
        world.clock.now += HOLD
        world.bookings.get("ada", booking_of(scene).id)

    world.gateway.meanwhile = meanwhile
    world.pay(booking_of(scene), VISA, "p" * 24)


def accept(world: World, scene: Any) -> None:
    world.bookings.accept("ada", booking_of(scene).id)


def cancel(world: World, scene: Any) -> None:
    world.bookings.cancel("ada", booking_of(scene).id)


def call_off(world: World, scene: Any) -> None:
    world.events.cancel(HOST, event_of(scene))
    world.work()


def move_the_dinner(world: World, scene: Any) -> None:
    event = event_of(scene)
    world.events.update(HOST, event, {"starts_at": world.seats.facts(event).starts_at + timedelta(hours=1)})
    world.work()


def move_the_dinner_and_follow(world: World, scene: Any) -> None:
    """All that hear of it do their part at some time: the bookings that are there follow at once."""
    event = event_of(scene)
    world.events.update(HOST, event, {"starts_at": world.seats.facts(event).starts_at + timedelta(hours=1)})
    world.relay()
    for row in world.database["deliveries"].find({"handler": "booking.follow", "state": {"$ne": "done"}}):
        world.deliveries.run(row["_id"])


def take_over(world: World, scene: Any) -> None:
    world.transfers.accept("ben", scene[1])


def work(world: World, _: Any) -> None:
    world.work()


def turn(world: World, _: Any) -> None:
    world.tick()


def sweep(world: World, _: Any) -> None:
    world.kit.service(BookingSweep).run()


def relay(world: World, _: Any) -> None:
    world.kit.service(Relay).run()


def long_pause(world: World, _: Any) -> None:
    """Whoever is held up stays so until everything has run out, and others have seen to it."""
    world.clock.now += 2 * HOLD
    world.work()
    world.clock.now += 2 * HOLD
    world.work()


def settle(world: World, scene: Any) -> None:
    world.paying.settle_again(scene[1])


def expire(world: World, scene: Any) -> None:
    world.clock.now += HOLD
    world.bookings.get("ada", booking_of(scene).id)


def sweep_late(world: World, scene: Any) -> None:
    world.clock.now += HOLD
    world.kit.service(BookingSweep).run()


def book_the_same_seats(world: World, scene: Any) -> None:
    world.book("ben", booking_of(scene).event, 1)


def reserve_again(world: World, scene: Any) -> None:
    booking = booking_of(scene)
    world.reserve("ada", booking.event, 2, booking.id)


def join(world: World, scene: Any) -> None:
    world.waitlist.join(booking_of(scene).event, "eve", 1)


def take_what_is_left(world: World, scene: Any) -> None:
    world.reserve("eve", booking_of(scene).event, 1)


def add_seats(world: World, scene: Any) -> None:
    world.events.update(HOST, booking_of(scene).event, {"seats": 4})


def deliver_one_by_one(world: World, _: Any) -> None:
    world.relay()
    world.deliver()


PAIRS: list[tuple[Scene, Act, Act]] = [
    *((held, pay, other) for other in (cancel, expire, long_pause, pay, pay_with_another_id, pay_securely, call_off, work)),
    (held, cancel, pay),
    *((scene, reserve, move_the_dinner) for scene in (dinner, free_dinner)),
    *((paid_with_others_waiting, act, move_the_dinner) for act in (cancel, deliver_one_by_one)),
    (expired_and_paid, settle, move_the_dinner),
    (offered_to_ben, take_over, move_the_dinner_and_follow),
    *((held, pay_securely, other) for other in (cancel, expire, long_pause, pay_with_another_id, call_off)),
    *((held, pay_while_it_expires, other) for other in (work, long_pause, call_off, book_the_same_seats, reserve_again)),
    *((expired_and_paid, settle, other) for other in (settle, long_pause, call_off, cancel, book_the_same_seats, reserve_again)),
    *((authenticating, pay_with_another_id, other) for other in (work, long_pause, cancel)),
    *((offered(FREE), accept, other) for other in (cancel, accept, call_off)),
    *((offered(PRICE), pay, other) for other in (cancel, call_off)),
    *((paid, cancel, other) for other in (cancel, call_off, turn)),
    *((paid_with_others_waiting, cancel, other) for other in (cancel, call_off, join, add_seats)),
    *((held_with_others_waiting, sweep_late, other) for other in (sweep, pay, call_off, take_what_is_left)),
    *((held_with_others_waiting, expire, other) for other in (pay, long_pause)),
    *((paid_with_others_waiting, deliver_one_by_one, other) for other in (deliver_one_by_one, relay)),
]


def _name(pair: Any) -> str:
    return str(getattr(pair, "__qualname__", pair)).partition(".")[0]


@pytest.mark.parametrize(("scene", "first", "second"), PAIRS, ids=_name)
def test_whatever_one_does_between_two_commands_of_another_the_books_balance(world: World, scene: Scene, first: Act, second: Act) -> None:
    world.invite(*GUESTS)
    prepared = scene(world)
    restore = world.save()
    at, paused = 0, True
    while paused:
        at += 1
        restore()

        def meanwhile() -> None:
            with suppress(DinnerkitError):
                second(world, prepared)

        world.killer.interrupt(at, meanwhile)
        with suppress(DinnerkitError):
            first(world, prepared)
        paused = world.killer.paused
        there = Snapshot.of(world)
        seats_add_up(there)
        money_is_safe(there)
        come_to_rest(world)
    assert at > 1


def test_offers_that_were_decided_before_the_dinner_was_called_off_are_not_made(world: World) -> None:
    event = world.host_dinner(1, FREE)
    world.reserve("ada", event)
    world.waitlist.join(event, "ben", 1)
    seen = world.database["events"].find_one({"_id": event})
    assert seen
    world.events.cancel(HOST, event)
    # The write of one who read before and was held up; to stop it there takes a third who frees the hold, and so changes the accounts.
    seats: Any = world.seats
    freed = seats.holds(event)[0]
    assert not seats._write_accounts(seen, freed, seats._offers(seen, freed), None)


def test_who_is_given_time_to_authenticate_is_not_expired_by_a_sweep_that_looked_before(world: World) -> None:
    booking = held(world)
    restore = world.save()
    paying: Any = world.paying
    payment = Payment("p" * 24, booking.id, "ada", booking.amount, "action_required", "secret", None)

    def answer() -> None:
        """The gateway's answer to a payment that was begun in time."""
        with suppress(HoldExpired):
            paying._await_action(booking, payment)
            answered.append(at)

    at, paused, answered = 0, True, list[int]()
    while paused:
        at += 1
        restore()
        world.clock.now += HOLD
        world.killer.interrupt(at, answer)
        world.sweep()
        paused = world.killer.paused
        if at in answered:
            assert world.now(booking).status == "action_required"
            assert world.seats.holds(booking.event)
    assert len(answered) > 2


def test_a_use_that_is_given_back_while_two_others_want_it_goes_to_one_of_them(world: World) -> None:
    """The second comes between any two commands of the first, and the third between any two of the second's that follow."""
    world.invite(*GUESTS)
    given_back = held_with_voucher(world, seats=6)
    restore, outcomes = world.save(), set[tuple[bool, bool]]()

    def reserve(user: str) -> bool:
        try:
            return world.reserve(user, given_back.event, 1, new_id(), "SUMMER26").discount is not None
        except VoucherUsedUp:
            return False

    def story(at: int, later: int) -> tuple[bool, bool]:
        """Whether all were interrupted."""
        restore()
        had: dict[str, bool] = {}

        def second() -> None:
            world.killer.interrupt(later, lambda: had.update(cleo=reserve("cleo")))
            had["ben"] = reserve("ben")
            third_came.append(world.killer.paused)
            world.killer.disarm()

        third_came: list[bool] = []
        world.killer.interrupt(at, second)
        world.bookings.cancel("ada", given_back.id)
        second_came = bool(third_came)
        world.killer.disarm()
        vouchers_are_not_overused(Snapshot.of(world))
        if second_came and third_came[0]:
            assert sum(had.values()) <= 1
            outcomes.add((had["ben"], had["cleo"]))
            come_to_rest(world)
        return second_came, third_came == [True]

    at, going = 1, True
    while going:
        later, third = 1, True
        while third:
            going, third = story(at, later)
            later += 1
        at += 1
    assert outcomes == {(True, False), (False, True), (False, False)}

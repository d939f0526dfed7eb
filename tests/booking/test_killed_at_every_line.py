"""Every use case dies before and after each of its commands; when the worker has come to rest, seats and money balance all the same."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import pytest

from dinnerkit.booking.making import DEPOSIT_KEPT
from dinnerkit.booking.store import Booking
from dinnerkit.errors import DinnerkitError
from dinnerkit.money import Money
from dinnerkit.payment.errors import PaymentDeclined
from tests.booking.balance import come_to_rest, money_is_safe, seats_add_up
from tests.booking.killing import Killed
from tests.booking.scenes import (
    FREE,
    GUESTS,
    authenticating,
    declined,
    dinner,
    dinner_and_free_voucher,
    dinner_and_voucher,
    expired_and_moved_with_money_on_its_way,
    expired_and_sold_out,
    expired_with_money_on_its_way,
    expired_with_voucher_and_money_on_its_way,
    free_dinner,
    full_house,
    given_back_late,
    held,
    held_with_others_waiting,
    held_with_voucher,
    late_with_others_waiting,
    offered,
    offered_to_ben,
    paid,
    paid_with_deposit,
    paid_with_others_waiting,
    paid_with_voucher,
    two_of_whom_one_comes,
    waiting_for_two,
)
from tests.booking.snapshot import Snapshot
from tests.booking.world import DECLINED, HOLD, HOST, SECURE, VISA, World

Act = Callable[[World, Any], object]


@dataclass
class Case:
    """A use case: what is there before, what is done, and how the booking must stand when the client repeats it after a crash."""

    prepare: Callable[[World], Any]
    act: Act
    after_retry: str | None = None
    raises: tuple[type[Exception], ...] = (DinnerkitError,)


CASES: dict[str, Case] = {}


def case(name: str, prepare: Callable[[World], Any], **options: Any) -> Callable[[Act], Act]:
    def register(act: Act) -> Act:
        CASES[name] = Case(prepare, act, **options)
        return act

    return register


@case("reserve", dinner, after_retry="held")
def reserve(world: World, event: str) -> None:
    world.reserve("ada", event, 2, "b" * 24)


@case("reserve free seats", free_dinner, after_retry="confirmed")
def reserve_free(world: World, event: str) -> None:
    world.reserve("ada", event, 2, "b" * 24)


@case("reserve fewer seats than one waits for", waiting_for_two, after_retry="held")
def reserve_from_the_list(world: World, event: str) -> None:
    world.reserve("ada", event, 1, "b" * 24)


@case("reserve with a voucher", dinner_and_voucher, after_retry="held")
def reserve_with_voucher(world: World, event: str) -> None:
    world.reserve("ada", event, 2, "b" * 24, "SUMMER26")


@case("reserve with a voucher that makes it free", dinner_and_free_voucher, after_retry="confirmed")
def reserve_free_by_voucher(world: World, event: str) -> None:
    world.reserve("ada", event, 2, "b" * 24, "SUMMER26")


@case("pay what has a voucher", held_with_voucher, after_retry="confirmed")
def pay_with_voucher(world: World, booking: Booking) -> None:
    world.pay(booking, VISA, "p" * 24)


@case("cancel what has a voucher", paid_with_voucher, after_retry="cancelled")
def cancel_with_voucher(world: World, booking: Booking) -> None:
    world.bookings.cancel("ada", booking.id)


@case("sweep what has a voucher and expired", held_with_voucher)
def sweep_with_voucher(world: World, _: Booking) -> None:
    world.clock.now += HOLD
    world.tick()
    world.tick()


@case("be paid too late, with a voucher", expired_with_voucher_and_money_on_its_way)
def paid_late_with_voucher(world: World, prepared: tuple[Booking, str]) -> None:
    world.tick()
    world.tick()


@case("pay", held, after_retry="confirmed")
def pay(world: World, booking: Booking) -> None:
    world.pay(booking, VISA, "p" * 24)


@case("pay and be declined", held, after_retry="held")
def pay_declined(world: World, booking: Booking) -> None:
    world.pay(booking, DECLINED, "p" * 24)


@case("pay with authentication", held, after_retry="action_required")
def pay_secure(world: World, booking: Booking) -> None:
    world.pay(booking, SECURE, "p" * 24)


@case("pay with another card instead of authenticating", authenticating, after_retry="confirmed")
def pay_otherwise(world: World, prepared: tuple[Booking, str]) -> None:
    world.pay(prepared[0], VISA, "q" * 24)


@case("pay after a decline", declined, after_retry="confirmed")
def pay_again(world: World, booking: Booking) -> None:
    world.pay(booking, VISA, "q" * 24)


@case("authenticate", authenticating)
def authenticate(world: World, prepared: tuple[Booking, str]) -> None:
    world.gateway.authenticate(prepared[1], approve=True)
    world.tick()
    world.tick()


@case("fail to authenticate", authenticating)
def fail_to_authenticate(world: World, prepared: tuple[Booking, str]) -> None:
    world.gateway.authenticate(prepared[1], approve=False)
    world.tick()
    world.tick()


@case("be paid too late, with the dinner moved since", expired_and_moved_with_money_on_its_way)
@case("be paid too late, with seats left", expired_with_money_on_its_way)
def paid_late(world: World, prepared: tuple[Booking, str]) -> None:
    world.tick()
    world.tick()


@case("be paid too late, with the seats gone", expired_and_sold_out)
def paid_too_late(world: World, prepared: tuple[Booking, str]) -> None:
    world.tick()
    world.tick()


@case("pay while the hold expires", held)
def expire_while_paying(world: World, booking: Booking) -> None:
    def meanwhile() -> None:
        world.clock.now += HOLD
        world.bookings.get("ada", booking.id)

    world.gateway.meanwhile = meanwhile
    world.pay(booking, VISA, "p" * 24)


@case("cancel a paid booking", paid, after_retry="cancelled")
def cancel_paid(world: World, booking: Booking) -> None:
    world.bookings.cancel("ada", booking.id)


@case("cancel a paid booking late", paid, after_retry="cancelled")
def cancel_late(world: World, booking: Booking) -> None:
    world.clock.now = booking.about["starts_at"] - timedelta(hours=1)
    world.bookings.cancel("ada", booking.id)


@case("cancel a paid booking that others wait for", paid_with_others_waiting, after_retry="cancelled")
def cancel_waited_for(world: World, booking: Booking) -> None:
    world.bookings.cancel("ada", booking.id)


@case("cancel what is refunded once it is sold again", late_with_others_waiting, after_retry="cancelled")
def cancel_for_resale(world: World, booking: Booking) -> None:
    world.bookings.cancel("ada", booking.id)


@case("buy what was given back late", given_back_late)
def buy_again(world: World, event: str) -> None:
    world.pay(world.reserve("cleo", event, 1, "b" * 24), VISA, "p" * 24)
    world.tick()
    world.tick()


@case("cancel what is held", held_with_others_waiting, after_retry="cancelled")
def cancel_held(world: World, booking: Booking) -> None:
    world.bookings.cancel("ada", booking.id)


@case("cancel while authenticating", authenticating, after_retry="cancelled")
def cancel_authenticating(world: World, prepared: tuple[Booking, str]) -> None:
    world.bookings.cancel("ada", prepared[0].id)


@case("cancel while paying", held)
def cancel_while_paying(world: World, booking: Booking) -> None:
    world.gateway.meanwhile = lambda: world.bookings.cancel("ada", booking.id)
    world.pay(booking, VISA, "p" * 24)


@case("look at what has expired", held_with_others_waiting)
def look_at_expired(world: World, booking: Booking) -> None:
    world.clock.now += HOLD
    world.bookings.get("ada", booking.id)


@case("sweep what has expired", held_with_others_waiting)
def sweep_expired(world: World, _: Booking) -> None:
    world.clock.now += HOLD
    world.tick()
    world.tick()


@case("sweep an authentication that nobody answered", authenticating)
def sweep_unanswered(world: World, _: tuple[Booking, str]) -> None:
    world.clock.now += HOLD * 2
    world.tick()
    world.tick()


@case("accept an offer", offered(FREE), after_retry="confirmed")
def accept(world: World, booking: Booking) -> None:
    world.bookings.accept("ada", booking.id)


@case("pay for an offer", offered(Money(3500, "EUR")), after_retry="confirmed")
def pay_offer(world: World, booking: Booking) -> None:
    world.pay(booking, VISA, "p" * 24)


@case("decline an offer", offered(FREE), after_retry="cancelled")
def decline_offer(world: World, booking: Booking) -> None:
    world.bookings.cancel("ada", booking.id)


@case("join the waiting list", lambda world: held(world).event)
def join(world: World, event: str) -> None:
    with suppress(DinnerkitError):
        world.waitlist.join(event, "eve", 1)


@case("leave the waiting list", held_with_others_waiting)
def leave(world: World, booking: Booking) -> None:
    with suppress(DinnerkitError):
        world.waitlist.leave(booking.event, "ben")


@case("call the dinner off", full_house)
def call_off(world: World, event: str) -> None:
    world.events.cancel(HOST, event)
    world.tick()
    world.tick()


@case("move the dinner under its guests", paid_with_others_waiting)
def move(world: World, booking: Booking) -> None:
    world.events.update(HOST, booking.event, {"starts_at": booking.about["starts_at"] + timedelta(hours=3)})
    world.tick()
    world.tick()


@case("find who did not come", two_of_whom_one_comes)
def find_no_shows(world: World, booking: Booking) -> None:
    world.clock.now = booking.about["starts_at"] + timedelta(hours=7)
    world.find_no_shows()
    world.tick()


@case("remind the guests", paid)
def remind(world: World, booking: Booking) -> None:
    world.clock.now = booking.about["starts_at"] - timedelta(hours=24)
    world.remind()


@case("wait no more, by booking fewer seats", waiting_for_two)
def book_otherwise(world: World, event: str) -> None:
    world.reserve("ada", event)


@case("add seats that others wait for", held_with_others_waiting)
def add_seats(world: World, booking: Booking) -> None:
    world.events.update(HOST, booking.event, {"seats": 5})
    world.tick()


@case("confirm, mail and record", held)
def follow_up(world: World, booking: Booking) -> None:
    world.pay(booking)
    world.tick()
    world.tick()


@case("come, and get the deposit back", paid_with_deposit)
def come_with_deposit(world: World, booking: Booking) -> None:
    world.door.check_in(HOST, booking.event, world.tickets.of(booking))
    world.tick()
    world.tick()


@case("get the deposit back after a dinner without a door", paid_with_deposit)
def deposit_released(world: World, booking: Booking) -> None:
    world.clock.now = booking.about["starts_at"] + DEPOSIT_KEPT
    world.tick()
    world.tick()


@case("cancel with a deposit", paid_with_deposit, after_retry="cancelled")
def cancel_with_deposit(world: World, booking: Booking) -> None:
    world.bookings.cancel("ada", booking.id)


@case("offer seats to somebody", paid)
def offer_seats(world: World, booking: Booking) -> None:
    world.transfers.offer("ada", booking.id, "ben@example.org", transfer_id="t" * 24)
    world.tick()


@case("take seats that are offered", offered_to_ben, after_retry="transferred")
def take_seats(world: World, prepared: tuple[Booking, str]) -> None:
    world.transfers.accept("ben", prepared[1])


@case("take seats while the dinner is called off", offered_to_ben)
def take_seats_called_off(world: World, prepared: tuple[Booking, str]) -> None:
    world.transfers.accept("ben", prepared[1])
    world.events.cancel(HOST, prepared[0].event)
    world.tick()
    world.tick()


@case("give money back", paid)
def give_back(world: World, booking: Booking) -> None:
    world.bookings.cancel("ada", booking.id)
    world.tick()
    world.tick()


@pytest.mark.parametrize("name", CASES)
def test_a_process_killed_before_any_of_its_commands_loses_neither_seats_nor_money(world: World, name: str) -> None:
    die_at_every_command(world, CASES[name], before=True)


@pytest.mark.parametrize("name", [name for name, tried in CASES.items() if tried.after_retry])
def test_what_was_killed_after_any_of_its_commands_can_be_repeated(world: World, name: str) -> None:
    die_at_every_command(world, CASES[name], before=False)


def die_at_every_command(world: World, tried: Case, *, before: bool) -> None:
    """Do it again and again, each time until the next command; where the killer strikes after it, the client then repeats it all."""
    world.invite(*GUESTS)
    prepared = tried.prepare(world)
    restore = world.save()
    last, died = 0, True
    while died:
        last += 1
        restore()
        moment = world.clock()
        world.killer.arm(last, before=before)
        with suppress(Killed, *tried.raises):
            tried.act(world, prepared)
        died = world.killer.struck
        world.restart()
        there = Snapshot.of(world)
        seats_add_up(there)
        money_is_safe(there)
        if tried.after_retry and not before:
            repeat(world, tried, prepared, moment)
        come_to_rest(world)
    assert last > 1


def repeat(world: World, tried: Case, prepared: Any, moment: datetime) -> None:
    world.clock.now = moment
    with suppress(PaymentDeclined):
        tried.act(world, prepared)
    statuses = [row["status"] for row in world.database["bookings"].find({"user": "ada"})]
    assert tried.after_retry in statuses, f"the client repeated it, and the booking is {statuses}"

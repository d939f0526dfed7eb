"""Where the tests of bookings begin: dinners, and how far their guests have come."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from typing import Any

from dinnerkit.booking.store import Booking
from dinnerkit.events.rules import RefundPolicy
from dinnerkit.ids import new_id
from dinnerkit.money import Money
from dinnerkit.payment.errors import PaymentDeclined
from dinnerkit.payment.ledger.service import Ledger
from dinnerkit.vouchers.rules import Kind, Terms, Voucher
from tests.booking.world import DECLINED, HOLD, HOST, SECURE, World

FREE = Money(0, "EUR")

DEPOSIT = Money(1000, "EUR")

GUESTS = ("ada", "ben", "cleo", "dan", "eve", "fay", "zoe")


def dinner(world: World) -> str:
    return world.host_dinner(2)


def free_dinner(world: World) -> str:
    return world.host_dinner(2, FREE)


def held(world: World, code: str | None = None, seats: int = 2) -> Booking:
    return world.reserve("ada", world.host_dinner(seats), 2, new_id(), code)


def voucher(world: World, code: str = "SUMMER26", **terms: Any) -> Voucher:
    """A voucher of the host, for a tenth off unless told otherwise."""
    wanted = Terms(**({"kind": Kind.PERCENT} | ({} if "kind" in terms else {"percent": 10}) | terms))
    return world.vouchers.make(HOST, wanted, voucher_id=new_id(), code=code)


def dinner_and_voucher(world: World) -> str:
    voucher(world, percent=50, max_uses=1)
    return dinner(world)


def dinner_and_free_voucher(world: World) -> str:
    voucher(world, kind=Kind.FREE, max_uses=1)
    return dinner(world)


def held_with_voucher(world: World, seats: int = 2) -> Booking:
    voucher(world, percent=50, max_uses=1)
    return held(world, "SUMMER26", seats)


def paid_with_voucher(world: World) -> Booking:
    booking = world.pay(held_with_voucher(world)).booking
    world.work()
    return booking


def expired_with_voucher_and_money_on_its_way(world: World) -> tuple[Booking, str]:
    voucher(world, percent=50, max_uses=1)
    return expired_with_money_on_its_way(world, "SUMMER26")


def paid(world: World) -> Booking:
    booking = world.pay(held(world)).booking
    world.work()
    return booking


def paid_with_others_waiting(world: World) -> Booking:
    booking = paid(world)
    world.waitlist.join(booking.event, "ben", 1)
    world.waitlist.join(booking.event, "cleo", 2)
    world.waitlist.join(booking.event, "dan", 1)
    return booking


def held_with_others_waiting(world: World) -> Booking:
    booking = held(world)
    world.waitlist.join(booking.event, "ben", 2)
    return booking


def authenticating(world: World, code: str | None = None) -> tuple[Booking, str]:
    result = world.pay(held(world, code), SECURE)
    assert result.client_secret
    world.work()
    return result.booking, result.client_secret


def offered(price: Money) -> Callable[[World], Booking]:
    def prepare(world: World) -> Booking:
        event = world.host_dinner(1, price)
        first = world.reserve("zoe", event)
        world.waitlist.join(event, "ada", 1)
        world.bookings.cancel("zoe", first.id)
        world.work()
        return world.offer_of("ada")

    return prepare


def full_house(world: World) -> str:
    event = world.host_dinner(5)
    world.book("ada", event, 2)
    world.reserve("ben", event)
    world.pay(world.reserve("cleo", event), SECURE)
    gone = world.reserve("dan", event)
    world.waitlist.join(event, "eve", 1)
    world.bookings.cancel("dan", gone.id)
    world.waitlist.join(event, "fay", 3)
    world.work()
    return event


def two_of_whom_one_comes(world: World) -> Booking:
    """The one who does not come."""
    event = world.host_dinner(2, FREE)
    here, away = (world.reserve(user, event) for user in ("ben", "ada"))
    world.door.note(HOST, event, here.id, came=True)
    world.work()
    return away


def waiting_for_two(world: World) -> str:
    event = world.host_dinner(2)
    world.book("ben", event)
    world.waitlist.join(event, "ada", 2)
    world.work()
    return event


def declined(world: World) -> Booking:
    booking = held(world)
    with suppress(PaymentDeclined):
        world.pay(booking, DECLINED)
    world.work()
    return booking


def paid_with_deposit(world: World) -> Booking:
    booking = world.book("ada", world.host_dinner(2, deposit=DEPOSIT), 2)
    world.work()
    return booking


def offered_to_ben(world: World) -> tuple[Booking, str]:
    """Two paid seats that ada offers to ben, and the token of the mail."""
    booking = paid(world)
    offered = world.transfers.offer("ada", booking.id, "ben@example.org", transfer_id=new_id())
    token = world.transfers.token(offered)
    assert token
    world.work()
    return offered, token


def absent(world: World, booking: Booking) -> Booking:
    """The dinner is over, and its host has said that this guest did not come."""
    world.clock.now = booking.about["starts_at"] + timedelta(hours=5)
    gone = world.store.move(booking, ("confirmed",), {"status": "no_show"})
    assert gone
    return gone


def late(world: World, booking: Booking) -> None:
    """Let time pass until it is late to cancel, and not too late."""
    world.clock.now = booking.about["starts_at"] - timedelta(hours=3)


def given_back_late(world: World) -> str:
    """Two seats of a full dinner whose money comes back once they are sold again."""
    event = world.host_dinner(2, policy=RefundPolicy(48, 50, 0, None, late_only_if_resold=True))
    booking = world.book("ada", event, 2)
    late(world, booking)
    world.bookings.cancel("ada", booking.id)
    world.work()
    return event


def late_with_others_waiting(world: World) -> Booking:
    event = world.host_dinner(2, policy=RefundPolicy(48, 50, 0, None, late_only_if_resold=True))
    booking = world.book("ada", event, 2)
    world.waitlist.join(event, "ben", 1)
    world.work()
    late(world, booking)
    return booking


def expired_with_money_on_its_way(world: World, code: str | None = None) -> tuple[Booking, str]:
    booking, secret = authenticating(world, code)
    world.clock.now += HOLD * 2
    world.bookings.get("ada", booking.id)
    world.gateway.authenticate(secret, approve=True)
    return booking, secret


def expired_and_moved_with_money_on_its_way(world: World) -> tuple[Booking, str]:
    """Those who had seats or waited have been told by then."""
    prepared = expired_with_money_on_its_way(world)
    starts_at = prepared[0].about["starts_at"] + timedelta(hours=1)
    world.events.update(HOST, prepared[0].event, {"starts_at": starts_at})
    world.relay()
    world.deliver()
    return prepared


def expired_and_paid(world: World) -> tuple[Booking, str]:
    """The money has come, is known and posted, and the message of it is in the hands of a worker; with the payment's id."""
    booking, _ = expired_with_money_on_its_way(world)
    payment = world.payments.live(booking.id) or world.payments.abandon(booking.id)
    assert payment
    world.payments.sync(payment.id)
    world.kit.service(Ledger).post_payment(payment.id)
    world.database["payments"].update_many({}, {"$set": {"outbox": []}})
    return booking, payment.id


def expired_and_sold_out(world: World) -> tuple[Booking, str]:
    prepared = expired_with_money_on_its_way(world)
    world.book("ben", prepared[0].event)
    return prepared

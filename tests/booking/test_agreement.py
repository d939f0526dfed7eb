"""Bookings and money are held against each other, and what does not agree is named."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest

from dinnerkit.booking.agreement import BookingAgreement
from tests.booking.balance import come_to_rest
from tests.booking.scenes import held, offered_to_ben, paid
from tests.booking.world import World


def disagreements(world: World) -> list[str]:
    return [finding.code for finding in world.kit.service(BookingAgreement).findings()]


def later(world: World) -> None:
    world.clock.now += timedelta(minutes=2)


def test_what_was_paid_and_what_was_cancelled_agree(world: World) -> None:
    paid(world)
    cancelled = world.book("ben", world.host_dinner(4))
    world.bookings.cancel("ben", cancelled.id)
    come_to_rest(world)
    assert disagreements(world) == []


def test_what_waits_to_be_paid_is_nothing_to_agree_on(world: World) -> None:
    held(world)
    later(world)
    assert disagreements(world) == []


@pytest.mark.parametrize(
    ("damage", "codes"),
    [
        (lambda world: world.database["payments"].delete_many({}), ["booking_unpaid"]),
        (lambda world: world.database["payments"].update_many({}, {"$set": {"status": "declined"}}), ["booking_unpaid"]),
        (lambda world: world.database["payments"].update_many({}, {"$set": {"amount": 1}}), ["booking_amount"]),
        (lambda world: world.database["ledger"].delete_many({}), ["booking_not_in_ledger"]),
        (lambda world: world.database["bookings"].delete_many({}), ["payment_for_nothing"]),
        (
            lambda world: world.database["bookings"].update_many({}, {"$set": {"payment": "p" * 24}}),
            ["booking_unpaid", "payment_for_nothing"],
        ),
        (
            lambda world: world.database["bookings"].update_many(
                {}, {"$set": {"status": "cancelled", "refund": 7000, "cancelled_by": "host"}}
            ),
            ["refund_owed"],
        ),
    ],
    ids=["no payment", "declined", "another amount", "not posted", "no booking", "another payment", "not given back"],
)
def test_what_does_not_agree_is_named(world: World, damage: Callable[[World], object], codes: list[str]) -> None:
    paid(world)
    world.work()
    later(world)
    assert disagreements(world) == []
    damage(world)
    assert disagreements(world) == codes


def test_one_payment_of_two_bookings_is_named_and_one_that_changed_hands_is_not(world: World) -> None:
    world.invite("ada", "ben")
    offered, token = offered_to_ben(world)
    taken = world.transfers.accept("ben", token)
    world.work()
    other = world.book("cleo", world.host_dinner(2), 2)
    world.work()
    later(world)
    assert taken.payment == offered.payment
    assert disagreements(world) == []
    world.database["bookings"].update_one({"_id": other.id}, {"$set": {"payment": offered.payment}})
    [two, unused] = world.kit.service(BookingAgreement).findings()
    assert (two.code, two.subject, unused.code) == ("payment_for_two", offered.payment, "payment_for_nothing")
    assert taken.id in two.text
    assert other.id in two.text
    assert offered.id not in two.text


def test_what_has_just_happened_is_not_missed_yet(world: World) -> None:
    paid(world)
    world.database["ledger"].delete_many({})
    assert disagreements(world) == []
    later(world)
    assert disagreements(world) == ["booking_not_in_ledger"]


def test_what_the_bank_took_back_is_not_owed_as_well(world: World) -> None:
    booking = world.book("ada", world.host_dinner(2), method="pm_card_createDispute")
    world.work()
    world.database["bookings"].update_one({"_id": booking.id}, {"$set": {"status": "cancelled", "refund": 3500, "cancelled_by": "host"}})
    later(world)
    assert disagreements(world) == []

"""Who waits has a booking that says so, and it follows the list."""

from __future__ import annotations

import pytest

from dinnerkit.booking.errors import BookingCancelled, NoSuchBooking
from dinnerkit.events.seat_errors import AlreadyWaiting, NotWaiting
from dinnerkit.events.waitlist import Waitlist
from dinnerkit.ids import new_id
from tests.booking.balance import come_to_rest
from tests.booking.killing import Killed
from tests.booking.scenes import FREE, offered, paid
from tests.booking.snapshot import gateway_books
from tests.booking.world import HOST, OFFER, PRICE, SECURE, World


def test_a_party_that_waits_sees_a_booking_with_its_place_in_line(world: World) -> None:
    first = paid(world)
    for position, user in enumerate(("ben", "cleo"), start=1):
        assert world.waitlist.join(first.event, user, 2) == position
        booking = world.offer_of(user)
        assert (booking.status, booking.guests, booking.expires_at, booking.payment) == ("waitlisted", 2, None, None)
        assert world.waitlist.position(booking) == position
    assert world.waitlist.position(first) is None


def test_the_same_booking_is_offered_then_paid(world: World) -> None:
    first = paid(world)
    world.waitlist.join(first.event, "ben", 2, entry_id="b" * 24)
    world.bookings.cancel("ada", first.id)
    offer = world.offer_of("ben")
    assert (offer.id, offer.status, offer.expires_at) == ("b" * 24, "offered", world.clock() + OFFER)
    assert world.pay(offer).booking.status == "confirmed"
    come_to_rest(world)


def test_who_does_not_finish_to_pay_for_an_offer_pays_nothing_once_it_is_over(world: World) -> None:
    booking = world.pay(offered(PRICE)(world), SECURE).booking
    assert (booking.status, booking.expires_at) == ("action_required", world.clock() + OFFER)
    come_to_rest(world)
    assert world.now(booking).status == "expired"
    assert [charge["status"] for charge in gateway_books(world)[0].values()] == ["cancelled"]


def test_leaving_the_list_ends_the_booking_and_ending_the_booking_leaves_the_list(world: World) -> None:
    first = paid(world)
    for user in ("ben", "cleo"):
        world.waitlist.join(first.event, user, 1)
    world.waitlist.leave(first.event, "ben")
    waiting = world.offer_of("cleo")
    ended = [world.bookings.cancel("cleo", waiting.id) for _ in range(2)]
    assert [(booking.status, booking.cancelled_by, booking.refund) for booking in (world.offer_of("ben"), *ended)] == [
        ("cancelled", "guest", None)
    ] * 3
    assert world.line(first.event) == []
    with pytest.raises(NotWaiting):
        world.waitlist.leave(first.event, "cleo")
    world.work()
    assert world.postbox.mails == [], "who waits no longer knows it"


def test_nobody_ends_the_waiting_of_another(world: World) -> None:
    first = paid(world)
    world.waitlist.join(first.event, "ben", 1)
    with pytest.raises(NoSuchBooking):
        world.bookings.cancel("cleo", world.offer_of("ben").id)
    assert world.line(first.event) == ["ben"]


def test_joining_again_after_a_crash_finds_the_same_place(world: World) -> None:
    first = paid(world)
    entry = new_id()
    world.killer.arm(1, before=False)
    with pytest.raises(Killed):
        world.waitlist.join(first.event, "ben", 1, entry_id=entry)
    world.restart()
    assert world.line(first.event) == ["ben"]
    assert world.store.find(entry) is None, "it died between the list and the booking"
    assert [world.waitlist.join(first.event, "ben", 1, entry_id=entry) for _ in range(2)] == [1, 1]
    assert world.offer_of("ben").id == entry
    with pytest.raises(AlreadyWaiting):
        world.waitlist.join(first.event, "ben", 1)


def test_who_waited_and_books_otherwise_waits_no_more(world: World) -> None:
    event = world.host_dinner(2)
    booking = world.book("ada", event)
    world.waitlist.join(event, "ben", 2)
    waiting = world.offer_of("ben")
    assert world.reserve("ben", event, 1).status == "held"
    assert world.now(waiting).status == "cancelled"
    assert world.now(booking).status == "confirmed"
    come_to_rest(world)


def test_the_form_of_a_place_that_was_given_up_makes_no_other(world: World) -> None:
    first = paid(world)
    entry = new_id()
    world.waitlist.join(first.event, "ben", 1, entry_id=entry)
    world.waitlist.leave(first.event, "ben")
    with pytest.raises(BookingCancelled):
        world.waitlist.join(first.event, "ben", 1, entry_id=entry)
    assert world.line(first.event) == [], "who is on the list has a booking that waits, or an offer would go past them"
    assert world.waitlist.join(first.event, "ben", 1) == 1
    come_to_rest(world)


class TestTheRoll:
    """What a crash leaves between a list and its bookings."""

    def test_entries_of_old_get_their_booking(self, world: World) -> None:
        first = paid(world)
        world.kit.service(Waitlist).join(first.event, "ben", 1, entry_id="b" * 24)
        assert world.roll() == 1
        assert world.offer_of("ben").status == "waitlisted"
        assert world.roll() == 0

    def test_an_entry_of_old_is_offered_seats_before_the_roll_too(self, world: World) -> None:
        first = paid(world)
        world.kit.service(Waitlist).join(first.event, "ben", 1)
        world.bookings.cancel("ada", first.id)
        assert world.offer_of("ben").status == "offered"

    def test_a_booking_whose_party_has_left_the_list_is_over(self, world: World) -> None:
        first = paid(world)
        world.waitlist.join(first.event, "ben", 1)
        world.killer.arm(1, before=False)
        with pytest.raises(Killed):
            world.waitlist.leave(first.event, "ben")
        world.restart()
        assert world.offer_of("ben").status == "waitlisted"
        assert world.roll() == 1
        assert world.offer_of("ben").status == "cancelled"

    def test_an_offer_that_nobody_could_tell_in_time_goes_to_the_next(self, world: World) -> None:
        first = paid(world)
        for user in ("ben", "cleo"):
            world.waitlist.join(first.event, user, 2)
        world.killer.arm(3, before=False)
        with pytest.raises(Killed):
            world.bookings.cancel("ada", first.id)
        world.restart()
        assert (world.offer_of("ben").status, world.line(first.event)) == ("waitlisted", ["cleo"])
        world.clock.now += OFFER
        world.sweep()
        assert [world.offer_of(user).status for user in ("ben", "cleo")] == ["expired", "offered"]
        come_to_rest(world)

    def test_an_offer_that_is_yet_to_be_told_is_not_taken_for_leaving_the_list(self, world: World) -> None:
        first = paid(world)
        world.waitlist.join(first.event, "ben", 2)
        world.killer.arm(3, before=False)
        with pytest.raises(Killed):
            world.bookings.cancel("ada", first.id)
        world.restart()
        assert (world.offer_of("ben").status, world.line(first.event)) == ("waitlisted", [])
        assert world.roll() == 0
        world.work()
        assert world.offer_of("ben").status == "offered"
        come_to_rest(world)

    def test_who_still_waits_when_the_dinner_begins_waits_no_more(self, world: World) -> None:
        first = paid(world)
        world.waitlist.join(first.event, "ben", 1)
        world.clock.now = first.about["starts_at"]
        assert world.roll() == 1
        assert world.offer_of("ben").status == "expired"


def test_those_who_wait_are_told_when_the_dinner_is_called_off(world: World) -> None:
    world.invite("ben")
    event = world.host_dinner(1, FREE)
    world.reserve("ada", event)
    world.waitlist.join(event, "ben", 1)
    world.events.cancel(HOST, event)
    world.work()
    assert (world.offer_of("ben").status, world.offer_of("ben").cancelled_by) == ("cancelled", "host")
    assert [subject for to, subject in world.postbox.mails if to == "ben@example.org"] == ["Cancelled: Dumplings"]

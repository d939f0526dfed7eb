"""What guests do with seats and with the waiting list, one at a time."""

from __future__ import annotations

from contextlib import suppress
from datetime import timedelta

import pytest

from dinnerkit.booking.errors import HoldExpired, NoSuchBooking, PaymentNeeded, TooLateToCancel
from dinnerkit.errors import Invalid, NotFound
from dinnerkit.events.seat_errors import AlreadyBooked, AlreadyWaiting, BookingClosed, NotWaiting, PartyTooLarge, SeatsAvailable, SoldOut
from dinnerkit.events.waitlist import Waitlist
from dinnerkit.ids import new_id
from dinnerkit.money import Money
from dinnerkit.payment.errors import PaymentDeclined
from tests.booking.balance import books_balance, come_to_rest
from tests.booking.scenes import FREE, held, paid
from tests.booking.snapshot import gateway_books
from tests.booking.world import DECLINED, HOLD, HOST, OFFER, VISA, World


def refunds(world: World) -> list[int]:
    return [refund["amount"] for refund in gateway_books(world)[1]]


class TestReserving:
    def test_the_same_booking_twice_is_one(self, world: World) -> None:
        event = world.host_dinner(4)
        first, second = (world.reserve("ada", event, 2, "b" * 24) for _ in range(2))
        assert (first.id, first.hold, first.guests) == (second.id, second.hold, second.guests)
        assert world.seats.facts(event).seats_left == 2

    def test_a_repetition_after_the_end_says_so_and_keeps_no_seats(self, world: World) -> None:
        event = world.host_dinner(4)
        world.reserve("ada", event, 2, "b" * 24)
        world.clock.now += HOLD
        with pytest.raises(HoldExpired):
            world.reserve("ada", event, 2, "b" * 24)
        assert world.seats.facts(event).seats_left == 4

    def test_a_hold_whose_booking_was_never_made_goes_back(self, world: World) -> None:
        event = world.host_dinner(4)
        world.killer.arm(2, before=True)
        with suppress(BaseException):
            world.reserve("ada", event, 2, "b" * 24)
        world.restart()
        with pytest.raises(AlreadyBooked):
            world.reserve("ada", event, 2)
        world.clock.now += HOLD
        world.work()
        assert world.seats.facts(event).seats_left == 4
        with pytest.raises(HoldExpired):
            world.reserve("ada", event, 2, "b" * 24)
        come_to_rest(world)

    def test_more_than_is_left_is_sold_out_and_says_what_is_left(self, world: World) -> None:
        event = world.host_dinner(4)
        world.reserve("ada", event, 3)
        with pytest.raises(SoldOut) as caught:
            world.reserve("ben", event, 2)
        assert caught.value.details == {"seats_left": 1}

    @pytest.mark.parametrize("guests", [0, -1])
    def test_a_party_of_nobody_is_refused_and_makes_no_seats(self, world: World, guests: int) -> None:
        event = world.host_dinner(4)
        with pytest.raises(Invalid):
            world.reserve("ada", event, guests)
        with pytest.raises(Invalid):
            world.waitlist.join(event, "ada", guests)
        assert world.seats.facts(event).seats_left == 4

    def test_what_has_begun_or_is_cancelled_or_unknown_can_not_be_booked(self, world: World) -> None:
        soon = world.host_dinner(4, starts_in=timedelta(minutes=1))
        cancelled = world.host_dinner(4)
        world.events.cancel(HOST, cancelled)
        world.clock.now += timedelta(minutes=1)
        for event in (soon, cancelled):
            with pytest.raises(BookingClosed):
                world.reserve("ada", event)
        with pytest.raises(NotFound):
            world.reserve("ada", new_id())

    def test_one_hold_that_can_not_be_resolved_does_not_stop_the_sweep(self, world: World) -> None:
        broken, sound = world.host_dinner(1), world.host_dinner(1)
        for event in (broken, sound):
            world.killer.arm(2, before=True)
            with suppress(BaseException):
                world.reserve("ada", event)
            world.restart()
        world.database["events"].update_one({"_id": broken}, {"$set": {"published_at": None}})
        world.clock.now += HOLD
        world.sweep()
        assert world.seats.facts(sound).seats_left == 1


class TestCancelling:
    def test_twice_gives_back_once(self, world: World) -> None:
        booking = paid(world)
        first, second = (world.bookings.cancel("ada", booking.id) for _ in range(2))
        assert first.refund == second.refund == Money(7000, "EUR")
        come_to_rest(world)
        assert refunds(world) == [7000]

    def test_late_gives_back_what_the_policy_says(self, world: World) -> None:
        booking = paid(world)
        world.clock.now = booking.about["starts_at"] - timedelta(hours=47)
        assert world.bookings.cancel("ada", booking.id).refund == Money(3500, "EUR")
        come_to_rest(world)
        assert refunds(world) == [3500]

    def test_ends_with_the_beginning_of_the_dinner(self, world: World) -> None:
        booking = paid(world)
        world.clock.now = booking.about["starts_at"]
        with pytest.raises(TooLateToCancel):
            world.bookings.cancel("ada", booking.id)

    def test_somebody_elses_booking_is_not_there(self, world: World) -> None:
        booking = paid(world)
        for attempt in (world.bookings.get, world.bookings.cancel, world.bookings.accept):
            with pytest.raises(NoSuchBooking):
                attempt("ben", booking.id)
        with pytest.raises(NoSuchBooking):
            world.paying.pay("ben", booking.id, VISA, payment_id=new_id())

    def test_by_the_host_gives_everything_back_whatever_the_policy(self, world: World) -> None:
        booking = paid(world)
        world.clock.now = booking.about["starts_at"] - timedelta(hours=1)
        world.events.cancel(HOST, booking.event)
        come_to_rest(world)
        assert (world.now(booking).status, world.now(booking).cancelled_by) == ("cancelled", "host")
        assert refunds(world) == [7000]


class TestWaiting:
    def test_a_party_is_offered_all_its_seats_or_none_first_come_first_served(self, world: World) -> None:
        event = world.host_dinner(3)
        first = world.book("ada", event, 2)
        world.book("zoe", event, 1)
        assert [world.waitlist.join(event, user, guests) for user, guests in (("ben", 3), ("cleo", 1), ("dan", 1), ("eve", 1))] == [
            1,
            2,
            3,
            4,
        ]
        world.bookings.cancel("ada", first.id)
        assert [world.offer_of(user).status for user in ("cleo", "dan")] == ["offered", "offered"]
        assert world.line(event) == ["ben", "eve"]
        books_balance_soon(world)

    def test_an_unanswered_offer_goes_to_the_next(self, world: World) -> None:
        event = world.host_dinner(1)
        first = world.book("ada", event)
        world.waitlist.join(event, "ben", 1)
        world.waitlist.join(event, "cleo", 1)
        world.bookings.cancel("ada", first.id)
        world.clock.now += OFFER
        world.work()
        assert world.offer_of("ben").status == "expired"
        assert world.offer_of("cleo").status == "offered"
        books_balance_soon(world)

    def test_an_offer_of_something_that_costs_is_accepted_by_paying(self, world: World) -> None:
        event = world.host_dinner(1)
        first = world.book("ada", event)
        world.waitlist.join(event, "ben", 1)
        world.bookings.cancel("ada", first.id)
        offer = world.offer_of("ben")
        with pytest.raises(PaymentNeeded):
            world.bookings.accept("ben", offer.id)
        with pytest.raises(PaymentDeclined):
            world.pay(offer, DECLINED)
        assert world.pay(offer).booking.status == "confirmed"
        come_to_rest(world)

    def test_accepting_twice_answers_the_same(self, world: World) -> None:
        event = world.host_dinner(1, FREE)
        first = world.reserve("ada", event)
        world.waitlist.join(event, "ben", 1)
        world.bookings.cancel("ada", first.id)
        offer = world.offer_of("ben")
        assert [world.bookings.accept("ben", offer.id).status for _ in range(2)] == ["confirmed", "confirmed"]
        come_to_rest(world)

    def test_an_offer_ends_at_the_latest_when_the_dinner_begins(self, world: World) -> None:
        event = world.host_dinner(1, starts_in=timedelta(hours=2))
        first = world.book("ada", event)
        world.waitlist.join(event, "ben", 1)
        world.bookings.cancel("ada", first.id)
        assert world.offer_of("ben").expires_at == first.about["starts_at"]

    def test_an_offer_whose_booking_is_over_already_goes_on_to_the_next(self, world: World) -> None:
        event = world.host_dinner(1)
        for _ in range(2):
            first = world.book("ada", event)
            world.kit.service(Waitlist).join(event, "ben", 1, entry_id="e" * 24)
            world.waitlist.join(event, "cleo", 1)
            world.bookings.cancel("ada", first.id)
            world.work()
            world.clock.now += OFFER
            world.work()
            world.clock.now += OFFER
            world.work()
        assert [booking.status for booking in world.bookings.page("cleo", limit=5)] == ["expired", "expired"]
        come_to_rest(world)

    def test_who_can_book_or_has_booked_or_waits_or_never_fits_does_not_wait(self, world: World) -> None:
        event = world.host_dinner(2)
        with pytest.raises(SeatsAvailable):
            world.waitlist.join(event, "ben", 2)
        world.reserve("ada", event, 2)
        with pytest.raises(AlreadyBooked):
            world.waitlist.join(event, "ada", 1)
        with pytest.raises(PartyTooLarge):
            world.waitlist.join(event, "ben", 3)
        world.waitlist.join(event, "ben", 2)
        with pytest.raises(AlreadyWaiting) as caught:
            world.waitlist.join(event, "ben", 1)
        assert caught.value.details == {"position": 1}
        world.waitlist.leave(event, "ben")
        with pytest.raises(NotWaiting):
            world.waitlist.leave(event, "ben")

    def test_seats_that_a_host_adds_are_for_those_who_wait_and_not_for_the_next_who_comes(self, world: World) -> None:
        event = world.host_dinner(3)
        world.book("ada", event, 3)
        world.waitlist.join(event, "ben", 2)
        world.waitlist.join(event, "cleo", 3)
        world.events.update(HOST, event, {"seats": 6})
        with pytest.raises(SoldOut):
            world.reserve("zoe", event, 2)
        assert world.reserve("zoe", event, 1).status == "held"
        world.work()
        assert world.offer_of("ben").status == "offered"
        assert world.line(event) == ["cleo"]
        books_balance_soon(world)

    def test_new_seats_are_offered(self, world: World) -> None:
        booking = held(world)
        world.waitlist.join(booking.event, "ben", 2)
        world.events.update(HOST, booking.event, {"seats": 4})
        world.work()
        assert world.offer_of("ben").status == "offered"
        books_balance(world)


def books_balance_soon(world: World) -> None:
    world.work()
    books_balance(world)

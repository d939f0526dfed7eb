"""A host moves a dinner under its guests: everyone is told, and may go free of charge for a while."""

from __future__ import annotations

from datetime import timedelta
from email.message import EmailMessage
from typing import Any

import pytest

from dinnerkit.booking.calendar import BookingCalendar
from dinnerkit.booking.discounting import DiscountService
from dinnerkit.booking.errors import BookingCancelled, NothingToPay, TooLateToCancel
from dinnerkit.booking.following import Following
from dinnerkit.booking.store import Booking
from dinnerkit.events.errors import CapacityBelowSold
from dinnerkit.events.rules import FREE_CANCELLATION, Location, RefundPolicy, TableSize, Venue
from dinnerkit.ids import new_id
from dinnerkit.money import Money
from dinnerkit.vouchers.rules import Kind
from tests.booking.balance import come_to_rest
from tests.booking.scenes import FREE, expired_and_moved_with_money_on_its_way, voucher
from tests.booking.world import HOST, PRICE, World

NO_REFUND = RefundPolicy(24 * 365, 0)
ELSEWHERE = Venue("Kiosk", "Platz 1", Location(48.1, 11.6))
CHANGED = "Changed: Dumplings"


def paid_dinner(world: World, policy: RefundPolicy = NO_REFUND) -> Booking:
    world.invite("ada", "ben", "cleo")
    event = world.host_dinner(2, policy=policy)
    booking = world.book("ada", event)
    world.work()
    world.clock.now += timedelta(seconds=1)
    return booking


def move(world: World, event: str, **new: Any) -> None:
    world.events.update(HOST, event, new)
    world.work()


def given(world: World, giver: str, booking: Booking, taker: str) -> Booking:
    """The booking of who was given these seats."""
    offered = world.transfers.offer(giver, booking.id, f"{taker}@example.org", transfer_id=new_id())
    taken = world.transfers.accept(taker, world.transfers.token(offered) or "")
    world.work()
    return taken


def told(world: World) -> list[str]:
    return [to for to, subject in world.postbox.mails if subject == CHANGED]


def test_everybody_who_has_seats_or_waits_for_some_is_told_once(world: World) -> None:
    booking = paid_dinner(world)
    world.reserve("ben", booking.event)
    world.waitlist.join(booking.event, "cleo", 1)
    starts_at = booking.about["starts_at"] + timedelta(hours=1)

    move(world, booking.event, starts_at=starts_at)
    for _ in range(2):
        world.kit.service(Following).follow(booking.event)
        world.work()

    assert sorted(told(world)) == ["ada@example.org", "ben@example.org", "cleo@example.org"]
    assert [world.offer_of(user).about["starts_at"] for user in ("ada", "ben", "cleo")] == [starts_at] * 3


def test_who_pays_just_when_the_bookings_follow_is_told_too(world: World) -> None:
    world.invite("ada")
    booking = world.reserve("ada", world.host_dinner(2))
    starts_at = booking.about["starts_at"] + timedelta(hours=1)
    world.events.update(HOST, booking.event, {"starts_at": starts_at})
    world.killer.interrupt(3, lambda: world.pay(booking))
    world.kit.service(Following).follow(booking.event)
    assert world.killer.paused
    world.killer.disarm()
    assert (world.now(booking).status, world.now(booking).about["starts_at"]) == ("confirmed", starts_at)
    world.work()
    assert told(world) == ["ada@example.org"]


def test_who_is_given_a_table_just_when_the_bookings_follow_is_told_too(world: World) -> None:
    booking = paid_dinner(world)
    starts_at = booking.about["starts_at"] + timedelta(hours=1)
    world.events.update(HOST, booking.event, {"starts_at": starts_at})
    world.killer.interrupt(3, lambda: world.store.seat(booking.event, {booking.id}))
    assert world.kit.service(Following).follow(booking.event) == 1
    assert world.killer.paused
    world.killer.disarm()
    assert (world.now(booking).status, world.now(booking).about["starts_at"]) == ("seated", starts_at)
    world.work()
    assert told(world) == ["ada@example.org"]


@pytest.mark.parametrize("price", [PRICE, FREE])
def test_who_books_just_when_the_dinner_is_moved_is_told_too(world: World, price: Money) -> None:
    world.invite("ada")
    event = world.host_dinner(2, price)
    starts_at = world.seats.facts(event).starts_at + timedelta(hours=1)
    world.killer.interrupt(3, lambda: move(world, event, starts_at=starts_at))
    booking = world.reserve("ada", event)
    assert world.killer.paused
    world.killer.disarm()
    if price.amount:
        booking = world.pay(booking).booking
    assert (booking.status, booking.about["starts_at"]) == ("confirmed", starts_at)
    world.work()
    assert told(world) == ["ada@example.org"]
    come_to_rest(world)


@pytest.mark.parametrize("meanwhile", ["cancel", "become free"])
def test_who_pays_while_the_booking_catches_up_pays_only_what_is_still_to_be_paid(world: World, meanwhile: str) -> None:
    voucher(world, kind=Kind.FREE)
    booking = world.reserve("ada", world.host_dinner(2))
    world.events.update(HOST, booking.event, {"title": "Noodles"})
    following: Any = world.kit.service(Following)
    catch_up = following.catch_up

    def interfere(behind: Booking) -> Booking:
        if meanwhile == "cancel":
            world.bookings.cancel("ada", booking.id)
        else:
            world.kit.service(DiscountService).use("ada", booking.id, "SUMMER26")
        caught_up: Booking = catch_up(world.now(behind))
        return caught_up

    following.catch_up = interfere
    try:
        with pytest.raises(BookingCancelled if meanwhile == "cancel" else NothingToPay):
            world.pay(booking)
    finally:
        del following.catch_up
    assert world.database["payments"].count_documents({}) == 0
    come_to_rest(world)


def test_a_booking_that_had_expired_when_the_others_followed_does_so_once_its_money_comes(world: World) -> None:
    world.invite("ada")
    booking, _ = expired_and_moved_with_money_on_its_way(world)
    assert (world.now(booking).status, told(world)) == ("expired", [])
    world.work()
    moved = world.seats.facts(booking.event).starts_at
    assert (world.now(booking).status, world.now(booking).about["starts_at"]) == ("confirmed", moved)
    assert told(world) == ["ada@example.org"]
    come_to_rest(world)


def test_the_mail_says_what_was_and_what_is_and_brings_the_calendar_up_to_date(world: World) -> None:
    booking = paid_dinner(world)
    before = sequence(world.kit.service(BookingCalendar).of(booking))
    move(world, booking.event, starts_at=booking.about["starts_at"] + timedelta(hours=1), venue=ELSEWHERE)
    mail = world.postbox.last
    assert mail
    text = mail.get_body().get_content()  # type: ignore[union-attr]
    assert "the host has changed when and where" in text
    for line in (
        "Before: Sunday, 8 November 2026 at 13:00",
        "Now:    Sunday, 8 November 2026 at 14:00",
        "Before: Bahnwärter Thiel, Tumblingerstraße 45",
        "Now:    Kiosk, Platz 1",
        "all your money comes back",
    ):
        assert line in text, line
    assert sequence(attached(mail)) > before


def test_a_new_title_is_taken_over_without_a_word(world: World) -> None:
    booking = paid_dinner(world)
    move(world, booking.event, title="Ravioli")
    assert world.now(booking).about["title"] == "Ravioli"
    assert world.now(booking).free_until is None
    assert told(world) == []


@pytest.mark.parametrize("place", [{"venue": ELSEWHERE}, {"city": "Graz"}, {"timezone": "Europe/Vienna"}])
def test_another_place_opens_the_same_window_as_another_time(world: World, place: dict[str, Any]) -> None:
    booking = paid_dinner(world)
    move(world, booking.event, **place)
    assert world.now(booking).free_until == world.clock() + FREE_CANCELLATION
    assert world.bookings.refund_now(world.now(booking)).at_once == PRICE


def test_the_money_comes_back_in_full_until_the_window_closes(world: World) -> None:
    booking = paid_dinner(world)
    assert world.bookings.refund_now(booking).at_once == Money(0, "EUR")
    world.events.update(HOST, booking.event, {"starts_at": booking.about["starts_at"] + timedelta(days=1)})
    assert world.bookings.refund_now(booking).at_once == PRICE, "at once, before anybody was told"
    world.work()
    world.clock.now += FREE_CANCELLATION
    assert world.bookings.refund_now(world.now(booking)).at_once == PRICE
    world.clock.now += timedelta(seconds=1)
    assert world.bookings.refund_now(world.now(booking)).at_once == Money(0, "EUR")


def test_who_books_after_the_change_knew_of_it(world: World) -> None:
    booking = paid_dinner(world)
    move(world, booking.event, starts_at=booking.about["starts_at"] + timedelta(days=1))
    late = world.book("ben", booking.event)
    assert world.bookings.refund_now(late).at_once == Money(0, "EUR")
    cancelled = world.bookings.cancel("ada", booking.id)
    assert cancelled.refund == PRICE
    come_to_rest(world)


def test_who_is_given_seats_of_who_had_booked_before_may_go_too(world: World) -> None:
    booking = paid_dinner(world)
    move(world, booking.event, starts_at=booking.about["starts_at"] + timedelta(days=1))
    free_until = world.now(booking).free_until
    for giver, taker in (("ada", "ben"), ("ben", "cleo")):
        world.clock.now += timedelta(hours=1)
        booking = given(world, giver, booking, taker)
        assert world.bookings.refund_now(booking).at_once == PRICE
        assert world.now(booking).free_until == free_until
    assert world.bookings.cancel("cleo", booking.id).refund == PRICE
    come_to_rest(world)


def test_who_is_given_seats_after_the_window_has_closed_may_not(world: World) -> None:
    booking = paid_dinner(world)
    move(world, booking.event, starts_at=booking.about["starts_at"] + timedelta(days=7))
    world.clock.now += FREE_CANCELLATION + timedelta(seconds=1)
    taken = given(world, "ada", booking, "ben")
    assert world.bookings.refund_now(taken).at_once == Money(0, "EUR")
    assert world.now(taken).free_until is None


def test_who_is_given_seats_of_who_had_booked_after_the_change_may_not(world: World) -> None:
    booking = paid_dinner(world)
    move(world, booking.event, starts_at=booking.about["starts_at"] + timedelta(days=1))
    taken = given(world, "ben", world.book("ben", booking.event), "cleo")
    assert world.bookings.refund_now(taken).at_once == Money(0, "EUR")
    assert world.now(taken).free_until is None


def test_a_dinner_moved_to_an_earlier_time_is_cancelled_until_it_begins_then(world: World) -> None:
    booking = paid_dinner(world)
    sooner = world.clock() + timedelta(hours=5)
    world.events.update(HOST, booking.event, {"starts_at": sooner})
    world.clock.now = sooner - timedelta(seconds=1)
    assert world.bookings.refund_now(booking).at_once == PRICE
    world.clock.now = sooner
    with pytest.raises(TooLateToCancel):
        world.bookings.cancel("ada", booking.id)


def test_seats_that_are_sold_are_never_taken_away(world: World) -> None:
    world.invite("ada")
    event = world.host_dinner(3, FREE)
    world.reserve("ada", event, 2)
    with pytest.raises(CapacityBelowSold):
        world.events.update(HOST, event, {"seats": 1})
    assert world.events.update(HOST, event, {"seats": 2, "table_size": TableSize(1, 2)})["seats_left"] == 0


def attached(mail: EmailMessage) -> bytes:
    [calendar] = [part for part in mail.iter_attachments() if part.get_content_type() == "text/calendar"]
    return calendar.get_payload(decode=True)  # type: ignore[return-value]


def sequence(calendar: bytes) -> int:
    [line] = [line for line in calendar.decode().splitlines() if line.startswith("SEQUENCE:")]
    return int(line.removeprefix("SEQUENCE:"))

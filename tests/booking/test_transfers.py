"""Seats given to somebody else: by a link in a mail, once, with everything that belongs to them."""

from __future__ import annotations

import re
from contextlib import suppress
from datetime import timedelta

import pytest

from dinnerkit.accounts.errors import BadToken, TooManyAttempts
from dinnerkit.booking.errors import (
    BookingNotConfirmed,
    BookingTransferred,
    HoldExpired,
    NoSuchBooking,
    NotTheRecipient,
    TransferClosed,
)
from dinnerkit.booking.store import Booking
from dinnerkit.booking.transferring import OFFER_LIMIT
from dinnerkit.errors import Conflict, Invalid
from dinnerkit.events.seat_errors import AlreadyBooked, SoldOut
from dinnerkit.ids import new_id
from dinnerkit.money import Money
from tests.booking.balance import come_to_rest
from tests.booking.killing import Killed
from tests.booking.scenes import DEPOSIT, FREE, offered_to_ben, paid_with_deposit, paid_with_voucher, voucher
from tests.booking.snapshot import gateway_books
from tests.booking.world import HOST, World


@pytest.fixture
def people(world: World) -> World:
    world.invite("ada", "ben", "cleo", "zoe")
    return world


def refunds(world: World) -> list[tuple[str, int]]:
    world.work()
    charges, given = gateway_books(world)
    keys = {charge["id"]: key for key, charge in charges.items()}
    return sorted((keys[refund["charge"]], refund["amount"]) for refund in given)


def test_the_recipient_gets_a_booking_and_the_ticket_of_the_giver_is_worth_nothing(people: World) -> None:
    booking, token = offered_to_ben(people)
    ticket = people.tickets.of(booking)
    taken = people.transfers.accept("ben", token)
    assert (taken.user, taken.status, taken.hold, taken.payment, taken.amount) == (
        "ben",
        "confirmed",
        booking.hold,
        booking.payment,
        booking.amount,
    )
    assert people.now(booking).status == "transferred"
    with pytest.raises(BookingNotConfirmed):
        people.door.check_in(HOST, booking.event, ticket)
    with pytest.raises(BookingNotConfirmed):
        people.door.ticket("ada", booking.id)
    assert people.door.check_in(HOST, booking.event, people.tickets.of(taken)).booking.user == "ben"
    with pytest.raises(BookingTransferred):
        people.bookings.cancel("ada", booking.id)
    come_to_rest(people)
    subjects = {(to, subject.partition(":")[0]) for to, subject in people.postbox.mails}
    assert ("ada@example.org", "Passed on") in subjects
    assert ("ben@example.org", "Your place at Dumplings") in subjects


def test_it_may_be_taken_twice_and_is_one(people: World) -> None:
    _, token = offered_to_ben(people)
    first, second = (people.transfers.accept("ben", token) for _ in range(2))
    assert first.id == second.id
    assert people.database["bookings"].count_documents({"user": "ben"}) == 1


def test_what_comes_back_goes_to_who_paid(people: World) -> None:
    booking, token = offered_to_ben(people)
    taken = people.transfers.accept("ben", token)
    people.bookings.cancel("ben", taken.id)
    assert refunds(people) == [(booking.payment, 7000)]
    come_to_rest(people)


def test_the_deposit_and_the_voucher_go_along(people: World) -> None:
    for prepare, back in ((paid_with_deposit, 2000), (paid_with_voucher, 0)):
        people.clear()
        people.invite("ada", "ben")
        booking = prepare(people)
        taken = people.transfers.accept("ben", offer(people, booking))
        people.door.check_in(HOST, taken.event, people.tickets.of(taken))
        assert sum(amount for _, amount in refunds(people)) == back
        come_to_rest(people)


@pytest.mark.parametrize("code", [None, "SUMMER26"])
def test_the_form_that_booked_the_seats_sent_again_leaves_them_to_who_has_them(people: World, code: str | None) -> None:
    voucher(people, max_uses=1)
    event, form = people.host_dinner(2), new_id()
    booking = people.pay(people.reserve("ada", event, 2, form, code)).booking
    taken = people.transfers.accept("ben", offer(people, booking))
    with pytest.raises(HoldExpired):
        people.reserve("ada", event, 2, form, code)
    assert [(hold.booking, hold.guests) for hold in people.seats.holds(event)] == [(taken.id, 2)]
    with pytest.raises(SoldOut):
        people.reserve("cleo", event)
    come_to_rest(people)
    people.events.cancel(HOST, event)
    assert refunds(people) == [(booking.payment, booking.amount.amount)]


def test_a_hold_that_was_passed_on_is_not_taken_anew(people: World) -> None:
    booking = people.book("ada", people.host_dinner(4), 2)
    taken = people.transfers.accept("ben", offer(people, booking))
    people.seats.take(people.hold_for(booking, booking.hold))
    assert [(hold.booking, hold.until) for hold in people.seats.holds(booking.event)] == [(taken.id, None)]
    come_to_rest(people)


@pytest.mark.parametrize("others", [0, 1])
def test_an_offer_that_is_noted_late_leaves_the_seats_to_whom_they_were_given(people: World, others: int) -> None:
    event, entry = people.host_dinner(2), new_id()
    first = people.reserve("cleo", event)
    people.waitlist.join(event, "ada", 2, entry_id=entry)
    people.bookings.cancel("cleo", first.id)
    offered = people.store.find(entry)
    assert offered
    taken = people.transfers.accept("ben", offer(people, people.pay(offered).booking))
    if others:
        people.waitlist.join(event, "zoe", 1, entry_id=new_id())
    people.work()  # only now what was said when the seats were offered is heard
    assert [(hold.booking, hold.guests) for hold in people.seats.holds(event)] == [(taken.id, 2)]
    come_to_rest(people)


def offer(world: World, booking: Booking, email: str = "ben@example.org") -> str:
    offered = world.transfers.offer(booking.user, booking.id, email, transfer_id=new_id())
    return world.transfers.token(offered) or ""


def test_seats_can_be_passed_on_again_and_again(people: World) -> None:
    booking, token = offered_to_ben(people)
    second = people.transfers.accept("ben", token)
    third = people.transfers.accept("cleo", offer(people, second, "cleo@example.org"))
    back = people.transfers.accept("ada", offer(people, third, "ada@example.org"))
    assert [people.now(one).status for one in (booking, second, third, back)] == ["transferred"] * 3 + ["confirmed"]
    people.bookings.cancel("ada", back.id)
    assert refunds(people) == [(booking.payment, 7000)]
    come_to_rest(people)


def test_who_waited_waits_no_more(people: World) -> None:
    booking, token = offered_to_ben(people)
    people.waitlist.join(booking.event, "ben", 2)
    people.transfers.accept("ben", token)
    assert people.line(booking.event) == []
    come_to_rest(people)


def test_who_has_a_booking_gets_no_second_one_and_the_offer_stays(people: World) -> None:
    event = people.host_dinner(3)
    booking = people.book("ada", event)
    other = people.book("ben", event)
    token = offer(people, booking)
    with pytest.raises(AlreadyBooked):
        people.transfers.accept("ben", token)
    assert people.now(booking).status == "confirmed"
    people.bookings.cancel("ben", other.id)
    assert people.transfers.accept("ben", token).status == "confirmed"
    come_to_rest(people)


def test_the_link_is_for_the_address_alone_that_it_was_sent_to(people: World) -> None:
    _, token = offered_to_ben(people)
    for user in ("cleo", "ada", "nobody"):
        with pytest.raises(NotTheRecipient):
            people.transfers.accept(user, token)


def test_somebody_who_is_unknown_gets_the_same_mail_and_joins_first(people: World) -> None:
    booking, _ = offered_to_ben(people)
    known = people.transfers.offer("ada", booking.id, "ben@example.org", transfer_id=new_id())
    unknown = people.transfers.offer("ada", booking.id, "New@Example.org", transfer_id=new_id())
    assert known.status == unknown.status
    people.work()
    assert ("New@example.org", "Ada has a place for you at Dumplings") in people.postbox.mails
    people.invite("new")
    assert people.transfers.accept("new", people.transfers.token(unknown) or "").user == "new"


def test_a_new_offer_or_its_withdrawal_makes_the_link_worth_nothing(people: World) -> None:
    booking, token = offered_to_ben(people)
    newer = offer(people, booking)
    with pytest.raises(BadToken):
        people.transfers.accept("ben", token)
    people.transfers.withdraw("ada", booking.id)
    for one in (newer, "nonsense", "", newer[:-2]):
        with pytest.raises(BadToken):
            people.transfers.accept("ben", one)


def test_the_same_form_again_offers_nothing_anew_unless_the_address_was_mended(people: World) -> None:
    booking, form = people.book("ada", people.host_dinner(2)), new_id()
    mistyped = people.transfers.offer("ada", booking.id, "bne@example.org", transfer_id=form)
    mended = people.transfers.offer("ada", booking.id, "ben@example.org", transfer_id=form)
    assert people.transfers.offer("ada", booking.id, "Ben@Example.org", transfer_id=form) == mended
    assert mended.transfer
    assert mended.transfer["email"] == "ben@example.org"
    people.work()
    assert [to for to, subject in people.postbox.mails if "has a place for you" in subject] == ["ben@example.org"]
    with pytest.raises(BadToken):
        people.transfers.offered(people.transfers.token(mistyped) or "")
    assert people.transfers.accept("ben", people.transfers.token(mended) or "").user == "ben"
    come_to_rest(people)


def test_it_ends_at_the_cut_off_and_with_the_booking(people: World) -> None:
    booking, token = offered_to_ben(people)
    people.clock.now = booking.about["starts_at"] - timedelta(hours=2, seconds=1)
    people.transfers.offered(token)
    people.clock.now += timedelta(seconds=1)
    with pytest.raises(BadToken, match="too old"):
        people.transfers.accept("ben", token)
    with pytest.raises(TransferClosed):
        people.transfers.offer("ada", booking.id, "ben@example.org", transfer_id=new_id())


@pytest.mark.parametrize("ended", ["cancel", "check in", "call off"])
def test_what_has_ended_otherwise_can_not_be_taken(people: World, ended: str) -> None:
    booking, token = offered_to_ben(people)
    if ended == "cancel":
        people.bookings.cancel("ada", booking.id)
    elif ended == "check in":
        people.door.check_in(HOST, booking.event, people.tickets.of(booking))
    else:
        people.events.cancel(HOST, booking.event)
    with pytest.raises((BookingNotConfirmed, TransferClosed)):
        people.transfers.accept("ben", token)
    come_to_rest(people)


def test_only_what_is_confirmed_and_ones_own_can_be_offered(people: World) -> None:
    booking = people.reserve("ada", people.host_dinner(2))
    with pytest.raises(BookingNotConfirmed):
        people.transfers.offer("ada", booking.id, "ben@example.org", transfer_id=new_id())
    with pytest.raises(NoSuchBooking):
        people.transfers.offer("ben", booking.id, "cleo@example.org", transfer_id=new_id())
    free = people.reserve("ada", people.host_dinner(2, FREE))
    for address in ("nobody", "ADA@example.org", "", "a@b\r\nBcc: c@example.org"):
        with pytest.raises(Invalid):
            people.transfers.offer("ada", free.id, address, transfer_id=new_id())


def test_nobody_sends_mails_without_end(people: World) -> None:
    booking, _ = offered_to_ben(people)
    for number in range(OFFER_LIMIT.most - 1):
        offer(people, booking, f"friend{number}@example.org")
    with pytest.raises(TooManyAttempts):
        offer(people, booking, "another@example.org")


@pytest.mark.parametrize("meanwhile", ["cancel", "check in", "call off"])
@pytest.mark.parametrize("at", range(1, 13))
def test_whatever_happens_meanwhile_the_seats_belong_to_one_of_them(people: World, meanwhile: str, at: int) -> None:
    booking, token = offered_to_ben(people)

    def interfere() -> None:
        if meanwhile == "cancel":
            people.bookings.cancel("ada", booking.id)
        elif meanwhile == "check in":
            people.door.check_in(HOST, booking.event, people.tickets.of(booking))
        else:
            people.events.cancel(HOST, booking.event)
            people.work()

    people.killer.interrupt(at, lambda: ignoring(interfere))
    ignoring(lambda: people.transfers.accept("ben", token))
    people.killer.disarm()
    come_to_rest(people)
    live = [row["user"] for row in people.database["bookings"].find({"status": {"$in": ["confirmed", "checked_in"]}})]
    assert len(live) <= 1


def test_seats_taken_by_one_who_was_killed_follow_the_dinner_that_is_moved_before_they_are_found(people: World) -> None:
    booking, token = offered_to_ben(people)
    starts_at = booking.about["starts_at"] + timedelta(hours=1)
    restore, last, died = people.save(), 0, True
    while died:
        last += 1
        restore()
        people.killer.arm(last, before=False)
        with suppress(Killed):
            people.transfers.accept("ben", token)
        died = people.killer.struck
        people.restart()
        people.events.update(HOST, booking.event, {"starts_at": starts_at})
        people.relay()
        for row in people.database["deliveries"].find({"handler": "booking.follow"}):
            people.deliveries.run(row["_id"])
        come_to_rest(people)
        (taken,) = people.store.of_event(booking.event, {"confirmed"})
        assert taken.about["starts_at"] == starts_at
    assert last > 2


def ignoring(act: object) -> None:
    """Refusals are as good as successes here; what counts is how it stands afterwards."""
    try:
        act()  # type: ignore[operator]
    except (BadToken, Conflict):
        return


def test_the_mail_has_the_link_and_no_address_of_the_giver(people: World) -> None:
    booking, _ = offered_to_ben(people)
    people.work()
    mail = next(mail for mail in people.postbox.letters if mail["To"] == "ben@example.org")
    text = mail.get_content()
    found = re.search(r"/transfers/(\S+)", text)
    assert found
    assert "ada@" not in text
    assert people.transfers.offered(found[1]).giver == "Ada"
    assert people.transfers.offered(found[1]).booking.id == booking.id


def test_a_held_deposit_is_due_for_the_one_who_has_the_seats(people: World) -> None:
    booking = paid_with_deposit(people)
    taken = people.transfers.accept("ben", offer(people, booking))
    assert taken.deposit == DEPOSIT * 2
    people.clock.now = booking.about["starts_at"] + timedelta(hours=48)
    assert refunds(people) == [(booking.payment, 2000)]
    assert people.now(taken).deposit_released_at
    assert Money(2000, "EUR") == taken.deposit
    come_to_rest(people)

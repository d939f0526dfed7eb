"""From a stranger to a guest with a seat and back, by forms and links alone."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta

import pytest

from dinnerkit import Kit
from dinnerkit.accounts.rules import User
from dinnerkit.booking.service import BookingService
from dinnerkit.clock import utcnow
from dinnerkit.events.rules import Format, TableSize
from dinnerkit.ids import new_id
from dinnerkit.money import Money
from dinnerkit.payment.service import PaymentService
from tests.web.browser import PASSWORD, Browser
from tests.web.conftest import World

Browse = Callable[..., Browser]


def test_a_stranger_joins_books_pays_and_cancels_without_scripts(browse: Browse, world: World, host: User, kit: Kit) -> None:
    event_id = world.event(host, title="The very first supper")
    browser = browse()

    browser.open("/")
    browser.follow("The very first supper")
    browser.follow("Sign in to book")
    browser.follow("Join")
    browser.send("Join", name="Noor Newcomer", email="noor@example.test", password=PASSWORD)
    assert "Welcome!" in browser.text
    assert browser.path == f"/events/{event_id}"

    browser.send("Hold my seats", guests=2)
    assert browser.path.startswith("/bookings/")
    assert "Held, not paid" in browser.text
    assert "Pay €70" in browser.buttons

    browser.send("Pay €70", payment_method="pm_card_visa")
    assert "Your seats are yours." in browser.text
    assert "Confirmed" in browser.text

    browser.follow("Cancel this booking")
    assert "You get €70 back." in browser.text
    browser.send("Cancel the booking")
    assert "You cancelled it. €70 goes back to your card." in browser.text

    browser.follow("My bookings")
    assert "Cancelled" in browser.text
    [booking] = kit.service(BookingService).page(_user_of(kit, "noor@example.test"), limit=5)
    assert (booking.status, booking.refund) == ("cancelled", Money(7000, "EUR"))


def test_a_deposit_is_told_of_paid_and_given_back_by_words(browse: Browse, world: World, host: User) -> None:
    event_id = world.event(host, deposit=Money(1000, "EUR"))
    browser = browse(world.user())

    browser.open(f"/events/{event_id}")
    assert "35 euros a seat and a deposit of €10" in browser.text
    assert "€10 a seat is a deposit: you get it back when you come, or if you cancel at least 48 hours before the dinner." in browser.text
    browser.send("Hold my seats", guests=2)
    assert "Of that deposit €20" in browser.text

    browser.send("Pay €90", payment_method="pm_card_visa")
    browser.follow("Cancel this booking")
    assert "You get €90 back." in browser.text
    browser.send("Cancel the booking")
    assert "€20, given back" in browser.text


def test_a_free_dinner_with_a_deposit_is_held_and_paid(browse: Browse, world: World, host: User) -> None:
    event_id = world.event(host, price=Money(0, "EUR"), deposit=Money(500, "EUR"))
    browser = browse(world.user())

    browser.open(f"/events/{event_id}")
    browser.send("Hold my seats")
    browser.send("Pay €5", payment_method="pm_card_visa")
    assert "Your seats are yours." in browser.text


def test_a_note_is_said_once(browse: Browse, world: World, host: User) -> None:
    world.event(host)
    browser = browse(world.user())

    assert "Good to see you." in browser.text
    browser.open("/")
    assert "Good to see you." not in browser.text


def test_a_declined_card_leaves_the_seats_and_another_may_be_tried(browse: Browse, world: World, host: User) -> None:
    browser = _holding(browse, world, host)

    browser.send("Pay €35", payment_method="pm_card_chargeDeclinedInsufficientFunds")
    assert browser.answer.status_code == 402
    assert "The payment was declined. The bank says that there is not enough money in the account." in browser.text

    browser.send("Pay €35", payment_method="pm_card_visa")
    assert "Confirmed" in browser.text


def test_a_card_that_wants_it_leads_to_the_bank_which_may_approve(browse: Browse, world: World, host: User) -> None:
    browser = _holding(browse, world, host)

    browser.send("Pay €35", payment_method="pm_card_authenticationRequired")
    assert browser.path.endswith("/authenticate")
    assert "Do you approve this payment?" in browser.text

    browser.send("Approve")
    assert "Your seats are yours." in browser.text


def test_a_refusal_at_the_bank_leaves_the_seats_held(browse: Browse, world: World, host: User, kit: Kit) -> None:
    browser = _holding(browse, world, host)
    booking_id = browser.path.rpartition("/")[2]
    browser.send("Pay €35", payment_method="pm_card_authenticationRequired")

    browser.send("Refuse")

    assert "The payment was refused. Your seats are still held" in browser.text
    assert "Held, not paid" in browser.text
    assert kit.service(PaymentService).live(booking_id) is None
    browser.send("Pay €35", payment_method="pm_card_visa")
    assert "Confirmed" in browser.text


def test_while_the_bank_waits_another_card_may_be_used(browse: Browse, world: World, host: User) -> None:
    browser = _holding(browse, world, host)
    page = browser.path
    browser.send("Pay €35", payment_method="pm_card_authenticationRequired")

    browser.open(page)
    assert "Your bank waits for you" in browser.text
    assert browser.links["Go to your bank"].endswith("/authenticate")
    browser.send("Pay €35", payment_method="pm_card_visa")

    assert "Confirmed" in browser.text


def test_an_unknown_payment_method_is_refused_in_words(browse: Browse, world: World, host: User) -> None:
    browser = _holding(browse, world, host)

    browser.send("Pay €35", payment_method="pm_made_up")

    assert browser.answer.status_code == 422
    assert "The payment method is not known." in browser.text


def test_seats_that_cost_nothing_are_confirmed_at_once(browse: Browse, world: World, host: User) -> None:
    event_id = world.event(host, price=Money(0, "EUR"))
    browser = browse(world.user())

    browser.open(f"/events/{event_id}")
    assert "free" in browser.text
    browser.send("Book", guests=1)

    assert "Confirmed" in browser.text


def test_a_form_that_is_sent_twice_makes_one_booking(browse: Browse, world: World, host: User, kit: Kit) -> None:
    guest = world.user()
    event_id = world.event(host)
    browser = browse(guest)
    browser.open(f"/events/{event_id}")

    first, second = browser.post("Hold my seats"), browser.post("Hold my seats")

    assert first.location == second.location
    assert len(kit.service(BookingService).page(guest.id, limit=5)) == 1


def test_nobody_gets_at_a_booking_by_sending_its_id_as_the_form_s(browse: Browse, world: World, host: User, kit: Kit) -> None:
    event_id = world.event(host)
    theirs = world.booked(world.user().id, event_id)
    guest = world.user()
    browser = browse(guest)
    browser.open(f"/events/{event_id}")

    browser.send("Hold my seats", operation=theirs)

    [mine] = kit.service(BookingService).page(guest.id, limit=5)
    assert mine.id != theirs
    assert mine.status == "held"


def test_a_payment_pays_for_one_booking_whatever_the_next_form_says(browse: Browse, world: World, host: User, kit: Kit) -> None:
    browser, operation, paid = browse(world.user()), new_id(), set()
    for event_id in (world.event(host), world.event(host)):
        browser.open(f"/events/{event_id}")
        browser.send("Hold my seats")
        browser.send("Pay €35", payment_method="pm_card_visa", operation=operation)
        assert "Confirmed" in browser.text
        payment = kit.service(PaymentService).live(browser.path.rpartition("/")[2])
        assert payment
        paid.add(payment.id)
    assert len(paid) == 2


@pytest.mark.parametrize("guests", ["0", "21", "00205", "0001" + "9" * 5_000, "-1", "two", "²"])
def test_a_party_has_as_many_guests_as_may_be(browse: Browse, world: World, host: User, guests: str) -> None:
    browser = browse(world.user())
    browser.open(f"/events/{world.event(host, seats=300)}")
    browser.send("Hold my seats", guests=guests)
    assert browser.answer.status_code == 422


def test_who_has_booked_is_led_to_the_booking(browse: Browse, world: World, host: User) -> None:
    guest = world.user()
    event_id = world.event(host, price=Money(0, "EUR"))
    booking_id = world.booked(guest.id, event_id)
    browser = browse(guest)

    browser.open(f"/events/{event_id}")

    assert browser.links["Your booking"] == f"/bookings/{booking_id}"
    assert "Book" not in browser.buttons


def test_seats_that_went_meanwhile_are_said_to_have_gone(browse: Browse, world: World, host: User) -> None:
    event_id = world.event(host, seats=2, table_size=_small(), price=Money(0, "EUR"))
    browser = browse(world.user())
    browser.open(f"/events/{event_id}")
    world.booked(world.user().id, event_id, 2)

    browser.send("Book")

    assert browser.answer.status_code == 409
    assert "No seats are left." in browser.text
    assert "Join the waiting list" in browser.buttons


def test_a_sold_out_dinner_has_a_waiting_list_to_join_and_leave(browse: Browse, world: World, host: User) -> None:
    event_id = world.event(host, seats=2, table_size=_small(), price=Money(0, "EUR"))
    world.booked(world.user().id, event_id, 2)
    browser = browse(world.user())

    browser.open(f"/events/{event_id}")
    assert "Sold out" in browser.text
    browser.send("Join the waiting list", guests=1)
    assert "Yours is number 1 on the waiting list." in browser.text

    browser.send("Leave the waiting list")
    assert "You are off the waiting list." in browser.text


def test_a_party_that_is_larger_than_what_is_left_can_wait(browse: Browse, world: World, host: User) -> None:
    event_id = world.event(host, seats=4, table_size=_small(), price=Money(0, "EUR"))
    world.booked(world.user().id, event_id, 2)
    browser = browse(world.user())
    browser.open(f"/events/{event_id}")

    browser.send("Join the waiting list", guests=3)

    assert "Yours is number 1 on the waiting list." in browser.text


def test_an_offer_that_costs_nothing_is_accepted(browse: Browse, world: World, host: User, kit: Kit) -> None:
    event_id = world.event(host, seats=2, table_size=_small(), price=Money(0, "EUR"))
    first, second = world.user(), world.user()
    taken = world.booked(first.id, event_id, 2)
    waiting = browse(second)
    waiting.open(f"/events/{event_id}")
    waiting.send("Join the waiting list", guests=2)
    kit.service(BookingService).cancel(first.id, taken)

    waiting.follow("My bookings")
    [offer] = kit.service(BookingService).page(second.id, limit=5)
    waiting.open(f"/bookings/{offer.id}")
    assert "Offered to you" in waiting.text
    waiting.send("Accept the offer")

    assert "Confirmed" in waiting.text


def test_what_cancelling_gives_back_is_said_before_it_is_done(browse: Browse, world: World, host: User) -> None:
    event_id = world.event(host, starts_at=utcnow() + timedelta(hours=5))
    browser = browse(world.user())
    browser.open(f"/events/{event_id}")
    browser.send("Hold my seats")
    page = browser.path

    browser.follow("Cancel this booking")
    assert "You have not paid, so there is nothing to give back." in browser.text
    browser.open(page)
    browser.send("Pay €35", payment_method="pm_card_visa")
    browser.follow("Cancel this booking")
    assert "It is too late for a refund: you get nothing back." in browser.text


def test_the_time_left_to_pay_is_said_in_words_and_for_scripts(browse: Browse, world: World, host: User) -> None:
    browser = _holding(browse, world, host)

    assert "Your seats are held for 10 minutes more." in browser.text
    assert re.search(rf'<time datetime="\d{{4}}-[^"]+Z" data-countdown="{browser.path}">', browser.html)


def _holding(browse: Browse, world: World, host: User) -> Browser:
    event_id = world.event(host)
    browser = browse(world.user())
    browser.open(f"/events/{event_id}")
    browser.send("Hold my seats")
    return browser


def _small() -> TableSize:
    return TableSize(2, 2)


def _user_of(kit: Kit, email: str) -> str:
    return str(kit.database.users.find_one({"email": email})["_id"])


@pytest.mark.parametrize("form", [Format.TABLE, Format.MATCH_NIGHT])
def test_only_where_guests_are_seated_a_table_is_promised(browse: Browse, world: World, host: User, form: Format) -> None:
    guest = world.user()
    booking = world.booked(guest.id, world.event(host, price=Money(0, "EUR"), format=form))
    browser = browse(guest)
    browser.open(f"/bookings/{booking}")
    assert ("Your table is shown here" in browser.text) == (form == Format.MATCH_NIGHT)
    assert ("sit where you like" in browser.text) == (form == Format.TABLE)
    assert browser.html.index("ticket.svg") < browser.html.index('<dl class="facts">')  # it is what is needed at the door

"""Bookings follow the tables that are published."""

from __future__ import annotations

import pytest

from dinnerkit import Kit
from dinnerkit.accounts.people import People
from dinnerkit.booking.companions import CompanionService
from dinnerkit.booking.service import BookingService
from dinnerkit.booking.store import BookingStore, Companion
from dinnerkit.booking.transferring import TransferService
from dinnerkit.events.service import EventService
from dinnerkit.ids import new_id
from dinnerkit.matching.app_errors import NoTableYet
from dinnerkit.matching.feedback.service import FeedbackService
from dinnerkit.matching.guest_list import GuestList
from dinnerkit.matching.people.items import TRAITS
from dinnerkit.matching.presenting import for_guest, for_host
from dinnerkit.matching.seatings import Place, Wishes, brought
from dinnerkit.matching.service import SeatingService
from dinnerkit.testing import run_background
from tests.matching.test_seatings import HOST, book, guests, kit, night, seatings

__all__ = ["kit", "seatings"]


def statuses(kit: Kit, bookings: list[str]) -> list[str]:
    found = [kit.service(BookingStore).find(booking) for booking in bookings]
    return [booking.status for booking in found if booking]


def published(kit: Kit, seatings: SeatingService, event: str, *, best_effort: bool = False) -> str:
    kit.clock.advance(minutes=1)  # type: ignore[attr-defined]
    asked = seatings.request(HOST, event, seating_id=new_id(), wishes=Wishes(best_effort=best_effort))
    run_background(kit)
    seatings.publish(HOST, event, asked.id)
    run_background(kit)
    return asked.id


def given_on(kit: Kit, giver: str, booking: str, taker: str) -> str:
    """The taker's booking, once they have got the seats of the giver's."""
    transfers, contact = kit.service(TransferService), kit.service(People).contact(taker)
    assert contact
    offered = transfers.offer(giver, booking, contact.email, transfer_id=new_id())
    taken = transfers.accept(taker, transfers.token(offered) or "")
    run_background(kit)
    return taken.id


def test_who_has_a_published_table_is_seated_and_who_comes_later_is_confirmed(kit: Kit, seatings: SeatingService) -> None:
    event = night(kit)
    users = guests(kit, *["en"] * 7)
    booked = book(kit, event, users[:6])
    seatings.request(HOST, event, seating_id=new_id())
    run_background(kit)
    assert statuses(kit, booked) == ["confirmed"] * 6, "nothing is published yet"

    published(kit, seatings, event)
    late = book(kit, event, users[6:])

    assert statuses(kit, [*booked, *late]) == ["seated"] * 6 + ["confirmed"]


def test_whom_a_later_seating_leaves_out_is_confirmed_again(kit: Kit, seatings: SeatingService) -> None:
    event = night(kit)
    booked = book(kit, event, guests(kit, *["en"] * 4))
    first = published(kit, seatings, event)
    alone = book(kit, event, guests(kit, "eu"))
    later = published(kit, seatings, event, best_effort=True)
    assert statuses(kit, [*booked, *alone]) == ["seated"] * 4 + ["confirmed"]

    kit.service(BookingStore).seat(event, {*booked, *alone})
    seatings.seat_bookings(event)
    assert statuses(kit, alone) == ["confirmed"], "the seating in force decides, whoever is asked"
    assert first != later


def test_who_is_seated_may_cancel_and_gets_a_table_no_more(kit: Kit, seatings: SeatingService) -> None:
    event = night(kit)
    users = guests(kit, *["en"] * 4)
    booked = book(kit, event, users)
    published(kit, seatings, event)
    bookings = kit.service(BookingService)
    assert seatings.table_of(bookings.get(users[0], booked[0])).places

    cancelled = bookings.cancel(users[0], booked[0])
    seatings.seat_bookings(event)

    assert statuses(kit, booked) == ["cancelled"] + ["seated"] * 3
    with pytest.raises(NoTableYet):
        seatings.table_of(cancelled)


def test_a_seating_published_while_another_is_carried_out_wins(kit: Kit, seatings: SeatingService, monkeypatch: pytest.MonkeyPatch) -> None:
    event = night(kit)
    booked = book(kit, event, guests(kit, *["en"] * 4))
    published(kit, seatings, event)
    alone = book(kit, event, guests(kit, "en", "en"))
    asked = seatings.request(HOST, event, seating_id=new_id())
    run_background(kit)
    kit.clock.advance(minutes=1)  # type: ignore[attr-defined]
    store = kit.service(BookingStore)
    seat, told = store.seat, []

    def publish_meanwhile(event_id: str, seated: set[str]) -> None:
        if not told:
            told.append(seatings.publish(HOST, event, asked.id))
        seat(event_id, seated)

    monkeypatch.setattr(store, "seat", publish_meanwhile)
    seatings.seat_bookings(event)
    assert statuses(kit, [*booked, *alone]) == ["seated"] * 6


def test_whoever_gets_the_seats_of_a_guest_gets_the_place_at_the_table(kit: Kit, seatings: SeatingService) -> None:
    event = night(kit)
    users = guests(kit, *["en"] * 5)
    booked = book(kit, event, users[:4])
    published(kit, seatings, event)
    before = seatings.table_of(kit.service(BookingService).get(users[0], booked[0]))
    taken = given_on(kit, users[0], booked[0], users[4])

    table = seatings.table_of(kit.service(BookingService).get(users[4], taken))
    assert [place.user for place in table.places] == [users[4] if place.user == users[0] else place.user for place in before.places]
    assert table.score == before.score
    assert statuses(kit, [booked[0], taken, *booked[1:]]) == ["transferred", "seated", "seated", "seated", "seated"]
    with pytest.raises(NoTableYet):
        seatings.table_of(kit.service(BookingService).get(users[0], booked[0]))


def test_those_whom_a_guest_brings_are_seated_by_what_they_told_and_called_by_their_names(kit: Kit, seatings: SeatingService) -> None:
    event = night(kit)
    users = guests(kit, *["en"] * 2)
    [alone] = book(kit, event, users[:1])
    party = kit.service(BookingService).reserve(users[1], event, 3, booking_id=new_id())
    companions = kit.service(CompanionService)
    companions.name(users[1], party.id, [Companion("Bea Brought", ("nuts",)), Companion("Carl Company")])
    traits = dict.fromkeys(TRAITS, 0.25)
    companions.answer(companions.link(users[1], party.id, 1).token, traits)

    bookings = [kit.service(BookingStore).find(name) for name in (alone, party.id)]
    found = [booking for booking in bookings if booking]
    places = [Place(booking.id, booking.user, number) for booking in found for number in range(booking.guests)]
    listed = GuestList(kit.database, kit.service(People), kit.service(FeedbackService))
    seated = {guest.id: guest for guest in listed.of(kit.service(EventService).event(event), places, brought(found))[0]}
    bea, carl = seated[f"{party.id}+1"], seated[f"{party.id}+2"]
    assert (bea.traits and bea.traits.as_dict(), bea.diets, bea.party) == (traits, frozenset({"nuts"}), party.id)
    assert (carl.traits, carl.party) == (None, party.id)

    published(kit, seatings, event)
    table = seatings.table_of(kit.service(BookingService).get(users[1], party.id))
    people = seatings.people_of(table.places)
    told = {guest["name"] for guest in for_guest(table, people, alone)["guests"]}
    assert {"Bea", "Carl"} <= told
    assert not {name for name in told if "Brought" in name or "Company" in name}
    [tables] = for_host(seatings.published(event) or pytest.fail("nothing is published"), people)["tables"]
    assert {f"Bea Brought, guest of {people[users[1]].name}", f"Carl Company, guest of {people[users[1]].name}"} <= {
        guest["name"] for guest in tables["guests"]
    }

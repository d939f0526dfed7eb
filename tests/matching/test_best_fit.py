"""Free seats go to the waiting party that suits the table which lost somebody, where the host wants that."""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import timedelta

import pytest

from dinnerkit import Kit
from dinnerkit.accounts.rules import Personality, Profile
from dinnerkit.accounts.service import AccountService, NewUser
from dinnerkit.booking.service import BookingService
from dinnerkit.booking.store import BookingStore
from dinnerkit.booking.waiting import WaitingList
from dinnerkit.errors import Conflict
from dinnerkit.events.rules import Format, WaitlistOrder
from dinnerkit.events.seat_holds import SeatHold
from dinnerkit.events.seat_rules import Waiting
from dinnerkit.events.seats import Seats
from dinnerkit.events.service import EventService
from dinnerkit.events.waitlist import Waitlist
from dinnerkit.ids import new_id
from dinnerkit.matching.best_fit import BestFit
from dinnerkit.matching.feedback.documents import FeedbackDocument
from dinnerkit.matching.people.items import TRAITS
from dinnerkit.matching.service import SeatingService
from dinnerkit.storage import to_row
from dinnerkit.testing import run_background
from tests.matching.test_seatings import HOST, kit, night

__all__ = ["kit"]

CHESS, OPERA = "chess", "opera"


def people(kit: Kit, *interests: str, language: str = "en", budget: str | None = None) -> list[str]:
    """Guests whose whole character is what they like."""
    users = [
        NewUser(
            email=f"{new_id()}@example.org",
            name="Some Guest",
            profile=replace(Profile(birth_year=1980, languages=(language,), interests=(interest,)), budget=budget),  # type: ignore[arg-type]
            personality=Personality(answers={"E1": 3}, traits=dict.fromkeys(TRAITS, 0.5)),
        )
        for interest in interests
    ]
    return kit.service(AccountService).import_users(users)


def full_night(
    kit: Kit, order: WaitlistOrder = WaitlistOrder.BEST_FIT, form: Format = Format.MATCH_NIGHT
) -> tuple[str, list[str], list[str]]:
    """A sold-out night of four chess players and four opera lovers, seated; the event, the players' bookings, the lovers'."""
    event = night(kit, smallest=4, largest=4)
    chosen = {"seats": 8, "table_size": kit.service(EventService).event(event).details.table_size, "waitlist_order": order, "format": form}
    kit.service(EventService).update(HOST, event, chosen)
    booked = [[reserve(kit, user, event) for user in people(kit, *[interest] * 4)] for interest in (CHESS, OPERA)]
    seatings = kit.service(SeatingService)
    seating = seatings.request(HOST, event, seating_id=new_id())
    run_background(kit)
    tables = [{place.booking for place in table.places} for table in seatings.get(HOST, event, seating.id).tables]
    assert sorted(map(sorted, tables)) == sorted(map(sorted, booked))
    return event, *booked


def reserve(kit: Kit, user: str, event: str, guests: int = 1) -> str:
    return kit.service(BookingService).reserve(user, event, guests, booking_id=new_id()).id


def leave(kit: Kit, booking: str) -> None:
    found = kit.service(BookingStore).find(booking)
    assert found
    kit.service(BookingService).cancel(found.user, booking)


def wait(kit: Kit, event: str, *users: str, guests: int = 1) -> None:
    for user in users:
        kit.service(WaitingList).join(event, user, guests)


def offered(kit: Kit, event: str) -> set[str]:
    return {booking.user for booking in kit.service(BookingStore).of_event(event, ("offered",))}


def test_the_table_that_lost_a_guest_gets_the_one_who_suits_it(kit: Kit) -> None:
    event, players, lovers = full_night(kit)
    first, second = people(kit, OPERA, CHESS)
    wait(kit, event, first, second)
    leave(kit, players[0])
    assert offered(kit, event) == {second}
    leave(kit, lovers[0])
    assert offered(kit, event) == {second, first}
    assert kit.service(Waitlist).waiting(event) == []


@pytest.mark.parametrize(("order", "form"), [(WaitlistOrder.FIRST_COME, Format.MATCH_NIGHT), (WaitlistOrder.BEST_FIT, Format.TABLE)])
def test_elsewhere_it_is_first_come_first_served(kit: Kit, order: WaitlistOrder, form: Format) -> None:
    event, players, _ = full_night(kit, order, form)
    first, second = people(kit, OPERA, CHESS)
    wait(kit, event, first, second)
    leave(kit, players[0])
    assert offered(kit, event) == {first}


def test_of_two_who_suit_alike_the_first_is_offered_the_seat(kit: Kit) -> None:
    event, players, _ = full_night(kit)
    alike = people(kit, CHESS, CHESS, CHESS)
    wait(kit, event, *alike)
    leave(kit, players[0])
    assert offered(kit, event) == {alike[0]}


def test_the_best_party_that_does_not_fit_is_passed_over(kit: Kit) -> None:
    event, players, _ = full_night(kit)
    large, small = people(kit, CHESS, OPERA)
    wait(kit, event, large, guests=2)
    wait(kit, event, small)
    leave(kit, players[0])
    assert offered(kit, event) == {small}


def test_whom_a_hard_rule_keeps_from_the_table_comes_last(kit: Kit) -> None:
    event, players, _ = full_night(kit)
    [stranger] = people(kit, CHESS, language="eu")
    [rich] = people(kit, CHESS, budget="high")
    [blocked] = people(kit, CHESS)
    [other] = people(kit, OPERA)
    store = kit.service(BookingStore)
    seated = [found for booking in players if (found := store.find(booking))]
    kit.database["users"].update_one({"_id": seated[1].user}, {"$set": {"profile.budget": "low"}})
    said = FeedbackDocument(id=new_id(), event=new_id(), user=seated[2].user, wishes=[{"user": blocked, "wish": "never"}], at=kit.clock())
    kit.database["feedback"].insert_one(to_row(said))
    wait(kit, event, stranger, rich, blocked, other)
    leave(kit, players[0])
    assert offered(kit, event) == {other}
    leave(kit, players[3])
    assert offered(kit, event) == {other, stranger}, "a seat is never left empty for want of somebody who suits"


def test_without_tables_the_whole_night_is_the_company(kit: Kit) -> None:
    event = night(kit, smallest=2, largest=4)
    kit.service(EventService).update(HOST, event, {"seats": 4, "waitlist_order": WaitlistOrder.BEST_FIT})
    booked = [reserve(kit, user, event) for user in people(kit, CHESS, CHESS, CHESS, OPERA)]
    first, second = people(kit, OPERA, CHESS)
    wait(kit, event, first, second)
    leave(kit, booked[3])
    assert offered(kit, event) == {second}


def test_the_choice_is_the_same_whenever_it_is_made_again(kit: Kit) -> None:
    event, players, _ = full_night(kit)
    users = people(kit, *[random.Random(number).choice([CHESS, OPERA]) for number in range(12)])
    parties = [Waiting(f"{number:024}", user, 1) for number, user in enumerate(users)]
    freed = SeatHold(event, players[0], players[0], "", 1, None)
    choose = kit.service(BestFit).order
    first = choose(event, freed, parties)
    assert [choose(event, freed, parties) for _ in range(3)] == [first] * 3
    assert sorted(first, key=lambda party: party.entry) == parties, "nobody is lost or made"


def test_a_choice_that_cannot_be_made_keeps_no_seat(kit: Kit, monkeypatch: pytest.MonkeyPatch) -> None:
    event, players, _ = full_night(kit)
    first, second = people(kit, OPERA, CHESS)
    wait(kit, event, first, second)

    def fail(_: str) -> None:
        raise Conflict("no")

    monkeypatch.setattr(kit.service(SeatingService), "last_made", fail)
    leave(kit, players[0])
    assert offered(kit, event) == {first}


def test_seats_that_a_host_adds_go_to_those_who_suit_the_night(kit: Kit) -> None:
    event, _, lovers = full_night(kit)
    for booking in lovers[:3]:
        leave(kit, booking)
    wait_for = people(kit, CHESS, CHESS, CHESS)
    for user in wait_for:
        reserve(kit, user, event)
    first, second = people(kit, OPERA, CHESS)
    wait(kit, event, first, second)
    kit.clock.now += timedelta(seconds=1)  # type: ignore[attr-defined]
    kit.service(EventService).update(HOST, event, {"seats": 9})
    assert [hold.user for hold in kit.service(Seats).offer_free(event)] == [second]

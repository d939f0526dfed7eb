"""The seating of an event's guests, from the host's wish to each guest's table."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from dinnerkit import Kit, Settings
from dinnerkit.accounts.rules import Personality, Profile
from dinnerkit.accounts.service import AccountService, NewUser
from dinnerkit.booking.service import BookingService
from dinnerkit.booking.store import BookingStore
from dinnerkit.events.errors import NotTheHost
from dinnerkit.events.rules import EventDetails, Format, Location, TableSize, Venue
from dinnerkit.events.service import EventService
from dinnerkit.identity import Principal, Role
from dinnerkit.ids import new_id
from dinnerkit.matching.app_errors import NobodyToSeat, NoSuchSeating, NoTableYet, SeatingFailed, SeatingNotDone
from dinnerkit.matching.computing import SeatingWork
from dinnerkit.matching.errors import RuleInvalid
from dinnerkit.matching.presenting import for_guest, for_host
from dinnerkit.matching.seating.telling import DISCREET
from dinnerkit.matching.seatings import Staying, Wishes
from dinnerkit.matching.service import SeatingService
from dinnerkit.money import Money
from dinnerkit.testing import StandingClock, run_background, settings_for_tests

HOST = Principal("host", Role.HOST)


@pytest.fixture
def kit(database_url: str, tmp_path: Path) -> Iterator[Kit]:
    with Kit.open(Settings(**settings_for_tests(database_url, tmp_path)), clock=StandingClock()) as kit:
        yield kit


@pytest.fixture
def seatings(kit: Kit) -> SeatingService:
    return kit.service(SeatingService)


def night(kit: Kit, *, smallest: int = 3, largest: int = 4) -> str:
    details = EventDetails(
        title="Match night",
        description="Strangers meet.",
        cuisine="Basque",
        starts_at=kit.clock() + timedelta(days=7),
        timezone="Europe/Madrid",
        city="Bilbao",
        venue=Venue("La Viña", "Calle 1", Location(43.26, -2.93)),
        seats=100,
        table_size=TableSize(smallest, largest),
        price=Money(0, "EUR"),
        format=Format.MATCH_NIGHT,
    )
    events = kit.service(EventService)
    return events.publish(HOST, events.create(HOST, details)["id"])["id"]


def guests(kit: Kit, *languages: str) -> list[str]:
    users = [
        NewUser(
            email=f"{new_id()}@example.org",
            name=f"Guest{number} Surname",
            profile=Profile(birth_year=1980 + number, languages=(language,), interests=("chess",)),
            personality=Personality(answers={"E1": 3}, traits=dict.fromkeys(TRAITS, 0.1 * (number % 10))),
        )
        for number, language in enumerate(languages)
    ]
    return kit.service(AccountService).import_users(users)


TRAITS = ("extraversion", "neuroticism", "agreeableness", "conscientiousness", "openness")


def book(kit: Kit, event: str, users: list[str], party: int = 1) -> list[str]:
    bookings = kit.service(BookingService)
    return [bookings.reserve(user, event, party, booking_id=new_id()).id for user in users]


def test_a_host_gets_tables_that_keep_the_size_and_the_language(kit: Kit, seatings: SeatingService) -> None:
    event = night(kit)
    booked = book(kit, event, guests(kit, *["en"] * 4, *["eu"] * 3))
    asked = seatings.request(HOST, event, seating_id=new_id(), wishes=Wishes(7))
    assert asked.status == "queued"
    run_background(kit)

    seating = seatings.get(HOST, event, asked.id)

    assert seating.status == "done"
    assert seating.seed == 7
    tables = [[place.booking for place in table.places] for table in seating.tables]
    assert sorted(map(len, tables)) == [3, 4]
    assert sorted(map(sorted, tables)) == sorted([sorted(booked[:4]), sorted(booked[4:])])
    for table in seating.tables:
        assert table.score == sum(points for _, _, points in table.reasons)
    assert seating.floor == min(table.score for table in seating.tables)


def test_the_best_score_so_far_is_told_and_kept_while_the_tables_are_made(
    kit: Kit, seatings: SeatingService, monkeypatch: pytest.MonkeyPatch
) -> None:
    event = night(kit)
    book(kit, event, guests(kit, *["es"] * 12))
    seating = seatings.request(HOST, event, seating_id=new_id())
    work, told, kept = kit.service(SeatingWork), [], []

    def tell(_: str, state: Mapping[str, Any]) -> None:
        told.append(state.get("best"))
        kept.append(seatings.runs(HOST, event, limit=1)[0].best)

    monkeypatch.setattr("dinnerkit.matching.computing._TELL_SECONDS", 0.0)
    monkeypatch.setattr("dinnerkit.matching.computing._NOTE_SECONDS", 0.0)
    monkeypatch.setattr(work, "_tell", tell)
    work.compute(seating.id)
    *bests, last = told
    assert bests == sorted(bests)
    assert bests == kept[:-1]
    assert bests[-1] == pytest.approx(seatings.get(HOST, event, seating.id).score, abs=0.2)
    assert last is kept[-1] is None


def test_a_party_sits_together_with_those_it_brings(kit: Kit, seatings: SeatingService) -> None:
    event = night(kit)
    [pair] = book(kit, event, guests(kit, "en"), party=2)
    book(kit, event, guests(kit, *["en"] * 6))
    asked = seatings.request(HOST, event, seating_id=new_id())
    run_background(kit)

    tables = seatings.get(HOST, event, asked.id).tables

    assert sum(len(table.places) for table in tables) == 8
    [theirs] = [table for table in tables if any(place.booking == pair for place in table.places)]
    assert sorted(place.companion for place in theirs.places if place.booking == pair) == [0, 1]


def test_a_guest_sees_the_table_only_once_it_is_published(kit: Kit, seatings: SeatingService) -> None:
    event = night(kit)
    users = guests(kit, *["en"] * 4)
    ids = book(kit, event, users)
    asked = seatings.request(HOST, event, seating_id=new_id())
    run_background(kit)
    booking = kit.service(BookingService).get(users[0], ids[0])
    with pytest.raises(NoTableYet):
        seatings.table_of(booking)

    seatings.publish(HOST, event, asked.id)
    table = seatings.table_of(booking)
    shown = for_guest(table, seatings.people_of(table.places), booking.id)

    assert sorted(guest["name"] for guest in shown["guests"]) == ["Guest0", "Guest1", "Guest2", "Guest3"]
    assert [guest["name"] for guest in shown["guests"] if guest["me"]] == ["Guest0"]


def test_what_a_guest_reads_has_no_figure_that_tells_of_another(kit: Kit, seatings: SeatingService) -> None:
    large, small = night(kit), night(kit, smallest=2, largest=2)
    users = guests(kit, *["en"] * 4)
    shown = []
    for event in (large, small):
        ids = book(kit, event, users)
        asked = seatings.request(HOST, event, seating_id=new_id())
        run_background(kit)
        seatings.publish(HOST, event, asked.id)
        table = seatings.table_of(kit.service(BookingService).get(users[0], ids[0]))
        shown.append(for_guest(table, seatings.people_of(table.places), ids[0]))

    of_four, of_two = shown
    assert isinstance(of_four["score"], int)
    assert {frozenset(reason) for reason in of_four["reasons"]} == {frozenset({"text"})}
    assert (of_two["score"], of_two["reasons"]) == (None, [{"text": DISCREET}])


def test_whom_a_guest_brings_are_no_company_to_hide_another_in(kit: Kit, seatings: SeatingService) -> None:
    event = night(kit)
    users = guests(kit, *["en"] * 2)
    [alone] = book(kit, event, users[:1])
    [party] = book(kit, event, users[1:], party=3)
    asked = seatings.request(HOST, event, seating_id=new_id())
    run_background(kit)
    [table] = seatings.publish(HOST, event, asked.id).tables
    people = seatings.people_of(table.places)
    # Who has answered for their two guests could tell the fourth one's answers.
    shown = for_guest(table, people, party)
    assert (shown["score"], shown["reasons"]) == (None, [{"text": DISCREET}])
    shown = for_guest(table, people, alone)
    assert shown["score"] == round(table.score)
    assert shown["reasons"] != [{"text": DISCREET}]


def test_publishing_tells_every_guest_by_mail(kit: Kit, seatings: SeatingService, tmp_path: Path) -> None:
    event = night(kit)
    book(kit, event, guests(kit, *["en"] * 4))
    asked = seatings.request(HOST, event, seating_id=new_id())
    run_background(kit)
    before = set((tmp_path / "mail").iterdir())

    seatings.publish(HOST, event, asked.id)
    run_background(kit)

    mails = [path.read_text() for path in set((tmp_path / "mail").iterdir()) - before]
    assert len(mails) == 4
    assert all("Your table at Match night" in mail for mail in mails)


def test_a_host_keeps_some_tables_and_has_the_others_made_anew(kit: Kit, seatings: SeatingService) -> None:
    event = night(kit)
    users = guests(kit, *["en"] * 12)
    book(kit, event, users)
    first = seatings.request(HOST, event, seating_id=new_id(), wishes=Wishes(1)).id
    run_background(kit)
    before = [{place.booking for place in table.places} for table in seatings.get(HOST, event, first).tables]
    gone = next(iter(before[2]))
    kit.service(BookingService).cancel(kit.service(BookingStore).find(gone).user, gone)  # type: ignore[union-attr]

    asked = seatings.request(HOST, event, seating_id=new_id(), wishes=Wishes(9, keep=Staying(first, frozenset({1, 3}))))
    run_background(kit)

    after = [{place.booking for place in table.places} for table in seatings.get(HOST, event, asked.id).tables]
    assert before[0] in after
    assert before[2] - {gone} in after
    assert set().union(*after) == set().union(*before) - {gone}


def test_a_table_that_is_kept_and_has_become_too_small_is_told_to_the_host(kit: Kit, seatings: SeatingService) -> None:
    event = night(kit)
    book(kit, event, guests(kit, *["en"] * 6))
    first = seatings.request(HOST, event, seating_id=new_id(), wishes=Wishes(1)).id
    run_background(kit)
    gone = seatings.get(HOST, event, first).tables[0].places[0].booking
    kit.service(BookingService).cancel(kit.service(BookingStore).find(gone).user, gone)  # type: ignore[union-attr]

    asked = seatings.request(HOST, event, seating_id=new_id(), wishes=Wishes(keep=Staying(first, frozenset({1, 2}))))
    run_background(kit)

    seating = seatings.get(HOST, event, asked.id)
    (small,) = [number for number, table in enumerate(seating.tables, 1) if len(table.places) == 2]
    assert seating.broken == ((small, f"table {small} has 2 guests, not 3–4"),)
    assert for_host(seating, {})["broken"] == [{"table": small, "reason": seating.broken[0][1]}]


def test_tables_to_keep_must_be_there(kit: Kit, seatings: SeatingService) -> None:
    event = night(kit)
    book(kit, event, guests(kit, *["en"] * 6))
    with pytest.raises(NoSuchSeating):
        seatings.request(HOST, event, seating_id=new_id(), wishes=Wishes(keep=Staying(new_id(), frozenset({1}))))
    first = seatings.request(HOST, event, seating_id=new_id()).id
    run_background(kit)
    with pytest.raises(RuleInvalid, match="no table 7"):
        seatings.request(HOST, event, seating_id=new_id(), wishes=Wishes(keep=Staying(first, frozenset({7}))))


def test_tables_are_kept_or_mended_and_not_both(kit: Kit, seatings: SeatingService) -> None:
    event = night(kit)
    book(kit, event, guests(kit, *["en"] * 6))
    first = seatings.request(HOST, event, seating_id=new_id()).id
    with pytest.raises(SeatingNotDone):
        seatings.request(HOST, event, seating_id=new_id(), wishes=Wishes(mend=(first, 0)))
    with pytest.raises(RuleInvalid, match="either keep tables"):
        seatings.request(HOST, event, seating_id=new_id(), wishes=Wishes(keep=Staying(first, frozenset({1})), mend=(first, 0)))


def test_tables_below_the_floor_are_told_with_what_keeps_them_there(kit: Kit, seatings: SeatingService) -> None:
    event = night(kit)
    book(kit, event, guests(kit, *["en"] * 8))
    asked = seatings.request(HOST, event, seating_id=new_id(), wishes=Wishes(least=100.0))
    run_background(kit)

    seating = seatings.get(HOST, event, asked.id)

    assert seating.below
    for number, reason in seating.below:
        assert seating.tables[number - 1].score < 100
        assert "below the floor" in reason


def test_the_seating_that_was_published_last_is_in_force(kit: Kit, seatings: SeatingService) -> None:
    event = night(kit)
    book(kit, event, guests(kit, *["en"] * 8))
    first = seatings.request(HOST, event, seating_id=new_id(), wishes=Wishes(1))
    second = seatings.request(HOST, event, seating_id=new_id(), wishes=Wishes(2))
    run_background(kit)

    for seating in (second, first):
        kit.clock.advance(minutes=1)  # type: ignore[attr-defined]
        seatings.publish(HOST, event, seating.id)

    published = seatings.published(event)
    assert published is not None
    assert published.id == first.id


def test_those_who_met_are_seated_apart_where_that_can_be(kit: Kit, seatings: SeatingService) -> None:
    users = guests(kit, *["en"] * 8)
    met: list[set[str]] = []
    for evening in range(2):
        event = night(kit, smallest=2, largest=2)
        book(kit, event, users)
        asked = seatings.request(HOST, event, seating_id=new_id(), wishes=Wishes(evening))
        run_background(kit)
        seatings.publish(HOST, event, asked.id)
        tables = seatings.get(HOST, event, asked.id).tables
        pairs = [{place.user for place in table.places} for table in tables]
        assert not [pair for pair in pairs if pair in met]
        met += pairs


def test_rules_that_cannot_be_met_are_told_with_whom_they_leave_out(kit: Kit, seatings: SeatingService) -> None:
    event = night(kit)
    booked = book(kit, event, guests(kit, *["en"] * 3, "eu"))
    asked = seatings.request(HOST, event, seating_id=new_id())
    run_background(kit)

    with pytest.raises(SeatingFailed) as failure:
        seatings.tables_or_why(seatings.get(HOST, event, asked.id))

    assert booked[3] in str(failure.value.details)
    with pytest.raises(SeatingNotDone):
        seatings.publish(HOST, event, asked.id)


def test_the_best_effort_seats_the_others_and_says_who_is_left(kit: Kit, seatings: SeatingService) -> None:
    event = night(kit)
    booked = book(kit, event, guests(kit, *["en"] * 3, "eu"))
    asked = seatings.request(HOST, event, seating_id=new_id(), wishes=Wishes(best_effort=True))
    run_background(kit)

    seating = seatings.get(HOST, event, asked.id)

    assert [place.booking for place, _ in seating.unseated] == [booked[3]]
    (left,) = for_host(seating, seatings.people_of(seating.places))["unseated"]
    assert left["name"] == "Guest3 Surname"
    assert left["reason"] == "guest Guest3 Surname shares no language with anyone"


def test_asking_twice_under_one_id_asks_once(kit: Kit, seatings: SeatingService) -> None:
    event = night(kit)
    book(kit, event, guests(kit, *["en"] * 4))
    seating_id = new_id()

    assert seatings.request(HOST, event, seating_id=seating_id).id == seatings.request(HOST, event, seating_id=seating_id).id


def test_only_the_host_asks_sees_and_publishes(kit: Kit, seatings: SeatingService) -> None:
    event = night(kit)
    book(kit, event, guests(kit, *["en"] * 4))
    asked = seatings.request(HOST, event, seating_id=new_id())
    other = Principal("other", Role.HOST)
    for attempt in (
        lambda: seatings.request(other, event, seating_id=new_id()),
        lambda: seatings.get(other, event, asked.id),
        lambda: seatings.publish(other, event, asked.id),
    ):
        with pytest.raises(NotTheHost):
            attempt()
    with pytest.raises(NoSuchSeating):
        seatings.get(HOST, night(kit), asked.id)


def test_an_event_without_guests_has_nobody_to_seat(kit: Kit, seatings: SeatingService) -> None:
    with pytest.raises(NobodyToSeat):
        seatings.request(HOST, night(kit), seating_id=new_id())

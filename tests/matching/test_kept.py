"""People whom a host keeps while the others are seated anew."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dinnerkit import Kit
from dinnerkit.booking.service import BookingService
from dinnerkit.booking.store import BookingStore
from dinnerkit.events.errors import NotTheHost
from dinnerkit.identity import Principal, Role
from dinnerkit.ids import new_id
from dinnerkit.matching import Locks, Seating, carrying_out, seat
from dinnerkit.matching.app_errors import NoSuchSeating
from dinnerkit.matching.computing import SeatingWork
from dinnerkit.matching.errors import RuleInvalid
from dinnerkit.matching.seatings import MOST_KEPT, Place, Staying, StoredSeating, Wishes
from dinnerkit.matching.service import SeatingService
from tests.matching.test_seated import given_on
from tests.matching.test_seatings import HOST, book, guests, kit, night, seatings

__all__ = ["kit", "seatings"]


def made(kit: Kit, event: str, wishes: Wishes) -> StoredSeating:
    seatings = kit.service(SeatingService)
    asked = seatings.request(HOST, event, seating_id=new_id(), wishes=wishes)
    kit.service(SeatingWork).compute(asked.id)
    return seatings.get(HOST, event, asked.id)


def tables(seating: StoredSeating) -> list[set[str]]:
    return [{place.guest_id for place in table.places} for table in seating.tables]


def mixed(kit: Kit, seating: StoredSeating, places: Sequence[Place]) -> StoredSeating:
    """The seating with tables of three of these. Of so few guests the best tables would be made again without anybody's being kept."""
    rows = [{"places": [asdict(place) for place in places[at : at + 3]], "score": 1.0, "reasons": []} for at in range(0, len(places), 3)]
    kit.database["seatings"].update_one({"_id": seating.id}, {"$set": {"tables": rows}})
    return kit.service(SeatingService).get(HOST, seating.event, seating.id)


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(data=st.data())
def test_those_who_are_kept_share_a_table_with_exactly_those_of_them_who_did(kit: Kit, data: st.DataObject) -> None:
    event = night(kit, smallest=3, largest=3)
    book(kit, event, guests(kit, *["en"] * 9))
    first = made(kit, event, Wishes())
    before = tables(mixed(kit, first, data.draw(st.permutations(first.places), label="earlier tables")))
    people = data.draw(st.frozensets(st.sampled_from(sorted(set().union(*before)))), label="guests")
    whole = data.draw(st.frozensets(st.integers(1, 3), max_size=1), label="tables")

    after = tables(made(kit, event, Wishes(keep=Staying(first.id, whole, people))))

    assert set().union(*after) == set().union(*before)
    assert all(before[number - 1] in after for number in whole)
    companies = [{frozenset(table & people) for table in found if table & people} for found in (before, after)]
    assert companies[0] == companies[1]


def test_others_may_join_those_who_are_kept(kit: Kit) -> None:
    event = night(kit, smallest=3, largest=3)
    book(kit, event, guests(kit, *["en"] * 9))
    best = made(kit, event, Wishes())
    first = mixed(kit, best, best.places[::3] + best.places[1::3] + best.places[2::3])
    pair = frozenset(place.guest_id for place in first.tables[0].places[:2])

    after = tables(made(kit, event, Wishes(keep=Staying(first.id, guests=pair))))

    assert [len(table) for table in after if pair <= table] == [3]
    assert tables(first)[0] not in after


def test_the_same_wish_makes_the_same_tables_again(kit: Kit) -> None:
    event = night(kit)
    book(kit, event, guests(kit, *["en"] * 12))
    first = made(kit, event, Wishes(1))
    wish = Wishes(4, keep=Staying(first.id, frozenset({2}), frozenset(sorted(tables(first)[0])[:2])))

    assert tables(made(kit, event, wish)) == tables(made(kit, event, wish))


def test_who_cancelled_since_is_passed_over_and_who_got_their_seats_is_kept_in_their_place(kit: Kit) -> None:
    event = night(kit)
    book(kit, event, guests(kit, *["en"] * 9))
    best = made(kit, event, Wishes())
    first = mixed(kit, best, best.places[::3] + best.places[1::3] + best.places[2::3])
    gone, passed_on, *stay = first.tables[0].places
    kit.service(BookingService).cancel(gone.user, gone.booking)
    [taker] = guests(kit, "en")
    got = given_on(kit, passed_on.user, passed_on.booking, taker)
    people = {got, *(place.guest_id for place in stay)}

    after = tables(made(kit, event, Wishes(3, keep=Staying(first.id, guests=frozenset({gone.guest_id, *people})))))

    assert any(people <= table for table in after)
    assert gone.guest_id not in set().union(*after)
    with pytest.raises(RuleInvalid) as refused:
        made(kit, event, Wishes(keep=Staying(first.id, guests=frozenset({passed_on.guest_id}))))
    assert refused.value.details == {"guests": [passed_on.guest_id]}


@pytest.mark.parametrize("one_by_one", [True, False])
def test_whose_seats_are_given_on_while_it_is_waited_for_is_kept_in_the_person_of_who_got_them(kit: Kit, *, one_by_one: bool) -> None:
    event = night(kit, smallest=3, largest=3)
    book(kit, event, guests(kit, *["en"] * 7))
    book(kit, event, guests(kit, "en"), party=2)
    best = made(kit, event, Wishes())
    pair = [place for place in best.places if sum(place.booking == other.booking for other in best.places) > 1]
    theirs = next(table for table in tables(best) if pair[0].guest_id in table)
    alone = sorted((place for place in best.places if place not in pair), key=lambda place: place.guest_id in theirs)
    first = mixed(kit, best, [alone[0], *pair, *alone[1:]])
    staying = Staying(first.id, guests=frozenset(tables(first)[0])) if one_by_one else Staying(first.id, frozenset({1}))
    seatings = kit.service(SeatingService)
    asked = seatings.request(HOST, event, seating_id=new_id(), wishes=Wishes(3, keep=staying))
    [taker] = guests(kit, "en")

    got = given_on(kit, pair[0].user, pair[0].booking, taker)

    assert {alone[0].guest_id, got, f"{got}+1"} in tables(seatings.get(HOST, event, asked.id))


def test_the_tables_of_the_earlier_seating_are_where_the_search_begins(kit: Kit, monkeypatch: pytest.MonkeyPatch) -> None:
    event = night(kit)
    book(kit, event, guests(kit, *["en"] * 9))
    first = made(kit, event, Wishes())
    begun: list[Locks] = []

    def noted(*told: Any, locked: Locks, **more: Any) -> Seating:
        begun.append(locked)
        return seat(*told, locked=locked, **more)

    monkeypatch.setattr(carrying_out, "seat", noted)
    for staying in (Staying(first.id, frozenset({1})), Staying(first.id, guests=frozenset(sorted(tables(first)[1])[:2]))):
        made(kit, event, Wishes(keep=staying))
    made(kit, event, Wishes())

    assert [list(locks.before) for locks in begun] == [tables(first), tables(first), []]


def test_only_those_can_be_kept_who_had_a_table_there(kit: Kit) -> None:
    event = night(kit)
    *_, alone = book(kit, event, guests(kit, *["en"] * 6, "eu"))
    first = made(kit, event, Wishes(best_effort=True))
    assert [place.booking for place, _ in first.unseated] == [alone]
    there = first.tables[0].places[0].guest_id

    for missing in (alone, new_id(), f"{there}+1", "nobody"):
        with pytest.raises(RuleInvalid, match="not all of the guests to keep have a table") as refused:
            made(kit, event, Wishes(keep=Staying(first.id, guests=frozenset({there, missing}))))
        assert refused.value.details == {"guests": [missing]}
    with pytest.raises(RuleInvalid, match="at most 1000 guests"):
        made(kit, event, Wishes(keep=Staying(first.id, guests=frozenset(map(str, range(MOST_KEPT + 1))))))


def test_only_the_host_keeps_people_and_only_of_a_seating_of_that_dinner(kit: Kit) -> None:
    event, other = night(kit), night(kit)
    for one in (event, other):
        book(kit, one, guests(kit, *["en"] * 6))
    first = made(kit, event, Wishes(1))
    wishes = Wishes(keep=Staying(first.id, guests=frozenset({first.tables[0].places[0].guest_id})))
    stranger, seatings = Principal("other", Role.HOST), kit.service(SeatingService)

    with pytest.raises(NotTheHost):
        seatings.request(stranger, event, seating_id=new_id(), wishes=wishes)
    with pytest.raises(NoSuchSeating):
        seatings.request(HOST, other, seating_id=new_id(), wishes=wishes)


def test_a_seating_that_was_asked_for_before_people_could_be_kept_is_made(kit: Kit, seatings: SeatingService) -> None:
    event = night(kit)
    book(kit, event, guests(kit, *["en"] * 8))
    first = made(kit, event, Wishes(1))
    asked = seatings.request(HOST, event, seating_id=new_id(), wishes=Wishes(2, keep=Staying(first.id, frozenset({1}))))
    kit.database["seatings"].update_one({"_id": asked.id}, {"$unset": {"locked_guests": ""}})

    kit.service(SeatingWork).compute(asked.id)

    assert tables(first)[0] in tables(seatings.get(HOST, event, asked.id))


def test_tables_with_people_kept_are_published_and_compared_as_any(kit: Kit, seatings: SeatingService) -> None:
    event = night(kit)
    booked = book(kit, event, guests(kit, *["en"] * 12))
    first = made(kit, event, Wishes(1))
    seatings.publish(HOST, event, first.id)
    pair = frozenset(sorted(tables(first)[0])[:2])
    again = made(kit, event, Wishes(5, keep=Staying(first.id, frozenset({2}), pair)))

    change = seatings.compare(HOST, event, first.id, again.id)
    kit.clock.advance(minutes=1)  # type: ignore[attr-defined]
    seatings.publish(HOST, event, again.id)

    assert change.kept_tables >= 1
    assert (change.joined, change.left) == ((), ())
    booking = kit.service(BookingStore).find(booked[0])
    assert booking
    assert {place.booking for place in seatings.table_of(booking).places} in tables(again)

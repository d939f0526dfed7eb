"""What guests read of their bookings: each the own ones, as they are by then, whoever else asks at the same moment."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dinnerkit.booking.errors import NoSuchBooking
from dinnerkit.booking.presenting import presented
from dinnerkit.booking.reading import BookingReader, _Wanted, encoded
from dinnerkit.booking.rules import STATUSES
from dinnerkit.http.json_bytes import to_json
from dinnerkit.http.paging import BadCursor, encode_cursor
from dinnerkit.ids import new_id
from tests.booking.world import NOW, World

USERS = ("ada", "ben", "cleo")
moments = st.integers(0, 10**6).map(lambda seconds: NOW + timedelta(seconds=seconds))
amounts = st.integers(0, 10**6)


@pytest.fixture
def reader(world: World) -> BookingReader:
    return world.kit.service(BookingReader)


def of_the_store(world: World, user: str, limit: int = 20, before: str | None = None) -> bytes:
    """A page, made of each booking as it is read anew."""
    found = world.bookings.page(user, limit=limit + 1, before=before)
    positions = world.waitlist.positions(user, found[:limit])
    further = encode_cursor(found[limit - 1].id) if len(found) > limit else None
    return to_json({"items": [presented(booking, positions.get(booking.id)) for booking in found[:limit]], "next": further})


stored = st.fixed_dictionaries(
    {
        "user": st.sampled_from(USERS),
        "guests": st.integers(1, 6),
        "status": st.sampled_from(sorted(STATUSES - {"waitlisted"})),
        "amount": amounts,
        "currency": st.sampled_from(["EUR", "JPY"]),
        "refund_policy": st.sampled_from([{}, {"full_until_hours": 24, "late_percent": 50, "late_until_hours": 2, "late_fee": None}]),
        "companions": st.lists(
            st.fixed_dictionaries(
                {"name": st.text(max_size=5)},
                optional={"diets": st.lists(st.sampled_from(["vegan"]), max_size=1), "traits": st.just({"openness": 0.5})},
            ),
            max_size=2,
        ),
    },
    optional={
        "deposit": amounts,
        "discount": amounts,
        "refund": amounts,
        "refund_if_resold": amounts,
        "payment": st.just("p"),
        "expires_at": moments,
        "free_until": moments,
        "deposit_released_at": moments,
        "remind_at": moments,
        "transfer": st.just({"id": "t", "email": "eve@example.org", "email_key": "eve@example.org", "at": NOW}),
        "cancelled_by": st.sampled_from(["guest", "host"]),
    },
)


def fill(world: World, rows: list[dict[str, Any]]) -> None:
    about = {"title": "Soup – \u2028", "starts_at": NOW, "timezone": "Europe/Lisbon", "city": "Lisbon", "venue": {"name": "Zé"}}
    usual = {"event": new_id(), "hold": "h", "about": about, "created_at": NOW, "updated_at": NOW, "outbox": []}
    bookings = world.kit.database["bookings"]
    bookings.delete_many({})
    if rows:
        bookings.insert_many([{"_id": new_id()} | usual | row for row in rows])


@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(rows=st.lists(stored, max_size=12), limit=st.integers(1, 4))
def test_each_guest_reads_the_own_bookings_alone_or_together_with_others(
    world: World, reader: BookingReader, rows: list[dict[str, Any]], limit: int
) -> None:
    fill(world, rows)
    wanted, expected = [], []
    for user in (*USERS, "nobody"):
        before: str | None = None
        for _ in range(3):
            page = reader.page(user, limit, encode_cursor(before) if before else None)
            assert page == of_the_store(world, user, limit, before)
            ids = [booking.id for booking in world.bookings.page(user, limit=limit + 1, before=before)]
            wanted.append(_Wanted(user, limit + 1, before=before))
            expected.append(ids)
            wanted += [_Wanted(other, 1, booking=booking_id) for booking_id in ids for other in (user, "eve")]
            expected += [found for booking_id in ids for found in ([booking_id], [])]
            before = ids[min(limit, len(ids)) - 1] if ids else before
    together = reader._finds.read(0, wanted)
    assert [[one.id for one in found] for found in together] == expected
    assert together == [reader._finds.alone(one) for one in wanted]


def test_a_booking_is_written_once_for_as_long_as_it_stays_the_same(world: World, reader: BookingReader) -> None:
    booking, _ = [world.reserve("ada", world.host_dinner(seats=6)) for _ in range(2)]
    reader.page("ada", 20, None)
    written = encoded.cache_info().misses
    world.bookings.cancel("ada", booking.id)

    for _ in range(2):
        statuses = [item["status"] for item in orjson.loads(reader.page("ada", 20, None))["items"]]
        assert statuses == ["held", "cancelled"]
        assert orjson.loads(reader.one("ada", booking.id))["status"] == "cancelled"
    assert encoded.cache_info().misses == written + 1


def test_who_waits_is_told_where_each_time(world: World, reader: BookingReader) -> None:
    event = world.host_dinner(seats=1)
    world.reserve("ada", event)
    for user in ("ben", "cleo"):
        world.waitlist.join(event, user, 1)
    other = world.reserve("cleo", world.host_dinner(seats=6))

    def positions() -> list[int | None]:
        return [item["position"] for item in orjson.loads(reader.page("cleo", 20, None))["items"]]

    mine = world.bookings.page("cleo", limit=5)[-1]
    assert positions() == [None, 2]
    assert reader.page("cleo", 20, None) == of_the_store(world, "cleo")
    assert orjson.loads(reader.one("cleo", mine.id))["position"] == 2
    world.waitlist.leave(event, "ben")
    assert positions() == [None, 1]
    assert orjson.loads(reader.one("cleo", mine.id))["position"] == 1
    assert orjson.loads(reader.one("cleo", other.id))["position"] is None


def test_a_booking_whose_time_is_over_is_shown_to_have_ended(world: World, reader: BookingReader) -> None:
    event = world.host_dinner(seats=1)
    booking = world.reserve("ada", event)
    assert orjson.loads(reader.one("ada", booking.id))["status"] == "held"
    world.clock.advance(minutes=10)
    assert orjson.loads(reader.one("ada", booking.id))["status"] == "expired"
    world.reserve("ben", event)


def test_nobody_reads_what_is_somebody_elses_or_not_there(world: World, reader: BookingReader) -> None:
    booking = world.reserve("ada", world.host_dinner(seats=6))
    for user, booking_id in (("ben", booking.id), ("ada", new_id())):
        with pytest.raises(NoSuchBooking):
            reader.one(user, booking_id)


def test_a_cursor_of_another_list_is_refused(reader: BookingReader) -> None:
    with pytest.raises(BadCursor):
        reader.page("ada", 20, encode_cursor("starts_at", 1))


def test_what_is_read_together_is_served_by_indexes(world: World, reader: BookingReader) -> None:
    fill(world, [{"user": f"user-{number % 50}", "guests": 1, "status": "confirmed"} for number in range(1000)])
    [some] = list(world.kit.database["bookings"].find({"user": "user-7"}).sort("_id", 1).limit(1))
    for wanted in (_Wanted("user-7", 21), _Wanted("user-7", 21, before=some["_id"]), _Wanted("user-7", 1, booking=some["_id"])):
        union = [{"$match": {"_id": "none"}}, {"$unionWith": {"coll": "bookings", "pipeline": wanted.find().stages(1)}}]
        command = {"aggregate": "bookings", "pipeline": union, "cursor": {}}
        found = list(stages_of(world.kit.database._database.command("explain", command, verbosity="queryPlanner")))
        assert {"COLLSCAN", "SORT"}.isdisjoint(found)
        assert len(found) >= 2


def stages_of(plan: Any) -> Iterator[str]:
    """Of the plans that were chosen."""
    if isinstance(plan, dict):
        if "stage" in plan:
            yield plan["stage"]
        for name, value in plan.items():
            if name != "rejectedPlans":
                yield from stages_of(value)
    elif isinstance(plan, list):
        for value in plan:
            yield from stages_of(value)

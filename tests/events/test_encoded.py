from __future__ import annotations

from typing import Any

import bson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pymongo.database import Database

from dinnerkit.events.documents import EventDocument
from dinnerkit.events.encoded import encoded
from dinnerkit.events.listing import EventQuery
from dinnerkit.events.service import EventService
from dinnerkit.identity import Principal
from dinnerkit.joint_finds import documents
from dinnerkit.storage import collection

rows = st.dictionaries(st.sampled_from("abc"), st.text(max_size=5) | st.none(), max_size=3)


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(st.lists(rows, max_size=3), max_size=3))
def test_batches_come_apart_into_the_documents_that_they_were_made_of(batches: list[list[dict[str, Any]]]) -> None:
    sent = [b"".join(map(bson.encode, batch)) for batch in batches]

    assert [bson.decode(document) for document in documents(sent)] == [document for batch in batches for document in batch]


def test_what_is_remembered_of_an_event_can_not_be_changed(events: EventService, publish: Any) -> None:
    publish()
    [event] = events.upcoming_encoded(EventQuery())["items"]

    with pytest.raises(TypeError):
        event.row["title"] = "another"  # type: ignore[index]


def test_an_event_is_written_once_for_as_long_as_it_stays_the_same(
    events: EventService, publish: Any, database: Database[dict[str, Any]]
) -> None:
    seats = [publish(title=title) for title in ("soup", "bread")]
    before = events.upcoming_encoded(EventQuery())["items"]

    collection(database, EventDocument).update_one({"_id": seats[0]}, {"$inc": {"seats_left": -1}})
    written = encoded.cache_info().misses
    after = events.upcoming_encoded(EventQuery())["items"]

    assert [event.row["seats_left"] for event in after] == [before[0].row["seats_left"] - 1, before[1].row["seats_left"]]
    assert b'"seats_left":%d' % after[0].row["seats_left"] in after[0].json
    assert encoded.cache_info().misses == written + 1


def test_events_that_were_made_before_there_was_all_of_this_are_shown_complete(
    events: EventService, publish: Any, host: Principal, database: Database[dict[str, Any]]
) -> None:
    event_id = publish()
    whole = events.get(event_id)
    gone = ["waitlist_order", "deposit", "photo", "changes_until_hours", "refund_policy.late_fee", "refund_policy.late_only_if_resold"]
    collection(database, EventDocument).update_one({"_id": event_id}, {"$unset": dict.fromkeys(gone, "")})

    assert events.get(event_id) == events.shown(event_id) == whole
    summary = {name: value for name, value in whole.items() if name != "description"}
    assert events.upcoming(EventQuery())["items"] == events.hosted(host)["items"] == [*events.listed([event_id]).values()] == [summary]
    assert [event.row for event in events.upcoming_encoded(EventQuery())["items"]] == [summary]
    nulls = {"waitlist_order": None, "deposit": None, "changes_until_hours": None}
    collection(database, EventDocument).update_one({"_id": event_id}, {"$set": nulls})
    assert events.get(event_id) == whole

from __future__ import annotations

import time
from typing import Any

import pytest
from pymongo.database import Database

from dinnerkit.accounts.documents import UserDocument
from dinnerkit.delivery.outbox import OUTBOX_INDEX, Outbox
from dinnerkit.delivery.relay import HINT_GRACE, Relay
from dinnerkit.delivery.service import DeliveryService
from dinnerkit.messages import Handler
from dinnerkit.payment.documents import NotificationDocument
from dinnerkit.payment.payouts.documents import PayoutDocument
from dinnerkit.storage import ensure_indexes
from dinnerkit.testing import StandingClock
from tests.delivery.conftest import MemoryQueue, Post, Rang
from tests.waiting import DEADLINE


def test_each_message_becomes_one_delivery_for_each_handler(post: Post) -> None:
    post.ring("ada", "ben")
    assert post.relay.run() == 2
    rows = post.rows()
    assert sorted((row["handler"], row["data"]["who"]) for row in rows) == [
        ("test.answer", "ada"),
        ("test.answer", "ben"),
        ("test.bark", "ada"),
        ("test.bark", "ben"),
    ]
    assert {row["state"] for row in rows} == {"pending"}
    assert {row["due_at"] for row in rows} == {post.clock() + HINT_GRACE}
    assert post.outboxes() == []


def test_hints_go_to_the_queue_of_each_handler(post: Post) -> None:
    post.ring("ada")
    post.relay.run()
    hints = post.hints()
    assert {name: [delivery.partition(":")[2] for delivery in found] for name, found in hints.items()} == {
        "default": ["test.answer"],
        "emails": ["test.bark"],
    }


def test_relaying_again_after_a_crash_changes_nothing(post: Post) -> None:
    post.ring("ada")
    entries = post.outboxes()
    post.relay.run()
    for delivery in [row["_id"] for row in post.rows()]:
        post.deliveries.run(delivery)
    before = post.rows()
    post.database["gateway_notifications"].update_one({}, {"$set": {"outbox": entries}})
    assert post.relay.run() == 1
    assert post.rows() == before
    assert sorted(post.heard) == [("answer", "ada"), ("bark", "ada")]


def test_a_message_that_comes_while_the_relay_runs_is_kept_for_the_next_time(post: Post, monkeypatch: pytest.MonkeyPatch) -> None:
    post.ring("ada")
    original = Relay._deliver

    def deliver(self: Relay, entries: object) -> None:
        original(self, list(entries))  # type: ignore[call-overload]
        post.database["gateway_notifications"].update_one(
            {"_id": "door"}, {"$push": {"outbox": {"id": "late", "kind": Rang.kind, "at": post.clock(), "data": {"who": "ben"}}}}
        )

    monkeypatch.setattr(Relay, "_deliver", deliver)
    post.relay.run()
    monkeypatch.undo()
    assert [entry["id"] for entry in post.outboxes()] == ["late"]
    assert post.relay.run() == 1


def test_a_message_that_nobody_listens_to_goes_away(post: Post) -> None:
    post.ring("ada")
    post.database["gateway_notifications"].update_one({}, {"$set": {"outbox.0.kind": "test.unheard_of"}})
    assert post.relay.run() == 1
    assert post.rows() == []
    assert post.outboxes() == []


def test_a_queue_that_can_not_be_reached_costs_only_the_hints(post: Post, monkeypatch: pytest.MonkeyPatch) -> None:
    tried: list[object] = []

    def fail(*_: object) -> None:
        tried.append(_)
        raise ConnectionError

    post.ring("ada")
    for name in ("default", "emails"):
        monkeypatch.setattr(post.queue.huey(name).storage, "enqueue", fail)
    assert post.relay.run() == 1
    assert {row["state"] for row in post.rows()} == {"pending"}
    assert len(tried) == 1, "what has just failed is left alone, and does not hold up the rest"
    post.clock.now += HINT_GRACE
    assert post.deliveries.sweep() == 0
    monkeypatch.undo()
    hinted, deadline = 0, time.monotonic() + DEADLINE
    while hinted < 2:  # nothing is overdue for longer because the queue was gone
        assert time.monotonic() < deadline
        hinted += post.deliveries.sweep()
    assert sum(len(found) for found in post.hints().values()) == 2


def test_the_relay_reads_only_what_has_something_to_say(post: Post) -> None:
    for number in range(50):
        post.ring(sender=f"silent-{number}")
    post.ring("ada", sender="speaking")
    found = post.database["gateway_notifications"].find({"outbox.at": {"$exists": True}}).explain()
    assert found["executionStats"]["totalDocsExamined"] == 1, "the index is chosen also where it is not named"
    assert OUTBOX_INDEX in NotificationDocument.index_models


def test_what_any_of_the_senders_has_to_say_is_relayed(post: Post) -> None:
    kinds = [UserDocument, NotificationDocument, PayoutDocument]
    ensure_indexes(post.database, kinds)
    relay = Relay(post.database, kinds, {Rang.kind: post.handlers}, post.deliveries.dispatcher, post.clock)
    assert relay.run() == 0
    for kind in kinds:
        post.database[kind.collection_name].insert_one({"_id": "x", "outbox": Outbox(post.clock).entries(Rang(who="ada"))})
        assert relay.run() == 1
    assert relay.run() == 0


def test_the_age_of_what_nobody_relays_is_that_of_the_oldest(post: Post) -> None:
    assert post.relay.age() == 0.0
    post.ring("ada", sender="door")
    post.clock.advance(seconds=40)
    post.ring("ben", sender="gate")
    post.clock.advance(seconds=2)
    assert post.relay.age() == 42.0
    post.relay.run()
    assert post.relay.age() == 0.0


def test_more_than_a_batch_is_relayed_in_turns(post: Post) -> None:
    for number in range(205):
        post.ring("ada", sender=f"door-{number:03}")
    assert [post.relay.run(), post.relay.run(), post.relay.run()] == [200, 5, 0]


@pytest.mark.parametrize("priorities", [True, False])
def test_what_is_urgent_is_hinted_before_the_rest_where_the_queue_can(
    database: Database[dict[str, Any]], clock: StandingClock, priorities: bool
) -> None:
    post = Post(database, clock)
    post.queue = MemoryQueue()
    post.queue.priorities = priorities  # type: ignore[attr-defined]
    usual, urgent = Handler("test.usual", Rang, print), Handler("test.urgent", Rang, print, urgent=True)
    deliveries = DeliveryService(database, post.queue, [usual, urgent], clock)
    relay = Relay(database, [NotificationDocument], {Rang.kind: [usual, urgent]}, deliveries.dispatcher, clock)
    post.ring("ada", "ben")
    relay.run()
    order = ["urgent", "urgent", "usual", "usual"] if priorities else ["usual", "urgent", "usual", "urgent"]
    assert [hint.rpartition(".")[2] for hint in post.hints()["default"]] == order
    clock.advance(minutes=1)
    deliveries.sweep()
    again = [hint.rpartition(".")[2] for hint in post.hints()["default"]]
    assert sorted(again) == sorted(order)
    assert not priorities or again == order

from __future__ import annotations

from datetime import timedelta

import pytest
from pymongo.errors import AutoReconnect, WriteConcernError

from dinnerkit.delivery.errors import NoSuchDeadLetter
from dinnerkit.delivery.relay import HINT_GRACE
from dinnerkit.delivery.service import DeliveryService
from dinnerkit.errors import Unavailable
from dinnerkit.queues import QUEUES
from tests.delivery.conftest import BACKOFF, MemoryQueue, Post, Rang


def told(post: Post) -> dict[str, tuple[int, float]]:
    """The queues on which something waits or runs, with how much, and the age of the oldest."""
    return {queue: (jobs, age) for queue, (jobs, age) in post.deliveries.backlog().items() if jobs or age}


LEASE = timedelta(seconds=60)


class Killed(BaseException): ...


def fail(message: Rang) -> None:
    raise RuntimeError(f"{message.who} was not let in")


def out_of_reach(_: Rang) -> None:
    raise Unavailable("the gateway can't be reached")


def die(_: Rang) -> None:
    raise Killed


@pytest.fixture
def delivery(post: Post) -> str:
    """The delivery of one message to the handler that can be replaced."""
    post.ring("ada")
    post.relay.run()
    found: str = post.row()["_id"]
    return found


def exhaust(post: Post, delivery: str) -> None:
    """Let every attempt fail."""
    post.answering = fail
    for _ in range(BACKOFF.attempts):
        assert post.deliveries.run(delivery)
        post.clock.advance(seconds=60)


class TestRunning:
    def test_a_delivery_is_run_once_and_done(self, post: Post, delivery: str) -> None:
        assert post.deliveries.run(delivery) is True
        assert post.deliveries.run(delivery) is False
        assert post.heard == [("answer", "ada")]
        row = post.row()
        assert (row["state"], row["attempts"], row["done_at"]) == ("done", 1, post.clock())
        assert not {"due_at", "claim", "error"} & row.keys()

    def test_what_is_unknown_is_not_run(self, post: Post) -> None:
        assert post.deliveries.run("nothing:test.answer") is False

    def test_who_runs_it_has_it_alone(self, post: Post, delivery: str) -> None:
        post.answering = lambda _: post.heard.append(("again", str(post.deliveries.run(delivery))))
        post.deliveries.run(delivery)
        assert post.heard == [("again", "False")]

    def test_a_hint_runs_it_through_huey(self, post: Post, delivery: str) -> None:
        huey = post.queue.huey("default")
        huey.execute(huey.dequeue())
        assert post.heard == [("answer", "ada")]
        assert post.row()["_id"] == delivery

    def test_fields_that_a_later_release_added_are_left_out(self, post: Post, delivery: str) -> None:
        post.database["deliveries"].update_one({"_id": delivery}, {"$set": {"data.mood": "merry"}})
        post.deliveries.run(delivery)
        assert post.heard == [("answer", "ada")]


class TestFailing:
    def test_it_is_tried_again_after_a_wait_that_doubles(self, post: Post, delivery: str) -> None:
        post.answering = fail
        for failures, full in ((1, 2.0), (2, 4.0)):
            assert post.deliveries.run(delivery)
            row = post.row()
            wait = (row["not_before"] - post.clock()).total_seconds()
            assert full / 2 - 0.001 <= wait <= full
            assert (row["state"], row["attempts"], row["due_at"]) == ("pending", failures, row["not_before"])
            assert row["error"] == "RuntimeError: ada was not let in"
            assert post.deliveries.run(delivery) is False
            post.clock.now = row["not_before"]
        post.answering = lambda message: post.heard.append(("at last", message.who))
        assert post.deliveries.run(delivery)
        assert post.heard == [("at last", "ada")]
        assert "error" not in post.row()

    def test_what_fails_for_good_becomes_a_dead_letter_with_all_that_is_needed(self, post: Post, delivery: str) -> None:
        exhaust(post, delivery)
        (letter,) = post.deliveries.dead_letters(limit=10)
        row = post.row()
        assert (row["state"], "due_at" in row) == ("dead", False)
        assert {name: letter[name] for name in ("_id", "handler", "queue", "kind", "data", "attempts", "error")} == {
            "_id": delivery,
            "handler": "test.answer",
            "queue": "default",
            "kind": "test.rang",
            "data": {"who": "ada"},
            "attempts": 3,
            "error": "RuntimeError: ada was not let in",
        }
        assert post.deliveries.dead_letter_count() == 1
        assert post.deliveries.run(delivery) is False
        assert post.deliveries.sweep() == 1  # the other handler's

    def test_an_outage_is_waited_for_and_uses_up_no_patience_with_other_failures(self, post: Post, delivery: str) -> None:
        post.answering = out_of_reach
        for _ in range(3 * BACKOFF.attempts):
            assert post.deliveries.run(delivery)
            post.clock.now = post.row()["not_before"]
        assert (post.row()["state"], post.deliveries.dead_letter_count()) == ("pending", 0)
        post.answering = lambda message: post.heard.append(("at last", message.who))
        assert post.deliveries.run(delivery)
        assert post.heard == [("at last", "ada")]

    def test_an_outage_of_more_than_a_day_is_a_dead_letter(self, post: Post, delivery: str) -> None:
        post.answering = out_of_reach
        began = post.clock()
        while post.row()["state"] != "dead":
            post.clock.now = post.row()["not_before"]
            assert post.deliveries.run(delivery)
        assert timedelta(hours=12) < post.clock() - began < timedelta(hours=25)

    @pytest.mark.parametrize(
        "outage",
        [Unavailable("no answer"), AutoReconnect("the primary is gone"), WriteConcernError("the primary shuts down", 91)],
        ids=["backend", "database", "a primary that went in the middle of a write"],
    )
    def test_an_outage_takes_none_of_the_attempts_away(self, post: Post, delivery: str, outage: Exception) -> None:
        troubles = [outage, outage, RuntimeError("no"), outage, RuntimeError("no"), outage, RuntimeError("no")]

        def trouble(_: Rang) -> None:
            raise troubles.pop(0)

        post.answering = trouble
        while post.row()["state"] != "dead":
            post.clock.now = post.row()["not_before"]
            assert post.deliveries.run(delivery)
        assert troubles == []
        assert post.row()["attempts"] == 7

    def test_by_default_there_are_three_attempts_from_two_seconds_on(self, post: Post, delivery: str) -> None:
        post.answering = fail
        patient = DeliveryService(post.database, MemoryQueue(), post.handlers, post.clock)
        waits = []
        while post.row()["state"] != "dead":
            post.clock.now = max(post.clock.now, post.row()["not_before"])
            patient.run(delivery)
            waits.append((post.row()["not_before"] - post.clock.now).total_seconds())
        assert len(waits) == 3
        assert 1 <= waits[0] <= 2 <= waits[1] <= 4

    def test_one_handler_failing_does_not_keep_the_other(self, post: Post, delivery: str) -> None:
        exhaust(post, delivery)
        post.deliveries.run(post.row("test.bark")["_id"])
        assert post.heard == [("bark", "ada")]

    def test_a_handler_that_is_not_there_any_more_is_a_dead_letter_at_last(self, post: Post, delivery: str) -> None:
        post.database["deliveries"].update_one({"_id": delivery}, {"$set": {"handler": "test.gone"}})
        for _ in range(BACKOFF.attempts):
            post.deliveries.run(delivery)
            post.clock.advance(seconds=60)
        (letter,) = post.deliveries.dead_letters(limit=10)
        assert letter["error"] == "LookupError: no handler is named test.gone"

    def test_a_long_error_is_cut(self, post: Post, delivery: str) -> None:
        def shout(_: Rang) -> None:
            raise RuntimeError("A" * 100_000)

        post.answering = shout
        post.deliveries.run(delivery)
        assert len(post.row()["error"]) == 500


class TestDying:
    def test_an_attempt_whose_worker_died_is_made_again_after_its_lease(self, post: Post, delivery: str) -> None:
        post.answering = die
        with pytest.raises(Killed):
            post.deliveries.run(delivery)
        assert post.row()["state"] == "running"
        post.clock.now += LEASE - timedelta(seconds=1)
        assert post.deliveries.run(delivery) is False
        post.hints()
        post.clock.advance(seconds=1)
        post.deliveries.sweep()
        assert delivery in post.hints()["default"]
        post.answering = lambda message: post.heard.append(("answer", message.who))
        assert post.deliveries.run(delivery) is True
        assert post.row()["state"] == "done"

    def test_a_worker_that_is_alive_keeps_what_it_runs(self, post: Post, delivery: str) -> None:
        def take_long(_: Rang) -> None:
            for _minute in range(5):
                post.clock.now += LEASE - timedelta(seconds=1)
                post.deliveries.renew()
                post.clock.advance(seconds=1)
                assert post.deliveries.run(delivery) is False
            post.heard.append(("answer", "at last"))

        post.answering = take_long
        assert post.deliveries.run(delivery) is True
        assert (post.row()["state"], post.row()["attempts"], post.heard) == ("done", 1, [("answer", "at last")])

    def test_a_worker_that_hangs_does_not_keep_it_for_ever(self, post: Post, delivery: str) -> None:
        def hang(_: Rang) -> None:
            post.answering = lambda message: post.heard.append(("answer", message.who))
            post.clock.advance(hours=2)
            post.deliveries.renew()
            assert post.deliveries.run(delivery) is True

        post.answering = hang
        post.deliveries.run(delivery)
        assert (post.row()["state"], post.heard) == ("done", [("answer", "ada")])

    def test_what_another_has_taken_over_is_not_renewed(self, post: Post, delivery: str) -> None:
        def oversleep(_: Rang) -> None:
            post.database["deliveries"].update_one({"_id": delivery}, {"$set": {"claim": "another's"}})
            before = post.row()
            post.clock.advance(seconds=30)
            post.deliveries.renew()
            assert post.row() == before

        post.answering = oversleep
        assert post.deliveries.run(delivery) is True
        assert post.row()["claim"] == "another's"

    def test_who_comes_back_after_the_lease_does_not_undo_what_the_next_did(self, post: Post, delivery: str) -> None:
        def oversleep(_: Rang) -> None:
            post.clock.now += LEASE
            post.answering = lambda message: post.heard.append(("answer", message.who))
            assert post.deliveries.run(delivery)
            raise RuntimeError("late")

        post.answering = oversleep
        post.deliveries.run(delivery)
        assert post.row()["state"] == "done"

    def test_who_comes_back_after_the_lease_buries_nothing(self, post: Post, delivery: str) -> None:
        post.answering = die
        for _ in range(BACKOFF.attempts - 1):
            with pytest.raises(Killed):
                post.deliveries.run(delivery)
            post.clock.now += LEASE

        def oversleep(_: Rang) -> None:
            post.clock.now += LEASE
            post.answering = lambda message: post.heard.append(("answer", message.who))
            assert post.deliveries.run(delivery)
            raise RuntimeError("late")

        post.answering = oversleep
        post.deliveries.run(delivery)
        assert post.row()["state"] == "done"
        assert post.deliveries.dead_letters(limit=1) == []

    def test_a_letter_of_a_worker_that_died_while_burying_goes_when_it_comes_through(self, post: Post, delivery: str) -> None:
        exhaust(post, delivery)
        now = post.clock()
        died = {"state": "running", "claim": "gone", "not_before": now, "due_at": now}
        post.database["deliveries"].update_one({"_id": delivery}, {"$set": died, "$unset": {"done_at": 1}})
        post.answering = lambda message: post.heard.append(("answer", message.who))
        assert post.deliveries.run(delivery)
        assert post.row()["state"] == "done"
        assert post.deliveries.dead_letters(limit=1) == []


class TestSweeping:
    def test_a_lost_hint_is_given_again_and_not_too_often(self, post: Post, delivery: str) -> None:
        post.hints()
        assert post.deliveries.sweep() == 0
        post.clock.now += HINT_GRACE
        assert post.deliveries.sweep() == 2
        assert post.deliveries.sweep() == 0
        assert delivery in post.hints()["default"]
        post.clock.now += HINT_GRACE
        assert post.deliveries.sweep() == 2

    def test_the_backlog_says_how_much_waits_and_how_old_it_is(self, post: Post, delivery: str) -> None:
        post.clock.advance(seconds=90)
        assert told(post) == {"default": (1, 90.0), "emails": (1, 90.0)}
        post.deliveries.run(delivery)
        assert told(post) == {"emails": (1, 90.0)}
        post.deliveries.run(post.row("test.bark")["_id"])
        assert told(post) == {}
        assert set(post.deliveries.backlog()) == set(QUEUES), "also those where nothing waits"

    def test_the_oldest_is_the_oldest_also_where_others_are_longer_overdue(self, post: Post, delivery: str) -> None:
        seen: list[tuple[int, float]] = []
        post.clock.advance(seconds=60)
        post.ring("ben", sender="gate")
        post.relay.run()
        post.answering = lambda _: seen.append(told(post)["default"])
        post.deliveries.run(delivery)  # while it runs it is due after its lease, later than the next one
        assert seen == [(2, 60.0)]

    def test_what_another_release_recorded_for_a_queue_of_its_own_is_run_all_the_same(self, post: Post, delivery: str) -> None:
        post.hints()
        post.database["deliveries"].update_one({"_id": delivery}, {"$set": {"queue": "telegrams"}})
        assert told(post)["default"] == (1, 0.0)
        post.clock.now += HINT_GRACE
        post.deliveries.sweep()
        assert post.hints()["default"] == [delivery]

    def test_thousands_that_are_overdue_on_one_queue_keep_none_of_another(self, post: Post, delivery: str) -> None:
        post.hints()
        row = post.row("test.bark")
        post.clock.now += HINT_GRACE
        early = post.clock() - timedelta(hours=1)
        post.database["deliveries"].insert_many(row | {"_id": f"late-{number}", "due_at": early} for number in range(600))
        post.deliveries.sweep()
        hints = post.hints()
        assert hints["default"] == [delivery]
        assert len(hints["emails"]) == 500

    def test_a_queue_that_has_hints_enough_is_given_few_more_each_turn_and_in_the_end_none(
        self, post: Post, delivery: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        post.hints()
        row = post.row("test.bark")
        post.database["deliveries"].insert_many(row | {"_id": f"late-{number}"} for number in range(300))
        post.clock.now += HINT_GRACE
        given = []
        for waiting in (499, 500, 9_999, 10_000):
            monkeypatch.setattr(post.queue.huey("emails"), "pending_count", lambda waiting=waiting: waiting)
            post.database["deliveries"].update_many({}, {"$set": {"due_at": post.clock()}})
            post.deliveries.sweep()
            given.append(len(post.hints().get("emails", [])))
        assert given == [301, 20, 20, 0]

    def test_a_look_for_what_is_overdue_reads_none_of_what_is_not(self, post: Post, delivery: str) -> None:
        row = post.row()
        done = [row | {"_id": f"done-{number}", "state": "done", "done_at": post.clock()} for number in range(50)]
        for each in done:
            del each["due_at"]
        post.database["deliveries"].insert_many([*done, *(row | {"_id": f"waiting-{number}"} for number in range(50))])
        look = post.database["deliveries"].find({"queue": {"$gte": ""}, "due_at": {"$lte": post.clock()}}).hint("queue_due")
        found = look.explain()["executionStats"]
        assert (found["nReturned"], found["totalDocsExamined"]) == (0, 0)
        assert found["totalKeysExamined"] <= 2 * len(QUEUES)

    def test_the_queues_say_how_many_hints_wait(self, post: Post, delivery: str) -> None:
        waiting = post.deliveries.dispatcher.waiting()
        assert delivery
        assert (waiting["default"], waiting["emails"], waiting["payments"]) == (1, 1, 0)


class TestDeadLetters:
    def test_a_retry_has_all_its_attempts_before_it(self, post: Post, delivery: str) -> None:
        exhaust(post, delivery)
        post.hints()
        post.deliveries.retry(delivery)
        row = post.row()
        assert (row["state"], row["attempts"], "done_at" in row) == ("pending", 0, False)
        assert post.hints() == {"default": [delivery]}
        assert post.deliveries.dead_letters(limit=1) == []
        exhaust(post, delivery)
        assert len(post.deliveries.dead_letters(limit=1)) == 1

    def test_a_retry_that_comes_through_is_done(self, post: Post, delivery: str) -> None:
        exhaust(post, delivery)
        post.deliveries.retry(delivery)
        post.answering = lambda message: post.heard.append(("answer", message.who))
        assert post.deliveries.run(delivery)
        assert post.heard == [("answer", "ada")]

    def test_a_letter_outlives_its_delivery(self, post: Post, delivery: str) -> None:
        exhaust(post, delivery)
        post.database["deliveries"].delete_one({"_id": delivery})
        post.deliveries.retry(delivery)
        assert (post.row()["state"], post.row()["data"]) == ("pending", {"who": "ada"})

    def test_a_retry_after_a_crash_in_the_middle_of_one_changes_nothing(self, post: Post, delivery: str) -> None:
        exhaust(post, delivery)
        (letter,) = post.deliveries.dead_letters(limit=1)
        post.deliveries.retry(delivery)
        post.answering = lambda message: post.heard.append(("answer", message.who))
        post.deliveries.run(delivery)
        post.database["dead_letters"].insert_one(letter)
        post.deliveries.retry(delivery)
        assert post.row()["state"] == "done"
        assert post.deliveries.run(delivery) is False
        assert post.deliveries.dead_letters(limit=1) == []

    def test_a_discarded_letter_is_gone(self, post: Post, delivery: str) -> None:
        exhaust(post, delivery)
        post.deliveries.discard(delivery)
        assert post.deliveries.dead_letters(limit=1) == []
        for act in (post.deliveries.discard, post.deliveries.retry):
            with pytest.raises(NoSuchDeadLetter):
                act(delivery)

    def test_they_are_listed_oldest_first_in_pages(self, post: Post) -> None:
        post.ring("ada", "ben", "cleo", "dan")
        post.relay.run()
        for row in post.rows():
            if row["handler"] == "test.answer":
                exhaust(post, row["_id"])
        everyone = [letter["_id"] for letter in post.deliveries.dead_letters(limit=10)]
        assert len(everyone) == 4
        first = post.deliveries.dead_letters(limit=3)
        last = first[-1]
        rest = post.deliveries.dead_letters(limit=3, after=(last["died_at"], last["_id"]))
        assert [letter["_id"] for letter in [*first, *rest]] == everyone

    def test_letters_of_one_moment_are_each_listed_once(self, post: Post) -> None:
        same = {"handler": "h", "queue": "default", "kind": "k", "data": {}, "attempts": 3, "error": "e", "created_at": post.clock()}
        post.database["dead_letters"].insert_many([same | {"_id": str(number), "died_at": post.clock()} for number in range(5)])
        first = post.deliveries.dead_letters(limit=2)
        rest = post.deliveries.dead_letters(limit=9, after=(first[-1]["died_at"], first[-1]["_id"]))
        assert [letter["_id"] for letter in [*first, *rest]] == ["0", "1", "2", "3", "4"]

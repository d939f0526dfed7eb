"""What is remembered of jobs that ended."""

from __future__ import annotations

from datetime import timedelta

import pytest

from dinnerkit.delivery.errors import NoSuchQueue
from dinnerkit.delivery.jobs import Jobs
from dinnerkit.delivery.records import JobRecords
from dinnerkit.delivery.service import DeliveryService
from tests.delivery.conftest import BACKOFF, MemoryQueue, Post, Rang


def fail(message: Rang) -> None:
    raise RuntimeError(f"{message.who} was not let in")


def run_all(post: Post) -> None:
    post.relay.run()
    for row in post.rows():
        post.deliveries.run(row["_id"])


@pytest.fixture
def jobs(post: Post) -> Jobs:
    return Jobs(post.deliveries)


def test_the_last_hundred_that_finished_are_kept_of_each_queue(post: Post, jobs: Jobs) -> None:
    post.ring(*(f"guest-{number}" for number in range(65)))
    run_all(post)
    post.clock.advance(seconds=1)
    post.deliveries.records.write()
    post.ring(*(f"guest-{number}" for number in range(65)), sender="gate")
    run_all(post)
    post.deliveries.records.write()
    kept = jobs.of("emails", "finished")
    assert len(kept) == len({job["id"] for job in kept}) == 100
    assert [job["ended_at"] for job in kept] == [post.clock()] * 65 + [post.clock() - timedelta(seconds=1)] * 35
    assert len(jobs.of("default", "finished")) == 100
    assert jobs.of("payments", "finished") == []
    assert post.deliveries.records.totals()["emails"] == {"finished": 130, "failed": 0, "retried": 0}


def test_the_last_fifty_that_failed_for_good_are_kept(post: Post, jobs: Jobs) -> None:
    post.answering = fail
    post.ring(*(f"guest-{number}" for number in range(60)))
    for _ in range(BACKOFF.attempts):
        run_all(post)
        post.clock.advance(minutes=5)
    post.deliveries.records.write()
    assert len(jobs.of("default", "failed")) == 50
    assert post.deliveries.records.totals()["default"] == {"finished": 0, "failed": 60, "retried": 120}
    assert post.deliveries.dead_letter_count() == 60, "of the dead letters none is forgotten"


def test_a_note_says_what_happened_and_nothing_of_whom(post: Post, jobs: Jobs) -> None:
    post.answering = fail
    post.ring("ada@example.org")
    for _ in range(BACKOFF.attempts):
        run_all(post)
        post.clock.advance(minutes=5)
    post.deliveries.records.write()
    (failed,) = jobs.of("default", "failed")
    assert {name: failed[name] for name in ("state", "handler", "kind", "attempts", "error")} == {
        "state": "failed",
        "handler": "test.answer",
        "kind": "test.rang",
        "attempts": 3,
        "error": "RuntimeError",
    }
    assert "ada" not in str(list(post.database["job_records"].find()))


def test_what_waits_and_runs_is_shown_oldest_first_without_what_it_is_about(post: Post, jobs: Jobs) -> None:
    seen: list[dict[str, object]] = []

    def look_and_fail(message: Rang) -> None:
        seen.extend(jobs.of("default", "running"))
        fail(message)

    post.answering = look_and_fail
    post.ring("ada@example.org")
    run_all(post)
    post.clock.advance(seconds=10)
    post.ring("ben", sender="gate")
    post.relay.run()
    waiting = jobs.of("default", "waiting")
    assert [(job["attempts"], job["error"]) for job in waiting] == [(1, "RuntimeError"), (0, None)]
    assert waiting[0]["next_at"] > waiting[0]["created_at"]
    assert "ada" not in str(waiting)
    assert [(job["state"], job["attempts"]) for job in seen] == [("running", 1)]
    assert len(jobs.of("default", "waiting", 1)) == 1


def test_what_several_workers_note_is_put_together_in_the_order_of_its_ends(post: Post, jobs: Jobs) -> None:
    other = DeliveryService(post.database, MemoryQueue(), post.handlers, post.clock, BACKOFF)
    ids = []
    for number in range(4):
        post.clock.advance(seconds=1)
        post.ring("ada", sender=f"door-{number}")
        post.relay.run()
        ids.append(next(row["_id"] for row in post.rows() if row["state"] == "pending" and row["queue"] == "emails"))
        (post.deliveries, other)[number % 2].run(ids[-1])
    post.deliveries.records.write()
    other.records.write()
    assert [job["id"] for job in jobs.of("emails", "finished")] == ids[::-1]


def test_nothing_is_written_where_nothing_ended(post: Post) -> None:
    JobRecords(post.database).write()
    assert post.database["job_records"].count_documents({}) == 0


def test_the_queues_are_shown_with_what_waits_and_what_came_of_the_rest(post: Post, jobs: Jobs) -> None:
    post.answering = fail
    post.ring("ada")
    for _ in range(BACKOFF.attempts):
        run_all(post)
        post.clock.advance(minutes=5)
    post.ring("ben", sender="gate")
    post.relay.run()
    post.clock.advance(seconds=30)
    post.deliveries.records.write()
    shown = {queue["name"]: queue for queue in jobs.queues()}
    assert list(shown) == ["emails", "payments", "matching", "media", "analytics", "default"]
    assert shown["default"] == {
        "name": "default",
        "backlog": 1,
        "age_seconds": 30.0,
        "dead_letters": 1,
        "finished": 0,
        "failed": 1,
        "retried": 2,
    }


def test_a_queue_that_there_is_not_is_refused(jobs: Jobs) -> None:
    with pytest.raises(NoSuchQueue, match="there are emails, payments"):
        jobs.of("letters", "waiting")

"""``dinnerkit jobs``."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from pymongo.database import Database

from tests.cli.running import Ended

THEN = datetime(2026, 11, 1, 12, 30, tzinfo=UTC)


def test_queues_and_jobs_are_shown(run_served: Callable[..., Ended], database: Database[dict[str, Any]]) -> None:
    job = {"handler": "notifications.test", "kind": "test", "created_at": THEN, "attempts": 1}
    waiting = job | {"_id": "m1:w", "queue": "emails", "state": "pending", "data": {"to": "ada@example.org"}, "error": "OSError: ada"}
    database["deliveries"].insert_one(waiting | {"not_before": THEN + timedelta(minutes=1), "due_at": THEN + timedelta(minutes=1)})
    ended = job | {"id": "m2:f", "started_at": THEN, "ended_at": THEN, "error": "KeyError"}
    totals = {"finished": 7, "failed": 1}
    database["job_records"].insert_one({"_id": "payments", "finished": [], "failed": [ended], "totals": totals})
    shown = run_served("jobs", "queues")
    assert (shown.code, shown.err) == (0, "")
    rows = {line.split()[0]: line.split()[1:] for line in shown.out.splitlines()[1:]}
    assert list(rows) == ["emails", "payments", "matching", "media", "analytics", "default"]
    assert (rows["emails"][0], rows["payments"][2:]) == ("1", ["0", "7", "1", "0"])
    listed = run_served("jobs", "list").out.splitlines()
    assert listed[1].split() == ["emails", "2026-11-01T12:31:00Z", "notifications.test", "1", "OSError", "m1:w"]
    assert len(listed) == 2
    (failed,) = run_served("jobs", "list", "--state", "failed", "--json").out.splitlines()
    assert json.loads(failed) == {
        "queue": "payments",
        "id": "m2:f",
        "state": "failed",
        "handler": "notifications.test",
        "kind": "test",
        "attempts": 1,
        "created_at": "2026-11-01T12:30:00Z",
        "started_at": "2026-11-01T12:30:00Z",
        "ended_at": "2026-11-01T12:30:00Z",
        "error": "KeyError",
    }
    assert run_served("jobs", "list", "--queue", "media", "--state", "finished").out == "none is finished\n"
    refused = run_served("jobs", "list", "--queue", "letters")
    assert (refused.code, refused.out) == (2, "")
    assert "'emails', 'payments', 'matching', 'media', 'analytics', 'default'" in " ".join(refused.err.split())

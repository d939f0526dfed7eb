"""What admins are told of queues and jobs."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from flask.testing import FlaskClient

from dinnerkit import Kit
from dinnerkit.accounts.service import AccountService
from dinnerkit.clock import utcnow
from dinnerkit.delivery.relay import Relay
from dinnerkit.delivery.service import DeliveryService
from dinnerkit.identity import Role
from dinnerkit.queues import QUEUES
from tests.api.test_authorisation import MakeCaller


@pytest.fixture
def mailed(kit: Kit, monkeypatch: pytest.MonkeyPatch) -> str:
    """A job of the queue ``emails`` that has run, and one that can't be sent and waits."""
    deliveries = kit.service(DeliveryService)
    for name in ("ada", "ben"):
        kit.service(AccountService).register(email=f"{name}@example.org", password="sea otters hold hands", name=name)
    kit.service(Relay).run()
    done, waiting = sorted(row["_id"] for row in kit.database["deliveries"].find({"queue": "emails"}))
    deliveries.run(done)

    def fail(_: Any) -> None:
        raise RuntimeError("no such mailbox: ben@example.org")

    monkeypatch.setattr(kit.backends.mail, "send", fail)
    deliveries.run(waiting)
    deliveries.records.write()
    return str(waiting)


def moment(text: str) -> datetime:
    """The time that a text tells: texts are not in the order of time where one has no fraction of a second."""
    return datetime.fromisoformat(text)


def test_queues_are_listed_with_what_waits(client: FlaskClient, caller: MakeCaller, mailed: str) -> None:
    items = client.get("/v1/admin/queues", headers=caller("admin", Role.ADMIN).headers).get_json()["items"]
    assert [item["name"] for item in items] == list(QUEUES)
    emails = items[0] | {"age_seconds": items[0]["age_seconds"] >= 0}
    assert emails == {
        "name": "emails",
        "backlog": 1,
        "age_seconds": True,
        "dead_letters": 0,
        "finished": 1,
        "failed": 0,
        "retried": 1,
    }


def test_jobs_are_listed_by_what_became_of_them(client: FlaskClient, caller: MakeCaller, mailed: str) -> None:
    headers = caller("admin", Role.ADMIN).headers
    (waiting,) = client.get("/v1/admin/queues/emails/jobs", headers=headers).get_json()["items"]
    assert (waiting["id"], waiting["state"], waiting["attempts"], waiting["error"]) == (mailed, "waiting", 1, "RuntimeError")
    assert moment(waiting["next_at"]) > moment(waiting["created_at"])
    (finished,) = client.get("/v1/admin/queues/emails/jobs?state=finished&limit=1", headers=headers).get_json()["items"]
    assert (finished["state"], finished["error"], finished["handler"]) == ("finished", None, "notifications.verify_email")
    assert moment(finished["ended_at"]) >= moment(finished["started_at"]) >= moment(finished["created_at"])
    assert client.get("/v1/admin/queues/emails/jobs?state=failed", headers=headers).get_json() == {"items": []}


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("queues/letters/jobs", 404),
        ("queues/emails/jobs?state=lost", 422),
        ("queues/emails/jobs?limit=0", 422),
        ("queues/emails/jobs?limit=101", 422),
        ("dead-letters?queue=letters", 422),
    ],
)
def test_what_there_is_not_is_refused(client: FlaskClient, caller: MakeCaller, path: str, status: int) -> None:
    answer = client.get(f"/v1/admin/{path}", headers=caller("admin", Role.ADMIN).headers)
    assert (answer.status_code, answer.mimetype) == (status, "application/problem+json")


def test_dead_letters_are_listed_by_queue(client: FlaskClient, caller: MakeCaller, kit: Kit) -> None:
    headers, now = caller("admin", Role.ADMIN).headers, utcnow()
    letter = {"handler": "h", "kind": "k", "data": {}, "attempts": 3, "error": "E: e", "created_at": now}
    rows = [letter | {"_id": str(number), "queue": ("emails", "media")[number % 2], "died_at": now} for number in range(6)]
    kit.database["dead_letters"].insert_many(rows)
    page = client.get("/v1/admin/dead-letters?queue=media&limit=2", headers=headers).get_json()
    rest = client.get(f"/v1/admin/dead-letters?queue=media&limit=2&cursor={page['next']}", headers=headers).get_json()
    assert [item["id"] for item in [*page["items"], *rest["items"]]] == ["1", "3", "5"]
    assert rest["next"] is None


def test_metrics_and_health_tell_of_what_waits_for_too_long(client: FlaskClient, kit: Kit, mailed: str) -> None:
    kit.service(AccountService).register(email="eve@example.org", password="sea otters hold hands", name="Eve")
    metrics = client.get("/metrics").text.splitlines()
    assert 'dinnerkit_queue_backlog{queue="emails"} 1.0' in metrics
    assert 'dinnerkit_queue_age_seconds{queue="media"} 0.0' in metrics
    assert 'dinnerkit_dead_letters{queue="payments"} 0.0' in metrics
    assert 'dinnerkit_jobs_total{end="finished",queue="emails"} 1.0' in metrics
    assert not client.get("/health/ready").get_json()["warnings"]
    kit.database["deliveries"].update_one({"_id": mailed}, {"$set": {"created_at": utcnow() - timedelta(minutes=12)}})
    kit.database["users"].update_one({"outbox.at": {"$exists": True}}, {"$set": {"outbox.0.at": utcnow() - timedelta(minutes=2)}})
    ready = client.get("/health/ready")
    assert (ready.status_code, ready.get_json()["status"]) == (200, "degraded")
    assert ready.get_json()["warnings"] == [
        "emails: 1 to be done, the oldest for 12 minutes: dinnerkit jobs list --queue emails",
        "no worker takes what is to be done, for 2 minutes: dinnerkit work",
    ]
    ages = dict(line.rsplit(" ", 1) for line in client.get("/metrics").text.splitlines() if "age_seconds" in line)
    assert 720 <= float(ages['dinnerkit_queue_age_seconds{queue="emails"}']) < 780
    assert 120 <= float(ages["dinnerkit_outbox_age_seconds"]) < 180

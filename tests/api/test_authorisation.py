"""Who may call what: every operation of the API is in one of these tables, and each entry is tried."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from flask.testing import FlaskClient

from dinnerkit import Kit
from dinnerkit.identity import Role
from dinnerkit.ids import new_id
from dinnerkit.matching.service import SeatingService
from dinnerkit.testing import run_background
from tests.fire.dinners import HOST, host_dinner

MakeCaller = Callable[..., Any]

PUBLIC = {
    "GET /v1/auth/captcha",
    "POST /v1/auth/register",
    "POST /v1/auth/login",
    "POST /v1/auth/refresh",
    "POST /v1/auth/verification",
    "POST /v1/auth/password-reset",
    "POST /v1/auth/password-reset/mail",
    "GET /v1/events",
    "GET /v1/events/{event_id}",
    "GET /v1/search/events",
    "GET /v1/search/suggest",
    "GET /v1/photos/{event_id}/{photo_id}/{width}.webp",  # whose secret, where the dinner is a draft, is its address
    "GET /v1/feeds/{token}.ics",  # whose secret is its address
    "PUT /v1/companions/personality",  # by a private link
    "POST /v1/payments/webhooks/{gateway}",
    "POST /v1/payments/authentications",
    "GET /v1/live",  # 426 for everybody; whoever asks for the upgrade says whose the connection is: tests/live
    "GET /health/live",
    "GET /health/ready",
    "GET /metrics",
    "GET /openapi.json",
    "GET /docs",
}

SIGNED_IN = {
    "POST /v1/auth/logout",
    "POST /v1/auth/logout/everywhere",
    "POST /v1/auth/verification/mail",
    "GET /v1/me",
    "GET /v1/search/people",
    "PATCH /v1/me",
    "PUT /v1/me/personality",
    "POST /v1/bookings",
    "GET /v1/bookings",
    "GET /v1/bookings/{booking_id}",
    "GET /v1/bookings/{booking_id}/calendar.ics",
    "GET /v1/bookings/{booking_id}/ticket.svg",
    "POST /v1/bookings/{booking_id}/pay",
    "POST /v1/bookings/{booking_id}/accept",
    "POST /v1/bookings/{booking_id}/cancel",
    "PUT /v1/bookings/{booking_id}/voucher",
    "PUT /v1/bookings/{booking_id}/companions",
    "POST /v1/bookings/{booking_id}/companions/{number}/link",
    "POST /v1/bookings/{booking_id}/transfer",
    "DELETE /v1/bookings/{booking_id}/transfer",
    "POST /v1/transfers/accept",
    "GET /v1/bookings/{booking_id}/table",
    "GET /v1/bookings/{booking_id}/feedback",
    "PUT /v1/bookings/{booking_id}/feedback",
    "DELETE /v1/bookings/{booking_id}/feedback",
    "POST /v1/events/{event_id}/waitlist",
    "GET /v1/events/{event_id}/waitlist",
    "DELETE /v1/events/{event_id}/waitlist",
    "GET /v1/hosting/events",  # their own, so none
}

OWNERS = {
    "PATCH /v1/events/{event_id}",
    "POST /v1/events/{event_id}/publish",
    "POST /v1/events/{event_id}/cancel",
}
"""Asks whose the event is rather than for a role: 404 where there is none, 403 where it is another's."""

HOSTS = {
    "GET /v1/host/statement",
    "POST /v1/host/payout-account",
    "GET /v1/host/payout-account",
    "POST /v1/events",
    "GET /v1/hosting/feed",
    "POST /v1/hosting/feed",
    "DELETE /v1/hosting/feed",
    "POST /v1/vouchers",
    "GET /v1/vouchers",
    "GET /v1/vouchers/{voucher_id}",
    "POST /v1/vouchers/{voucher_id}/stop",
    "GET /v1/events/{event_id}/photo",
    "PUT /v1/events/{event_id}/photo",
    "DELETE /v1/events/{event_id}/photo",
    "POST /v1/events/{event_id}/photo/uploads",
    "POST /v1/events/{event_id}/photo/uploads/{upload_id}",
    "POST /v1/events/{event_id}/check-in",
    "GET /v1/events/{event_id}/check-in",
    "PUT /v1/events/{event_id}/check-in/{booking_id}",
    "POST /v1/events/{event_id}/seating",
    "GET /v1/events/{event_id}/seating",
    "GET /v1/events/{event_id}/seating/{seating_id}/compare/{other_id}",
    "GET /v1/events/{event_id}/seating/{seating_id}",
    "POST /v1/events/{event_id}/seating/{seating_id}/publish",
}

ADMINS = {
    "GET /v1/admin/queues",
    "GET /v1/admin/queues/{queue}/jobs",
    "GET /v1/admin/dead-letters",
    "GET /v1/admin/dead-letters/{letter_id}",
    "POST /v1/admin/dead-letters/{letter_id}/retry",
    "DELETE /v1/admin/dead-letters/{letter_id}",
}

PAYMENT = {"payment_method": "pm_card_visa"}


def test_every_operation_is_in_one_table(operations: dict[str, Any]) -> None:
    assert operations.keys() == PUBLIC | SIGNED_IN | OWNERS | HOSTS | ADMINS


def test_what_is_not_public_is_documented_as_such(operations: dict[str, Any]) -> None:
    secured = {name for name, operation in operations.items() if {} not in operation.get("security", [{}])}
    assert secured == SIGNED_IN | OWNERS | HOSTS | ADMINS


@pytest.mark.parametrize(
    "headers", [{}, {"Authorization": "Bearer nonsense"}, {"Authorization": "Basic YTpi"}], ids=["none", "wrong", "other"]
)
def test_nobody_gets_a_401(client: FlaskClient, headers: dict[str, str]) -> None:
    for operation in sorted(SIGNED_IN | OWNERS | HOSTS | ADMINS):
        answer = send(client, operation, headers)
        assert (answer.status_code, answer.mimetype) == (401, "application/problem+json"), operation


def test_a_guest_gets_a_403_from_what_is_for_hosts_and_admins(client: FlaskClient, caller: MakeCaller) -> None:
    guest = caller("guest")
    for operation in sorted(HOSTS | ADMINS):
        assert send(client, operation, guest.headers).status_code == 403, operation


def test_a_host_gets_a_403_from_what_is_for_admins(client: FlaskClient, caller: MakeCaller) -> None:
    host = caller("host", Role.HOST)
    for operation in sorted(ADMINS):
        assert send(client, operation, host.headers).status_code == 403, operation


def test_an_admin_may(client: FlaskClient, caller: MakeCaller) -> None:
    admin = caller("admin", Role.ADMIN)
    lists = {"GET /v1/admin/dead-letters", "GET /v1/admin/queues"}
    assert {send(client, operation, admin.headers).status_code for operation in lists} == {200}
    for operation in sorted(ADMINS - lists):
        assert send(client, operation, admin.headers).status_code == 404, operation


def test_somebody_elses_booking_is_a_404_for_everyone_but_its_guest(client: FlaskClient, kit: Kit, caller: MakeCaller) -> None:
    event = host_dinner(kit, seats=4)
    owner = caller("owner")
    booking = client.post("/v1/bookings", json={"event_id": event}, headers=owner.headers).get_json()["id"]
    for other in (caller("other"), caller("other-host", Role.HOST), caller("admin", Role.ADMIN)):
        for method, action, body in (
            ("GET", "", None),
            ("POST", "/pay", PAYMENT),
            ("POST", "/accept", None),
            ("POST", "/cancel", None),
            ("PUT", "/companions", {"companions": [{"name": "Me"}]}),
            ("POST", "/companions/1/link", None),
            ("POST", "/transfer", {"email": "me@example.org"}),
            ("DELETE", "/transfer", None),
            ("GET", "/table", None),
            ("GET", "/feedback", None),
            ("PUT", "/feedback", {}),
            ("DELETE", "/feedback", None),
            ("GET", "/calendar.ics", None),
            ("GET", "/ticket.svg", None),
        ):
            answer = client.open(f"/v1/bookings/{booking}{action}", method=method, json=body, headers=other.headers)
            assert (answer.status_code, answer.get_json()["code"]) == (404, "not_found"), action
        assert client.get("/v1/bookings", headers=other.headers).get_json()["items"] == []
    assert client.get(f"/v1/bookings/{booking}", headers=owner.headers).get_json()["status"] == "held"


def test_another_hosts_event_cannot_be_changed_or_seated(client: FlaskClient, kit: Kit, caller: MakeCaller) -> None:
    event = host_dinner(kit, seats=4)
    guest, other = caller("guest"), caller("other", Role.HOST)
    booking = client.post("/v1/bookings", json={"event_id": event}, headers=guest.headers).get_json()["id"]
    client.post(f"/v1/bookings/{booking}/pay", json=PAYMENT, headers=guest.headers)
    seating = kit.service(SeatingService).request(HOST, event, seating_id=new_id()).id
    run_background(kit)
    for method, path, body in (
        ("PATCH", "", {"title": "Mine now"}),
        ("POST", "/publish", None),
        ("POST", "/cancel", None),
        ("POST", "/check-in", {"ticket": "any"}),
        ("GET", "/check-in", None),
        ("PUT", f"/check-in/{booking}", {"came": True}),
        ("POST", "/seating", {}),
        ("GET", "/seating", None),
        ("GET", f"/seating/{seating}", None),
        ("GET", f"/seating/{seating}/compare/{seating}", None),
        ("POST", f"/seating/{seating}/publish", None),
    ):
        answer = client.open(f"/v1/events/{event}{path}", method=method, json=body, headers=other.headers)
        assert (answer.status_code, answer.get_json()["code"]) == (403, "not_the_host"), path
    for operation in sorted(OWNERS):
        answer = send(client, operation.replace("{event_id}", event), guest.headers)
        assert (answer.status_code, answer.get_json()["code"]) == (403, "not_the_host"), operation


def test_another_hosts_event_has_no_photo_for_me(client: FlaskClient, kit: Kit, caller: MakeCaller) -> None:
    event, other = host_dinner(kit, seats=4), caller("other", Role.HOST)
    for method, path, sent in (
        ("GET", "", {}),
        ("PUT", "", {"data": b"any", "content_type": "image/jpeg"}),
        ("DELETE", "", {}),
        ("POST", "/uploads", {"json": {"content_type": "image/jpeg", "size": 10}}),
        ("POST", f"/uploads/{new_id()}", {"json": {}}),
    ):
        answer = client.open(f"/v1/events/{event}/photo{path}", method=method, headers=other.headers, **sent)
        assert (answer.status_code, answer.get_json()["code"]) == (404, "not_found"), (method, path)


def test_another_hosts_voucher_or_event_is_not_there(client: FlaskClient, kit: Kit, caller: MakeCaller) -> None:
    event = host_dinner(kit, seats=4)
    owner, other = caller("owner", Role.HOST), caller("other", Role.HOST)
    voucher = client.post("/v1/vouchers", json={"kind": "free"}, headers=owner.headers).get_json()["id"]
    for method, path, body in (
        ("GET", f"/{voucher}", None),
        ("POST", f"/{voucher}/stop", None),
        ("POST", "", {"kind": "free", "event_id": event}),
    ):
        answer = client.open(f"/v1/vouchers{path}", method=method, json=body, headers=other.headers)
        assert (answer.status_code, answer.get_json()["code"]) == (404, "not_found"), path
    assert client.get("/v1/vouchers", headers=other.headers).get_json()["items"] == []
    answer = client.post("/v1/vouchers", json={"kind": "free", "everywhere": True}, headers=other.headers)
    assert (answer.status_code, answer.get_json()["code"]) == (403, "forbidden")


def send(client: FlaskClient, operation: str, headers: dict[str, str]) -> Any:
    """Call the operation with ids of nothing."""
    method, path = operation.split()
    return client.open(
        re.sub(r"\{\w+\}", new_id(), path.replace("{number}", "1")), method=method, json={} if method != "GET" else None, headers=headers
    )

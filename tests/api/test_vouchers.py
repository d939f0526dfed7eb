"""Vouchers over HTTP: made by a host, used by a guest, and refused in one shape."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from flask.testing import FlaskClient

from dinnerkit import Kit
from dinnerkit.identity import Role
from dinnerkit.testing import run_background
from dinnerkit.vouchers.uses import CODE_LIMIT
from tests.fire.dinners import host_dinner

MakeCaller = Callable[..., Any]


@pytest.fixture
def host(caller: MakeCaller) -> dict[str, str]:
    """An admin, who makes vouchers for anybody's dinners."""
    headers: dict[str, str] = caller("owner", Role.ADMIN).headers
    return headers


def make(client: FlaskClient, headers: dict[str, str], **voucher: Any) -> Any:
    return client.post("/v1/vouchers", json=voucher, headers=headers)


def test_a_host_makes_one_and_a_guest_pays_less(client: FlaskClient, kit: Kit, caller: MakeCaller, host: dict[str, str]) -> None:
    event = host_dinner(kit, seats=4)
    made = make(client, host, kind="percent", percent=25, code="Autumn-26", event_id=event, max_uses=3)
    assert made.status_code == 201
    assert made.get_json() | {"code": "AUTUMN-26", "used": 0, "max_uses": 3, "per_guest": 1, "everywhere": False} == made.get_json()

    guest = caller("guest").headers
    booked = client.post("/v1/bookings", json={"event_id": event, "voucher": "autumn 26"}, headers=guest)
    price = kit.database["events"].find_one({"_id": event})["price"]["amount"]
    assert booked.status_code == 201
    assert booked.get_json()["discount"]["amount"] + booked.get_json()["amount"]["amount"] == price
    assert client.get(f"/v1/vouchers/{made.get_json()['id']}", headers=host).get_json()["used"] == 1


def test_what_is_free_by_it_is_confirmed_at_once(client: FlaskClient, kit: Kit, caller: MakeCaller, host: dict[str, str]) -> None:
    event = host_dinner(kit, seats=4)
    code = make(client, host, kind="free", event_id=event).get_json()["code"]
    booked = client.post("/v1/bookings", json={"event_id": event, "voucher": code}, headers=caller("guest").headers).get_json()
    assert (booked["status"], booked["amount"]["amount"]) == ("confirmed", 0)


def test_who_waits_with_one_and_who_is_offered_seats_pay_less(
    client: FlaskClient, kit: Kit, caller: MakeCaller, host: dict[str, str]
) -> None:
    event = host_dinner(kit, seats=2)
    make(client, host, kind="percent", percent=50, code="HALF", event_id=event)
    first, waits, other = (caller(name).headers for name in ("first", "waits", "other"))
    taken = client.post("/v1/bookings", json={"event_id": event, "guests": 2}, headers=first).get_json()
    price = taken["amount"]["amount"] // 2
    assert client.post(f"/v1/events/{event}/waitlist", json={"voucher": "nosuch"}, headers=waits).get_json()["code"] == "voucher_unknown"
    assert client.post(f"/v1/events/{event}/waitlist", json={"voucher": "half"}, headers=waits).status_code == 201
    assert client.post(f"/v1/events/{event}/waitlist", json={}, headers=other).status_code == 201
    client.post(f"/v1/bookings/{taken['id']}/cancel", headers=first)
    run_background(kit)

    def mine(headers: dict[str, str]) -> Any:
        [booking] = client.get("/v1/bookings", headers=headers).get_json()["items"]
        return booking

    assert (mine(waits)["status"], mine(waits)["amount"]["amount"]) == ("offered", price // 2)
    full = mine(other)
    assert (full["status"], full["amount"]["amount"], full["discount"]) == ("offered", price, None)
    path = f"/v1/bookings/{full['id']}/voucher"
    assert client.put(path, json={"voucher": "HALF"}, headers=waits).status_code == 404
    assert client.put(path, json={"voucher": "A\u0000B"}, headers=other).status_code == 422
    answer = client.put(path, json={"voucher": "HALF"}, headers=other)
    cheaper = answer.get_json()
    assert (answer.status_code, cheaper["amount"]["amount"], cheaper["discount"]["amount"]) == (200, price // 2, price // 2)
    assert client.put(path, json={"voucher": "HALF"}, headers=other).get_json() == answer.get_json()
    paid = client.post(f"/v1/bookings/{full['id']}/pay", json={"payment_method": "pm_card_visa"}, headers=other)
    assert (paid.status_code, paid.get_json()["status"]) == (200, "confirmed")
    assert client.put(path, json={"voucher": "HALF"}, headers=other).get_json()["code"] == "already_confirmed"


def test_refusals_differ_in_code_and_words_alone(client: FlaskClient, kit: Kit, caller: MakeCaller, host: dict[str, str]) -> None:
    event, other = host_dinner(kit, seats=4), host_dinner(kit, seats=4)
    price = kit.database["events"].find_one({"_id": event})["price"]
    make(client, host, kind="free", code="OTHER-ONE", event_id=other)
    make(client, host, kind="free", code="OVER", event_id=event, valid_until="2020-01-01T00:00:00Z")
    make(client, host, kind="free", code="LARGE", event_id=event, minimum=price | {"amount": price["amount"] + 1})
    make(client, host, kind="free", code="ONCE", event_id=event, max_uses=1)
    client.post("/v1/bookings", json={"event_id": event, "voucher": "ONCE"}, headers=caller("first").headers)

    guest = caller("guest").headers
    answers = {
        code: client.post("/v1/bookings", json={"event_id": event, "voucher": code}, headers=guest)
        for code in ("OTHER-ONE", "OVER", "LARGE", "ONCE", "NO SUCH ONE")
    }
    assert {answer.status_code for answer in answers.values()} == {409}
    assert len({tuple(sorted(answer.get_json())) for answer in answers.values()}) == 1
    assert [answer.get_json()["code"] for answer in answers.values()] == [
        "voucher_not_for_this_event",
        "voucher_expired",
        "voucher_minimum",
        "voucher_used_up",
        "voucher_unknown",
    ]


def test_who_tries_too_many_has_to_wait(client: FlaskClient, kit: Kit, caller: MakeCaller) -> None:
    event, guest = host_dinner(kit, seats=4), caller("guest").headers
    for number in range(CODE_LIMIT.most):
        client.post("/v1/bookings", json={"event_id": event, "voucher": f"GUESS-{number}"}, headers=guest)
    answer = client.post("/v1/bookings", json={"event_id": event, "voucher": "GUESS"}, headers=guest)
    assert (answer.status_code, answer.get_json()["code"]) == (429, "too_many_attempts")
    assert client.post("/v1/bookings", json={"event_id": event}, headers=guest).status_code == 201


@pytest.mark.parametrize(
    ("voucher", "field"),
    [
        ({"kind": "everything"}, "kind"),
        ({"kind": "percent"}, "percent"),
        ({"kind": "percent", "percent": 0}, "percent"),
        ({"kind": "percent", "percent": 10.5}, "percent"),
        ({"kind": "free", "amount": {"amount": 5, "currency": "EUR"}}, "amount"),
        ({"kind": "amount", "amount": {"amount": -5, "currency": "EUR"}}, "amount.amount"),
        ({"kind": "free", "code": "\u0000\u0001\u0002\u0003"}, "code"),
        ({"kind": "free", "max_uses": 10**9}, "max_uses"),
        ({"kind": "free", "colour": "red"}, "colour"),
    ],
)
def test_what_makes_no_sense_is_named(client: FlaskClient, host: dict[str, str], voucher: dict[str, Any], field: str) -> None:
    answer = make(client, host, **voucher)
    assert answer.status_code == 422
    assert [error["field"] for error in answer.get_json()["errors"]] == [field]


def test_the_list_goes_on_page_by_page_and_stopping_is_seen(client: FlaskClient, host: dict[str, str]) -> None:
    ids = [make(client, host, kind="free").get_json()["id"] for _ in range(3)]
    first = client.get("/v1/vouchers?limit=2", headers=host).get_json()
    second = client.get(f"/v1/vouchers?limit=2&cursor={first['next']}", headers=host).get_json()
    assert [item["id"] for item in first["items"] + second["items"]] == ids[::-1]
    assert second["next"] is None
    for _ in range(2):
        assert client.post(f"/v1/vouchers/{ids[0]}/stop", headers=host).get_json()["stopped_at"]


def test_a_code_that_is_taken_is_a_409(client: FlaskClient, host: dict[str, str]) -> None:
    make(client, host, kind="free", code="TWICE")
    answer = make(client, host, kind="free", code="t-w-i-c-e")
    assert (answer.status_code, answer.get_json()["code"]) == (409, "code_taken")

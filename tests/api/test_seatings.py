"""The host's seatings over HTTP: one after the other, side by side."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask.testing import FlaskClient

from dinnerkit import Kit
from dinnerkit.identity import Role
from dinnerkit.matching.seatings import guest_id
from dinnerkit.money import Money
from dinnerkit.testing import run_background
from tests.fire.dinners import host_dinner


def test_a_host_lists_the_runs_and_compares_two(client: FlaskClient, kit: Kit, caller: Callable[..., Any]) -> None:
    admin = caller("admin", Role.ADMIN)
    event = host_dinner(kit, seats=12, price=Money(0, "EUR"))
    for number in range(9):
        guest = caller(f"guest{number}")
        assert client.post("/v1/bookings", json={"event_id": event}, headers=guest.headers).status_code == 201
    asked = [client.post(f"/v1/events/{event}/seating", json={"seed": seed}, headers=admin.headers).get_json() for seed in (1, 2)]
    run_background(kit)
    late = caller("late")
    client.post("/v1/bookings", json={"event_id": event}, headers=late.headers)
    asked.append(client.post(f"/v1/events/{event}/seating", json={"seed": 3}, headers=admin.headers).get_json())
    one, two, three = (run["id"] for run in asked)

    page = client.get(f"/v1/events/{event}/seating?limit=2", headers=admin.headers).get_json()
    rest = client.get(f"/v1/events/{event}/seating?limit=2&cursor={page['next']}", headers=admin.headers).get_json()
    early = client.get(f"/v1/events/{event}/seating/{one}/compare/{three}", headers=admin.headers)
    run_background(kit)
    same = client.get(f"/v1/events/{event}/seating/{one}/compare/{one}", headers=admin.headers).get_json()
    found = client.get(f"/v1/events/{event}/seating/{one}/compare/{three}", headers=admin.headers).get_json()

    assert [(run["id"], run["status"], run["seed"]) for run in page["items"]] == [(three, "queued", 3), (two, "done", 2)]
    assert [run["id"] for run in rest["items"]] == [one]
    assert (page["items"][0]["score"], rest["items"][0]["unseated"], rest["next"]) == (None, 0, None)
    assert (early.status_code, early.get_json()["code"]) == (409, "seating_not_done")
    assert (same["moved"], same["joined"], same["left"]) == ([], [], [])
    assert same["kept_tables"] > 0
    assert ([place["name"] for place in found["joined"]], found["left"], found["one"]["seed"]) == (["late"], [], 1)


def test_a_host_has_a_seating_mended_or_tables_kept(client: FlaskClient, kit: Kit, caller: Callable[..., Any]) -> None:
    admin = caller("admin", Role.ADMIN)
    event = host_dinner(kit, seats=12, price=Money(0, "EUR"))
    for number in range(8):
        client.post("/v1/bookings", json={"event_id": event}, headers=caller(f"guest{number}").headers)
    ask = f"/v1/events/{event}/seating"
    first = client.post(ask, headers=admin.headers).get_json()["id"]
    run_background(kit)
    client.post("/v1/bookings", json={"event_id": event}, headers=caller("late").headers)

    mended = client.post(ask, json={"mend": {"seating_id": first}, "floor": 100}, headers=admin.headers)
    kept = client.post(ask, json={"keep": {"seating_id": first, "tables": [1]}}, headers=admin.headers)
    both = {"keep": {"seating_id": first, "tables": [1]}, "mend": {"seating_id": first}}
    wrong = client.post(ask, json=both, headers=admin.headers)
    run_background(kit)

    assert (mended.status_code, kept.status_code, wrong.status_code) == (202, 202, 422)
    assert wrong.get_json()["code"] == "bad_rule"
    change = client.get(f"{ask}/{first}/compare/{mended.get_json()['id']}", headers=admin.headers).get_json()
    assert ([place["name"] for place in change["joined"]], change["left"]) == (["late"], [])
    seen = client.get(f"{ask}/{mended.get_json()['id']}", headers=admin.headers).get_json()
    assert all(set(low) == {"table", "reason"} for low in seen["below"])
    assert seen["broken"] == []


def test_a_host_keeps_people_by_the_places_that_a_seating_shows(client: FlaskClient, kit: Kit, caller: Callable[..., Any]) -> None:
    admin, stranger = caller("admin", Role.ADMIN), caller("stranger", Role.HOST)
    event, other = (host_dinner(kit, seats=12, price=Money(0, "EUR")) for _ in range(2))
    for number in range(5):
        client.post("/v1/bookings", json={"event_id": event, "guests": 2}, headers=caller(f"guest{number}").headers)
    client.post("/v1/bookings", json={"event_id": other}, headers=stranger.headers)
    ask = f"/v1/events/{event}/seating"
    first = client.post(ask, headers=admin.headers).get_json()["id"]
    run_background(kit)
    shown = client.get(f"{ask}/{first}", headers=admin.headers).get_json()
    people = [{name: place[name] for name in ("booking_id", "companion")} for table in shown["tables"] for place in table["guests"]]

    def keep(wish: dict[str, Any], at: str = ask, headers: dict[str, str] = admin.headers) -> Any:
        return client.post(at, json={"keep": {"seating_id": first} | wish}, headers=headers)

    kept = keep({"guests": people, "tables": [1]})
    run_background(kit)
    assert kept.status_code == 202
    row = kit.database["seatings"].find_one({"_id": kept.get_json()["id"]})
    assert row
    assert [sorted(names) for names in row["locked_guests"]] == [
        sorted(guest_id(place["booking_id"], place["companion"]) for place in table["guests"]) for table in shown["tables"]
    ]
    change = client.get(f"{ask}/{first}/compare/{kept.get_json()['id']}", headers=admin.headers).get_json()
    assert (change["moved"], change["kept_tables"]) == ([], len(shown["tables"]))

    missing = keep({"guests": [people[0], people[0] | {"companion": 7}]})
    assert (missing.status_code, missing.get_json()["code"]) == (422, "bad_rule")
    assert missing.get_json()["guests"] == [f"{people[0]['booking_id']}+7"]
    nothing, too_many = keep({}), keep({"guests": [people[0]] * 1001})
    assert [error["field"] for answer in (nothing, too_many) for error in answer.get_json()["errors"]] == ["keep", "keep.guests"]
    for wrong in ({"guests": []}, {"guests": [{"companion": 1}]}, {"guests": [people[0] | {"name": "guest1"}]}, {"guests": ["guest1"]}):
        assert keep(wrong).status_code == 422
    assert keep({"guests": people}, headers=stranger.headers).status_code == 403
    assert keep({"guests": people}, at=f"/v1/events/{other}/seating").status_code == 404


def test_why_there_is_no_seating_is_told_to_its_host_by_names(client: FlaskClient, kit: Kit, caller: Callable[..., Any]) -> None:
    admin = caller("admin", Role.ADMIN)
    event = host_dinner(kit, seats=12, price=Money(0, "EUR"))
    one, other = caller("Ida"), caller("Olu")
    booked = client.post("/v1/bookings", json={"event_id": event, "guests": 8}, headers=one.headers).get_json()["id"]
    client.post("/v1/bookings", json={"event_id": event}, headers=other.headers)
    ask = f"/v1/events/{event}/seating"
    asked = client.post(ask, headers=admin.headers).get_json()["id"]
    run_background(kit)

    answer = client.get(f"{ask}/{asked}", headers=admin.headers)

    told = answer.get_json()
    assert (answer.status_code, told["code"]) == (409, "seating_impossible")
    assert told["detail"] == "Party Ida of 8 is larger than a table of at most 6."
    [cause] = told["causes"]
    assert cause["text"] == "party Ida of 8 is larger than a table of at most 6"
    assert cause["guests"][:2] == [booked, f"{booked}+1"]
    assert cause["places"][:2] == [
        {"booking_id": booked, "companion": 0, "name": "Ida"},
        {"booking_id": booked, "companion": 1, "name": "Guest of Ida"},
    ]
    assert "Olu" not in answer.get_data(as_text=True)
    assert client.get(f"{ask}/{asked}", headers=other.headers).status_code == 403

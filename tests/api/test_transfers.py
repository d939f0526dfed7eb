"""Seats given to somebody else over HTTP."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask.testing import FlaskClient

from dinnerkit import Kit
from dinnerkit.booking.service import BookingService
from dinnerkit.booking.transferring import TransferService
from dinnerkit.testing import run_background
from tests.fire.dinners import host_dinner

MakeCaller = Callable[..., Any]
CARD = {"payment_method": "pm_card_visa"}


def paid(client: FlaskClient, kit: Kit, guest: Any) -> str:
    booking = client.post("/v1/bookings", json={"event_id": host_dinner(kit, seats=4), "guests": 2}, headers=guest.headers).get_json()
    client.post(f"/v1/bookings/{booking['id']}/pay", json=CARD, headers=guest.headers)
    return str(booking["id"])


def token_of(kit: Kit, user: str, booking: str) -> str:
    return kit.service(TransferService).token(kit.service(BookingService).get(user, booking)) or ""


def test_the_seats_change_hands_and_the_money_goes_back_to_who_paid(client: FlaskClient, kit: Kit, caller: MakeCaller) -> None:
    giver, taker = caller("giver"), caller("taker")
    booking = paid(client, kit, giver)
    offered = client.post(f"/v1/bookings/{booking}/transfer", json={"email": "Taker@example.org"}, headers=giver.headers)
    assert (offered.status_code, offered.get_json()["status"], offered.get_json()["offered_to"]) == (200, "confirmed", "Taker@example.org")

    body = {"token": token_of(kit, giver.id, booking)}
    answers = [client.post("/v1/transfers/accept", json=body, headers=taker.headers) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [200, 200]
    mine = answers[0].get_json()
    assert answers[1].get_json()["id"] == mine["id"] != booking
    assert client.get(f"/v1/bookings/{booking}", headers=giver.headers).get_json()["status"] == "transferred"
    assert client.get(f"/v1/bookings/{mine['id']}", headers=giver.headers).status_code == 404
    refused = client.post(f"/v1/bookings/{booking}/cancel", headers=giver.headers)
    assert (refused.status_code, refused.get_json()["code"]) == (409, "booking_transferred")

    assert client.post(f"/v1/bookings/{mine['id']}/cancel", headers=taker.headers).get_json()["refund"] == mine["amount"]
    run_background(kit)
    [payment] = kit.database["payments"].find()
    assert (payment["user"], payment["refundable"]) == (giver.id, 0)


def test_nobody_learns_who_has_an_account(client: FlaskClient, kit: Kit, caller: MakeCaller) -> None:
    giver = caller("giver")
    caller("known")
    booking = paid(client, kit, giver)
    answers = []
    for email in ("known@example.org", "unknown@example.org"):
        answer = client.post(f"/v1/bookings/{booking}/transfer", json={"email": email}, headers=giver.headers)
        answers.append((answer.status_code, answer.get_json() | {"offered_to": None}))
    assert answers[0] == answers[1]


def test_a_stranger_with_the_link_and_one_with_a_wrong_one_are_refused(client: FlaskClient, kit: Kit, caller: MakeCaller) -> None:
    giver, stranger = caller("giver"), caller("stranger")
    booking = paid(client, kit, giver)
    client.post(f"/v1/bookings/{booking}/transfer", json={"email": "friend@example.org"}, headers=giver.headers)
    token = token_of(kit, giver.id, booking)
    wrong = {token: (403, "not_the_recipient"), token[:-3]: (401, "bad_token"), "x": (401, "bad_token")}
    for sent, expected in wrong.items():
        answer = client.post("/v1/transfers/accept", json={"token": sent}, headers=stranger.headers)
        assert (answer.status_code, answer.get_json()["code"]) == expected
    withdrawn = client.delete(f"/v1/bookings/{booking}/transfer", headers=giver.headers)
    assert withdrawn.get_json()["offered_to"] is None
    friend = caller("friend")
    assert client.post("/v1/transfers/accept", json={"token": token}, headers=friend.headers).status_code == 401


def test_what_is_no_address_is_named(client: FlaskClient, kit: Kit, caller: MakeCaller) -> None:
    giver = caller("giver")
    booking = paid(client, kit, giver)
    for email in ("nobody", "giver@example.org", "a" * 255 + "@example.org"):
        answer = client.post(f"/v1/bookings/{booking}/transfer", json={"email": email}, headers=giver.headers)
        assert (answer.status_code, [error["field"] for error in answer.get_json()["errors"]]) == (422, ["email"])

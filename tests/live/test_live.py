"""What is told on a live connection, and to whom."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import pytest
import requests
from flask import Flask
from simple_websocket import Server

from dinnerkit import Kit, Settings, create_app
from dinnerkit.booking.service import BookingService
from dinnerkit.events.service import EventService
from dinnerkit.http.mount import EXTENSION_KEY
from dinnerkit.identity import Role
from dinnerkit.ids import new_id
from dinnerkit.live import connection
from dinnerkit.live.announcing import Announcer, event_topic
from dinnerkit.live.errors import TooManyConnections
from dinnerkit.live.limits import MOST_BYTES, MOST_FRAMES, Connections
from dinnerkit.live.service import LiveService
from dinnerkit.live.wire import WebSocketWire
from dinnerkit.matching.computing import SeatingWork
from dinnerkit.matching.service import SeatingService
from dinnerkit.money import Money
from dinnerkit.ports.bus import Bus
from dinnerkit.serving.config import gunicorn_settings
from dinnerkit.testing import run_background, settings_for_tests
from tests.fire.dinners import HOST, host_dinner
from tests.live.talking import Talk
from tests.waiting import DEADLINE, until

FREE = Money(0, "EUR")
MakeCaller = Callable[..., Any]
Begin = Callable[..., Talk]
by_both_roads = pytest.mark.parametrize("road", ["handed", "alone"])


def book(kit: Kit, user: str, event: str, guests: int = 1) -> str:
    return kit.service(BookingService).reserve(user, event, guests, booking_id=new_id()).id


@by_both_roads
def test_the_seats_that_are_left_are_told_as_they_go_and_come_back(kit: Kit, talk: Begin, caller: MakeCaller) -> None:
    event, looking, buying = host_dinner(kit, seats=10), caller("looking"), caller("buying")
    listening = talk(token=looking.token)
    assert listening.ask(type="watch", topic="event", event_id=event) == {"type": "watching", "topic": "event", "event_id": event}
    assert listening.hear() == {"type": "event", "event_id": event, "status": "published", "seats": 10, "seats_left": 10}
    booking = book(kit, buying.id, event, 3)
    assert listening.until(type="event", seats_left=7)
    kit.service(BookingService).cancel(buying.id, booking)
    assert listening.until(type="event", seats_left=10)
    kit.service(EventService).cancel(HOST, event)
    run_background(kit)
    assert listening.until(type="event", status="cancelled")


def test_a_guest_is_told_of_their_own_bookings_alone(kit: Kit, talk: Begin, caller: MakeCaller) -> None:
    event, ada, ben = host_dinner(kit, seats=10, price=FREE), caller("ada"), caller("ben")
    hers, his = talk(token=ada.token), talk(token=ben.token)
    for one in (hers, his):
        assert one.ask(type="watch", topic="bookings") == {"type": "watching", "topic": "bookings"}
    booking = book(kit, ada.id, event)
    run_background(kit)
    assert hers.hear() == {"type": "bookings", "booking_id": booking, "event_id": event, "status": "confirmed"}
    kit.service(BookingService).cancel(ada.id, booking)
    run_background(kit)
    assert hers.hear() == {"type": "bookings", "booking_id": booking, "event_id": event, "status": "cancelled"}
    assert his.silent()


def test_two_bookings_that_change_at_once_are_both_told(kit: Kit, talk: Begin, caller: MakeCaller) -> None:
    events, ada = [host_dinner(kit, seats=10, price=FREE) for _ in range(3)], caller("ada")
    hers = talk(token=ada.token)
    hers.ask(type="watch", topic="bookings")
    made = {book(kit, ada.id, event) for event in events}
    run_background(kit)
    assert {hers.hear()["booking_id"] for _ in events} == made


def test_a_guest_is_told_when_their_table_is_published(kit: Kit, talk: Begin, caller: MakeCaller) -> None:
    event, ada = host_dinner(kit, seats=4, price=FREE), caller("ada")
    booking = book(kit, ada.id, event)
    hers = talk(token=ada.token)
    hers.ask(type="watch", topic="table", booking_id=booking)
    assert hers.hear() == {"type": "table", "booking_id": booking, "published": False}
    seating = kit.service(SeatingService).request(HOST, event, seating_id=new_id())
    run_background(kit)
    kit.service(SeatingService).publish(HOST, event, seating.id)
    run_background(kit)
    assert hers.hear() == {"type": "table", "booking_id": booking, "published": True}


def test_a_host_is_told_how_a_seating_goes_on_and_how_it_ended(
    kit: Kit, talk: Begin, caller: MakeCaller, monkeypatch: pytest.MonkeyPatch
) -> None:
    event, admin = host_dinner(kit, seats=12, price=FREE), caller("admin", Role.ADMIN)
    for number in range(12):
        book(kit, caller(f"guest{number}", born=1950 + 4 * number).id, event)
    watching = talk(token=admin.token)
    watching.ask(type="watch", topic="seating", event_id=event)
    seating = kit.service(SeatingService).request(HOST, event, seating_id=new_id())
    monkeypatch.setattr("dinnerkit.matching.computing._TELL_SECONDS", 0.0)
    work, heard = kit.service(SeatingWork), threading.Event()
    tell = work._tell

    def tell_the_end_later(event_id: str, state: Mapping[str, Any]) -> None:
        """Of what comes quickly one after the other only the last is told."""
        assert state["status"] == "queued" or heard.wait(DEADLINE)
        tell(event_id, state)

    monkeypatch.setattr(work, "_tell", tell_the_end_later)
    with ThreadPoolExecutor() as pool:
        computing = pool.submit(work.compute, seating.id)
        try:
            first = watching.hear()
            while "seconds_left" not in first:  # only that it was asked for
                assert (first["type"], first["seating_id"], first["status"]) == ("seating", seating.id, "queued")
                first = watching.hear()
        finally:
            heard.set()
        computing.result()
    assert (first["type"], first["seating_id"], first["status"]) == ("seating", seating.id, "queued")
    assert 0 <= first["progress"] <= 1
    assert first["seconds_left"] is None or first["seconds_left"] >= 0
    assert watching.until(type="seating", status="done", progress=1.0)["score"] > 0
    again = talk(token=admin.token)
    again.ask(type="watch", topic="seating", event_id=event)
    assert again.hear() == {"type": "seating", "event_id": event, "seating_id": seating.id, "status": "done", "progress": 1.0}


@by_both_roads
def test_whoever_missed_news_is_told_how_everything_is_now(kit: Kit, talk: Begin, caller: MakeCaller) -> None:
    event, ada = host_dinner(kit, seats=10), caller("ada")
    listening = talk(token=ada.token)
    listening.ask(type="watch", topic="event", event_id=event)
    listening.ask(type="watch", topic="bookings")
    listening.hear()
    kit.backends.bus._hub.tell_missed()  # type: ignore[attr-defined]
    told = [listening.hear(), listening.hear()]
    assert {"type": "event", "event_id": event, "status": "published", "seats": 10, "seats_left": 10} in told
    assert {"type": "bookings"} in told  # without a booking: read them all again


def test_what_is_watched_no_more_is_told_no_more(kit: Kit, talk: Begin, caller: MakeCaller) -> None:
    event, ada = host_dinner(kit, seats=10), caller("ada")
    listening = talk(token=ada.token)
    listening.ask(type="watch", topic="event", event_id=event)
    listening.hear()
    assert listening.ask(type="unwatch", topic="event", event_id=event) == {"type": "unwatched", "topic": "event", "event_id": event}
    book(kit, ada.id, event)
    assert listening.silent()


def test_many_who_watch_an_event_cost_one_reading(kit: Kit, caller: MakeCaller, monkeypatch: pytest.MonkeyPatch) -> None:
    event, ada = host_dinner(kit, seats=10), caller("ada")
    live, readings = kit.service(LiveService), []
    watches = [live.watch(ada.principal, {"topic": "event", "event_id": event}) for _ in range(50)]
    real = EventService.get
    monkeypatch.setattr(EventService, "get", lambda *args, **more: readings.append(1) or real(*args, **more))  # type: ignore[func-returns-value]
    heard = time.monotonic()
    threads = [threading.Thread(target=watch.now, args=({"about": ""}, heard)) for watch in watches]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(readings) == 1
    assert watches[0].now({"about": ""}, float("inf")) is not None
    assert len(readings) == 2


@pytest.mark.parametrize(
    ("frame", "code"),
    [
        ("nonsense", "bad_frame"),
        ("[]", "bad_frame"),
        ("{}", "bad_frame"),
        ('{"type": "shout"}', "bad_frame"),
        ('{"type": "watch"}', "bad_frame"),
        ('{"type": "watch", "topic": "everything"}', "bad_frame"),
        ('{"type": "watch", "topic": []}', "bad_frame"),
        ('{"type": "watch", "topic": "event"}', "bad_frame"),
        ('{"type": "watch", "topic": "event", "event_id": 3}', "bad_frame"),
        ('{"type": "watch", "topic": "event", "event_id": "../x"}', "bad_frame"),
        ('{"type": "authenticate"}', "bad_frame"),
        ('{"type": "authenticate", "token": "nonsense"}', "bad_token"),
    ],
)
def test_what_means_nothing_is_told_and_the_connection_goes_on(talk: Begin, caller: MakeCaller, frame: str, code: str) -> None:
    listening = talk(token=caller("ada").token)
    listening.socket.send(frame)
    assert listening.hear()["code"] == code
    assert listening.ask(type="watch", topic="bookings")["type"] == "watching"


def test_nobody_watches_what_is_not_theirs(kit: Kit, talk: Begin, caller: MakeCaller) -> None:
    event, ada, ben = host_dinner(kit, seats=4, price=FREE), caller("ada"), caller("ben", Role.HOST)
    booking = book(kit, ada.id, event)
    hidden = kit.service(EventService).create(HOST, kit.service(EventService).event(event).details)["id"]
    his = talk(token=ben.token)
    assert his.ask(type="watch", topic="table", booking_id=booking)["code"] == "not_found"
    assert his.ask(type="watch", topic="seating", event_id=event)["code"] == "not_the_host"
    assert his.ask(type="watch", topic="seating", event_id=new_id())["code"] == "not_found"
    assert his.ask(type="watch", topic="event", event_id=hidden)["code"] == "not_found"
    assert his.ask(type="watch", topic="event", event_id=new_id())["code"] == "not_found"
    assert talk(token=ada.token).ask(type="watch", topic="seating", event_id=event)["code"] == "forbidden"


def test_nothing_is_watched_before_it_is_known_by_whom(talk: Begin, caller: MakeCaller) -> None:
    listening = talk()
    assert listening.ask(type="watch", topic="bookings")["code"] == "unauthenticated"
    assert listening.ask(type="authenticate", token=caller("ada").token) == {"type": "authenticated"}
    assert listening.ask(type="watch", topic="bookings")["type"] == "watching"


def test_the_token_may_come_with_the_upgrade_but_never_in_the_address(address: str, talk: Begin, caller: MakeCaller) -> None:
    token = caller("ada").token
    assert talk(headers={"Authorization": f"Bearer {token}"}).ask(type="watch", topic="bookings")["type"] == "watching"
    assert talk(path=f"/v1/live?token={token}&access_token={token}").ask(type="watch", topic="bookings")["code"] == "unauthenticated"
    upgrade = {
        "Connection": "Upgrade",
        "Upgrade": "websocket",
        "Sec-WebSocket-Key": "AAAAAAAAAAAAAAAAAAAAAA==",
        "Sec-WebSocket-Version": "13",
    }
    refused = requests.get(f"{address}/v1/live", headers={**upgrade, "Authorization": "Bearer nonsense"}, timeout=30)
    assert (refused.status_code, refused.json()["code"]) == (401, "bad_token")


def test_a_connection_is_one_users(talk: Begin, caller: MakeCaller) -> None:
    listening = talk(token=caller("ada").token)
    listening.send(type="authenticate", token=caller("ben").token)
    assert listening.ended() == 1008


def test_with_other_rights_a_connection_begins_anew_and_what_it_watched_ends(talk: Begin, caller: MakeCaller, kit: Kit) -> None:
    host = caller("hester", role=Role.HOST)
    listening = talk(token=host.token)
    kit.database["users"].update_one({"_id": host.id}, {"$set": {"role": "guest"}})
    listening.send(type="authenticate", token=host.token)
    assert listening.ended() == 4401


@by_both_roads
def test_who_does_not_say_whose_it_is_or_is_signed_out_meanwhile_is_sent_away(
    talk: Begin, caller: MakeCaller, kit: Kit, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection, "RECHECK_SECONDS", 1.0)
    monkeypatch.setattr(connection, "AUTHENTICATE_SECONDS", 2.0)  # the client loses what comes in one piece with the handshake's answer
    ada = caller("ada")
    signed_in = talk(token=ada.token)
    kit.database["users"].update_one({"_id": ada.id}, {"$set": {"sessions": []}})
    assert signed_in.ended() == 4401
    nobodys = talk()
    assert nobodys.ended() == 4401


@by_both_roads
def test_a_user_has_so_many_connections_and_no_more(talk: Begin, caller: MakeCaller, connections: Connections) -> None:
    ada = caller("ada")
    talks = [talk(token=ada.token) for _ in range(10)]
    one_more = talk()
    one_more.send(type="authenticate", token=ada.token)
    assert one_more.ended() == 4429
    assert talk(token=caller("ben").token)
    with talks[0]:
        pass
    until(lambda: len(connections) == 10)
    assert talk(token=ada.token)


@by_both_roads
def test_a_process_has_so_many_connections_and_no_more(address: str, talk: Begin, connections: Connections) -> None:
    connections._all_together = 1
    talk()
    upgrade = {
        "Connection": "Upgrade",
        "Upgrade": "websocket",
        "Sec-WebSocket-Key": "AAAAAAAAAAAAAAAAAAAAAA==",
        "Sec-WebSocket-Version": "13",
    }
    refused = requests.get(f"{address}/v1/live", headers=upgrade, timeout=30)
    assert (refused.status_code, refused.json()["code"]) == (503, "too_many_connections")


@by_both_roads
def test_too_much_or_too_often_ends_the_connection(kit: Kit, talk: Begin, caller: MakeCaller) -> None:
    ada = caller("ada")
    long = talk(token=ada.token)
    long.socket.send("x" * (MOST_BYTES + 1))
    assert long.ended() == 1009
    busy = talk(token=ada.token)
    for _ in range(MOST_FRAMES + 1):
        busy.send(type="unwatch", topic="bookings")
    assert busy.ended() == 1008


@pytest.mark.parametrize("road", ["alone"])
def test_a_frame_that_is_too_long_ends_the_request_at_once(
    talk: Begin, caller: MakeCaller, connections: Connections, monkeypatch: pytest.MonkeyPatch
) -> None:
    told, looked = threading.Event(), threading.Event()
    handle, frames = Server._handle_events, WebSocketWire.frames

    def handle_slowly(self: Server) -> bool:  # the library wakes us first, and then notes that the connection is over
        goes_on: bool = handle(self)
        if not goes_on:
            told.set()
            self.event.set()
            assert looked.wait(DEADLINE)
        return goes_on

    def frames_seen(self: WebSocketWire) -> list[str | bytes]:
        was_told = told.is_set()
        found = frames(self)
        if was_told:
            looked.set()
        return found

    monkeypatch.setattr(Server, "_handle_events", handle_slowly)
    monkeypatch.setattr(WebSocketWire, "frames", frames_seen)
    long = talk(token=caller("ada").token)
    long.socket.send("x" * (MOST_BYTES + 1))
    assert long.ended() == 1009
    until(lambda: not len(connections))


def test_one_connection_watches_so_much_and_no_more(kit: Kit, talk: Begin, caller: MakeCaller, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "MOST_WATCHED", 2)
    ada, events = caller("ada"), [host_dinner(kit, seats=4) for _ in range(2)]
    listening = talk(token=ada.token)
    for event in events:
        assert listening.ask(type="watch", topic="event", event_id=event)["type"] == "watching"
        listening.hear()
    assert listening.ask(type="watch", topic="bookings") == {
        "type": "error",
        "code": "bad_frame",
        "detail": "a connection watches at most 2 things",
    }
    listening.ask(type="unwatch", topic="event", event_id=events[0])
    assert listening.ask(type="watch", topic="bookings")["type"] == "watching"


def test_what_goes_away_while_it_is_watched_is_told(kit: Kit, talk: Begin, caller: MakeCaller) -> None:
    event, ada = host_dinner(kit, seats=4), caller("ada")
    listening = talk(token=ada.token)
    listening.ask(type="watch", topic="event", event_id=event)
    listening.hear()
    kit.database["events"].delete_one({"_id": event})
    kit.service(Announcer).seats_changed(event)
    assert listening.hear() == {"type": "gone", "topic": "event", "event_id": event}


def test_while_nothing_happens_a_connection_sleeps_until_its_rights_are_looked_at_again(app: Flask, caller: MakeCaller) -> None:
    ada, now = caller("ada"), 100.0
    hall = replace(app.extensions[EXTENSION_KEY].services[connection.Hall], clock=lambda: now)
    resolved: list[str | None] = []
    one = connection.Connection(Mock(), hall, lambda token: resolved.append(token) or ada.principal)  # type: ignore[func-returns-value]
    assert one.patience == now + connection.AUTHENTICATE_SECONDS
    one.begin(ada.principal)
    assert one.patience == now + connection.RECHECK_SECONDS
    one.look_after()
    assert not resolved
    now = one.patience
    one.look_after()
    assert resolved == [None]
    assert one.patience == now + connection.RECHECK_SECONDS
    one.leave()


def test_connections_that_were_handed_over_count_too() -> None:
    counted = Connections(all_together=2)
    counted.take_in()
    with counted.one(lambda: None):
        assert len(counted) == 2
        with pytest.raises(TooManyConnections):
            counted.take_in()
    counted.let_go()
    assert len(counted) == 0


def test_connections_are_counted_and_woken_when_the_process_is_to_end() -> None:
    counted = Connections(all_together=2)
    woken = [threading.Event(), threading.Event()]
    with counted.one(woken[0].set):
        with counted.one(woken[1].set):
            assert len(counted) == 2
            with pytest.raises(TooManyConnections), counted.one(lambda: None):
                pass
            counted.stopping = lambda: True
            assert all(one.wait(DEADLINE) for one in woken)
        with counted.one(woken[1].set):
            assert len(counted) == 2
    assert len(counted) == 0


def test_where_no_thread_is_to_be_had_a_connection_is_refused_and_the_next_is_tried_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    counted = Connections(all_together=1)
    with monkeypatch.context() as without:
        without.setattr(threading.Thread, "start", Mock(side_effect=RuntimeError("can't start new thread")))
        with pytest.raises(RuntimeError), counted.one(lambda: None):
            pass
    woken = threading.Event()
    with counted.one(woken.set):
        counted.stopping = lambda: True
        assert woken.wait(DEADLINE)


def test_a_process_holds_as_many_as_its_setting_says_and_its_server_lets_others_in_beside(database_url: str, tmp_path: Path) -> None:
    with Kit.open(Settings(**settings_for_tests(database_url, tmp_path, live_connections=1))) as kit:
        counted: Connections = create_app(kit=kit).extensions[EXTENSION_KEY].services[Connections]
        with counted.one(lambda: None), pytest.raises(TooManyConnections), counted.one(lambda: None):
            pass
    assert gunicorn_settings(workers=1, listener=3, log_level="info", live_connections=5000)["worker_connections"] > 5000


@by_both_roads
def test_a_server_that_goes_away_says_so(talk: Begin, caller: MakeCaller, connections: Connections) -> None:
    listening = talk(token=caller("ada").token)
    connections.stopping = lambda: True
    assert listening.ended() == 1001


@by_both_roads
def test_a_fault_of_ours_ends_the_connection_without_telling_what(talk: Begin, caller: MakeCaller, monkeypatch: pytest.MonkeyPatch) -> None:
    listening = talk(token=caller("ada").token)
    monkeypatch.setattr(LiveService, "watch", lambda *_: 1 / 0)
    listening.send(type="watch", topic="bookings")
    assert listening.ended() == 1011


@by_both_roads
def test_when_a_connection_ends_nothing_of_it_remains(kit: Kit, talk: Begin, caller: MakeCaller, connections: Connections) -> None:
    for _ in range(3):
        with talk(token=caller("ada" + new_id()).token) as listening:
            listening.ask(type="watch", topic="bookings")
    until(lambda: not len(connections) and not connections._of)
    until(lambda: len(kit.backends.bus._hub) == 1)  # type: ignore[attr-defined] # the tests' own


def test_a_request_that_is_no_upgrade_is_told_what_this_is(address: str) -> None:
    answer = requests.get(f"{address}/v1/live", timeout=30)
    assert (answer.status_code, answer.json()["code"], answer.headers["Upgrade"]) == (426, "upgrade_required", "websocket")


@pytest.mark.parametrize("missing", ["Sec-WebSocket-Key", "Sec-WebSocket-Version"])
def test_an_upgrade_that_is_none_is_a_fault_of_the_clients(address: str, missing: str) -> None:
    upgrade = {"Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Key": "A" * 22 + "==", "Sec-WebSocket-Version": "13"}
    del upgrade[missing]
    refused = requests.get(f"{address}/v1/live", headers=upgrade, timeout=30)
    assert refused.status_code == 400
    assert refused.headers["Content-Type"] == "application/problem+json"


@pytest.mark.parametrize(
    ("version", "fields", "body"),
    [
        (b"1.0", b"", b""),
        (b"1.1", b"Content-Length: 5\r\n", b"abcde"),
        (b"1.1", b"Transfer-Encoding: chunked\r\n", b"5\r\nabcde\r\n0\r\n\r\n"),
    ],
    ids=["HTTP/1.0", "body", "chunked"],
)
def test_an_upgrade_is_asked_for_by_http_1_1_and_without_a_body(address: str, version: bytes, fields: bytes, body: bytes) -> None:
    host, port = address.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=30) as connection:
        connection.sendall(
            b"GET /v1/live HTTP/" + version + b"\r\nHost: h\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
            b"Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n" + fields + b"\r\n" + body
        )
        assert b" 400 " in connection.recv(65_536).partition(b"\r\n")[0]


def test_frames_are_not_compressed_since_each_connection_would_keep_a_compressor(address: str) -> None:
    host, port = address.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=30) as connection:
        connection.sendall(
            b"GET /v1/live HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
            b"Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Extensions: permessage-deflate\r\n\r\n"
        )
        head = connection.recv(65_536).lower()
    assert head.startswith(b"http/1.1 101 ")
    assert b"sec-websocket-extensions" not in head


def test_the_bus_is_told_after_the_database_and_a_refused_booking_tells_nothing(kit: Kit, caller: MakeCaller) -> None:
    event, ada = host_dinner(kit, seats=2), caller("ada")
    bus: Bus = kit.backends.bus
    with bus.subscribe(event_topic(event)) as heard:
        with pytest.raises(Exception, match="seats"):
            book(kit, ada.id, event, 3)
        assert heard.next(0.6) is None
        book(kit, ada.id, event, 2)
        assert heard.next(30) is not None

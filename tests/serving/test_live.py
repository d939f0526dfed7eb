"""Live connections under the server that people run."""

from __future__ import annotations

import json
import signal
import socket
from pathlib import Path

from wsproto import ConnectionType
from wsproto.connection import Connection as Frames
from wsproto.events import CloseConnection, TextMessage

from dinnerkit import Kit, Settings
from dinnerkit.accounts.service import AccountService, NewUser
from dinnerkit.booking.service import BookingService
from dinnerkit.ids import new_id
from tests.fire.dinners import host_dinner
from tests.fire.serving import bearer_tokens
from tests.live.talking import Talk
from tests.serving.processes import Served, serving
from tests.waiting import until


def test_what_one_process_changes_is_told_by_the_others_and_a_drain_says_goodbye(environ: dict[str, str], tmp_path: Path) -> None:
    settings = Settings.load(environ=environ)
    with serving(environ, "--workers", "2", cwd=tmp_path) as served, Kit.open(settings) as kit:
        event = host_dinner(kit, seats=100)
        users = kit.service(AccountService).import_users([NewUser(email=f"{n}@example.org", name="Ada") for n in range(12)])
        tokens = bearer_tokens(kit, users)
        talks = [Talk(f"http://{served.host}:{served.port}", token=tokens[user]) for user in users]
        for talk in talks:
            talk.ask(type="watch", topic="event", event_id=event)
            assert talk.hear()["seats_left"] == 100
        kit.service(BookingService).reserve(users[0], event, 3, booking_id=new_id())
        for talk in talks:
            assert talk.until(type="event", seats_left=97)
        _hears_what_comes_in_one_piece_with_the_request(served)
        assert served.status("/health/ready") == 200
        _drained(served, talks)


def _hears_what_comes_in_one_piece_with_the_request(served: Served) -> None:
    with socket.create_connection((served.host, served.port), timeout=30) as client:
        ask = Frames(ConnectionType.CLIENT)
        many = b"".join(ask.send(TextMessage('{"type": "watch", "topic": "bookings"}')) for _ in range(50))
        client.sendall(
            b"GET /v1/live HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
            b"Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n" + many + ask.send(CloseConnection(1000))
        )
        received = b""
        while piece := client.recv(65_536):
            received += piece
    head, _, frames = received.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 101 ")
    ask.receive_data(frames)
    *answers, closed = ask.events()
    assert {json.loads(answer.data)["code"] for answer in answers if isinstance(answer, TextMessage)} <= {"unauthenticated"}
    assert isinstance(closed, CloseConnection)
    assert closed.code == 1000


def _drained(served: Served, talks: list[Talk]) -> None:
    served.process.send_signal(signal.SIGTERM)
    assert {talk.ended() for talk in talks} == {1001}
    until(lambda: served.process.poll() is not None, "it ends")
    assert served.process.returncode == 0
    for talk in talks:
        with talk:
            pass

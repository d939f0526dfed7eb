"""Sockets that were handed over, whatever comes on them."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from unittest.mock import Mock

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from wsproto import ConnectionType
from wsproto.connection import Connection as Frames
from wsproto.events import BytesMessage, CloseConnection, Event, Ping, Pong, TextMessage

from dinnerkit.errors import NotFound
from dinnerkit.identity import Principal
from dinnerkit.live import switchboard
from dinnerkit.live.connection import Hall
from dinnerkit.live.errors import TooManyConnections
from dinnerkit.live.limits import MOST_BYTES, MOST_FRAMES, MOST_UNSENT, Connections
from dinnerkit.live.rooms import Rooms
from dinnerkit.live.switchboard import Switchboard
from dinnerkit.live.wire import text_frame
from tests.live.test_wire import UPGRADE
from tests.waiting import DEADLINE, until

ADA = Principal("ada")


class Crew:
    """Does everything on a thread of its own."""

    def submit(self, function: Callable[..., object], *args: object) -> None:
        threading.Thread(target=function, args=args).start()


@dataclass
class Given:
    """One end of a pair of sockets, as a server has it."""

    socket: socket.socket
    unread: bytes = b""
    closed: threading.Event = field(default_factory=threading.Event)

    def hand_over(self) -> tuple[int, bytes, Callable[[], None]]:
        self.socket.setblocking(False)
        return self.socket.detach(), self.unread, self.closed.set


class Caller:
    """The other end."""

    def __init__(self, theirs: socket.socket, given: Given) -> None:
        self.socket, self.given = theirs, given
        theirs.settimeout(DEADLINE)
        self.frames = Frames(ConnectionType.CLIENT)
        self.waiting: list[Event] = []

    def hear(self) -> Event:
        while not self.waiting:
            self.frames.receive_data(self.socket.recv(65_536) or pytest.fail("it was closed without a word"))
            self.waiting += self.frames.events()
        return self.waiting.pop(0)

    def ask(self, **what: Any) -> Any:
        self.socket.sendall(self.frames.send(TextMessage(json.dumps(what))))
        answer = self.hear()
        assert isinstance(answer, TextMessage)
        return json.loads(answer.data)

    def ended(self) -> int:
        """The code with which it ends; nothing follows, and it is closed once this end is."""
        heard = self.hear()
        assert isinstance(heard, CloseConnection), heard
        assert self.socket.recv(1) == b""
        self.socket.close()
        assert self.given.closed.wait(DEADLINE)
        return int(heard.code)


class House:
    """A switchboard, and what is behind it."""

    def __init__(self, most: int = 10) -> None:
        self.connections = Connections(each=2, all_together=most)
        self.service = Mock()
        crew: Any = Crew()
        self.board = Switchboard(Hall(self.service, Rooms(Mock(), crew), self.connections, crew))

    @contextmanager
    def open(self, unread: bytes = b"", principal: Principal | None = ADA) -> Iterator[Caller]:
        ours, theirs = socket.socketpair()
        given, before = Given(ours, unread), self.connections._of["ada"]
        with theirs:
            caller = Caller(theirs, given)
            self.board.take(UPGRADE, given, lambda _: principal, principal)
            head = b""
            while not head.endswith(b"\r\n\r\n"):
                head += theirs.recv(1)
            assert head.startswith(b"HTTP/1.1 101 ")
            yield caller
        assert given.closed.wait(DEADLINE)
        until(lambda: self.connections._of["ada"] <= before)


@pytest.fixture
def house() -> House:
    return House()


FRAME = text_frame(b"x" * 4096)


def test_it_answers_message_after_message(house: House) -> None:
    with house.open() as caller:
        for _ in range(3):
            assert caller.ask(type="unwatch", topic="bookings") == {"type": "unwatched", "topic": "bookings"}
        caller.socket.sendall(caller.frames.send(Ping(b"payload")))
        assert caller.hear() == Pong(b"payload")
        caller.socket.sendall(caller.frames.send(CloseConnection(3001, "so long")))
        assert caller.ended() == 3001
    assert len(house.connections) == 0


@settings(max_examples=30, deadline=None)
@given(st.data())
def test_however_messages_come_to_pieces_they_are_the_same_messages(data: st.DataObject) -> None:
    house = House()
    texts = data.draw(st.lists(st.text("aé漢😀", min_size=1, max_size=40), min_size=1, max_size=4))
    client = Frames(ConnectionType.CLIENT)
    sent = b""
    for text in texts:
        whole = json.dumps({"type": "unwatch", "n": text}, ensure_ascii=False)
        cut = data.draw(st.integers(0, len(whole)))
        sent += client.send(TextMessage(whole[:cut], message_finished=False))
        sent += client.send(Ping(b"between")) if data.draw(st.booleans()) else b""
        sent += client.send(TextMessage(whole[cut:]))
    cuts = sorted(data.draw(st.lists(st.integers(0, len(sent)), max_size=5)))
    early, *pieces = [sent[start:end] for start, end in zip([0, *cuts], [*cuts, len(sent)], strict=True)]
    with house.open(early) as caller:
        for piece in pieces:
            caller.socket.sendall(piece)
        told = []
        while len(told) < len(texts):
            if isinstance(heard := caller.hear(), TextMessage):
                told.append(json.loads(heard.data)["n"])
        assert told == texts
        caller.socket.sendall(client.send(CloseConnection(1000)))
        while isinstance(caller.waiting[0] if caller.waiting else None, Pong):
            caller.waiting.pop(0)
        while not isinstance(caller.hear(), CloseConnection):
            pass


@pytest.mark.parametrize(
    ("sent", "code"),
    [
        (b"\x81\x03abc", 1002),  # not masked
        (b"\x83\x80" + bytes(4), 1002),  # an opcode that there is not
        (b"\xc1\x80" + bytes(4), 1002),  # as if it were compressed
        (b"\x80\x80" + bytes(4), 1002),  # goes on with what has not begun
        (b"\x89\xfe\x00\x80" + bytes(4), 1002),  # a long ping
        (b"\x09\x80" + bytes(4), 1002),  # a ping in pieces
        (b"\x81\xff\x80" + bytes(11), 1002),  # longer than there is
        (b"\x81\x82" + bytes(4) + b"\xff\xff", 1007),  # no UTF-8
        (b"\x88\x82" + bytes(4) + b"\x03\xed", 1002),  # ended by a code that is never sent
        (b"\x88\x80" + bytes(4), 1005),  # without a code
        (b"\x81\xfe\x10\x01" + bytes(4) + b"x" * (MOST_BYTES + 1), 1009),
        (b"\x81\xff" + (1 << 40).to_bytes(8, "big") + bytes(4) + b"x" * (MOST_BYTES + 1), 1009),
        (b"\x01\xe4" + bytes(4) + b"x" * 100 + (b"\x00\xe4" + bytes(4) + b"x" * 100) * 40, 1009),  # in pieces
        ((b"\x8a\x80" + bytes(4)) * (MOST_FRAMES + 1), 1008),
        ((b"\x89\x80" + bytes(4)) * (MOST_FRAMES + 1), 1008),
        ((b"\x01\x80" + bytes(4)) + (b"\x00\x80" + bytes(4)) * MOST_FRAMES, 1008),
    ],
)
@pytest.mark.parametrize("early", [False, True])
def test_what_is_against_the_protocol_or_too_much_ends_it(house: House, sent: bytes, code: int, early: bool) -> None:
    with house.open(sent if early else b"") as caller:
        if not early:
            caller.socket.sendall(sent)
        while isinstance(heard := caller.hear(), Pong):
            pass
        caller.waiting.insert(0, heard)
        assert caller.ended() == code
    assert len(house.connections) == 0


def test_binary_frames_are_taken_as_text(house: House) -> None:
    with house.open() as caller:
        caller.socket.sendall(caller.frames.send(BytesMessage(b'{"type": "unwatch"}')))
        assert caller.hear() == TextMessage('{"type":"unwatched"}')


def test_who_hangs_up_without_a_word_is_forgotten(house: House) -> None:
    with house.open() as caller:
        caller.ask(type="unwatch")
    assert len(house.connections) == 0


def test_there_are_so_many_and_no_more() -> None:
    house = House(most=1)
    with house.open():
        ours, theirs = socket.socketpair()
        with ours, theirs, pytest.raises(TooManyConnections):
            house.board.take(UPGRADE, Given(ours), lambda _: ADA, ADA)
    assert len(house.connections) == 0


def test_where_no_thread_is_to_be_had_the_connection_is_given_up_and_the_next_is_tried_anew(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    ours, theirs = socket.socketpair()
    given = Given(ours)
    with monkeypatch.context() as without, theirs:
        without.setattr(threading.Thread, "start", Mock(side_effect=RuntimeError("can't start new thread")))
        with pytest.raises(RuntimeError):
            house.board.take(UPGRADE, given, lambda _: ADA, ADA)
        assert theirs.recv(1) == b""
    assert given.closed.is_set()
    assert len(house.connections) == 0
    with house.open() as caller:
        assert caller.ask(type="unwatch") == {"type": "unwatched"}


def test_a_user_has_so_many_and_the_place_of_one_that_ends_is_free(house: House) -> None:
    with house.open() as one, house.open():
        ours, theirs = socket.socketpair()
        with theirs:
            refused = Given(ours)
            house.board.take(UPGRADE, refused, lambda _: ADA, ADA)
            data = b""
            while piece := theirs.recv(1000):
                data += piece
            assert b"\x11\x4d" in data  # 4429
        assert refused.closed.wait(DEADLINE)
        one.socket.sendall(one.frames.send(CloseConnection(1000)))
        assert one.ended() == 1000
        until(lambda: house.connections._of["ada"] == 1)
        with house.open() as another:
            assert another.ask(type="unwatch") == {"type": "unwatched"}


def test_who_takes_nothing_is_let_go_of_and_what_waits_for_them_has_a_bound(house: House) -> None:
    with house.open() as deaf:
        [link] = house.board._links
        with house.open() as well:
            most = 0
            while not link.over:
                link.send(FRAME)
                most = max(most, len(link.unsent))
            assert 0 < most <= MOST_UNSENT
            assert deaf.given.closed.wait(DEADLINE)
            assert well.ask(type="unwatch") == {"type": "unwatched"}


def test_who_is_slow_hears_everything_in_order_and_then_the_end(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(switchboard, "CLOSE_SECONDS", 3600.0)
    with house.open() as slow:
        [link] = house.board._links
        sent = 0
        while not link.unsent:
            link.send(FRAME)
            sent += 1
        link.end(1001, "going")
        received = 0
        while received < 4096 * sent:
            heard = slow.hear()
            assert isinstance(heard, TextMessage)
            received += len(heard.data)
        assert received == 4096 * sent
        assert slow.ended() == 1001


def test_who_takes_nothing_for_long_is_let_go_of(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(switchboard, "SEND_SECONDS", 0.1)
    with house.open() as deaf:
        [link] = house.board._links
        while not link.unsent:
            link.send(FRAME)
        assert deaf.given.closed.wait(DEADLINE)


def test_who_does_not_hang_up_when_it_is_over_is_hung_up_on(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(switchboard, "CLOSE_SECONDS", 0.1)
    with house.open() as stubborn:
        house.connections.stopping = lambda: True
        heard = stubborn.hear()
        assert isinstance(heard, CloseConnection)
        assert heard.code == 1001
        assert stubborn.given.closed.wait(DEADLINE)


def test_who_is_silent_is_pinged_and_let_go_of_if_they_do_not_answer(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(switchboard, "PING_SECONDS", 0.1)
    with house.open() as silent:
        heard = silent.hear()
        assert heard == Ping(b"")
        silent.socket.sendall(silent.frames.send(Pong()))
        assert silent.hear() == Ping(b"")
        assert silent.ended() == 1008


def test_a_fault_of_ours_ends_the_one_connection(house: House) -> None:
    house.service.watch.side_effect = [ZeroDivisionError, NotFound("no such thing")]
    with house.open() as one, house.open() as other:
        one.socket.sendall(one.frames.send(TextMessage('{"type": "watch"}')))
        assert one.ended() == 1011
        assert other.ask(type="watch")["code"] == "not_found"


def test_when_all_are_gone_the_thread_ends_and_begins_anew_with_the_next(house: House) -> None:
    for _ in range(2):
        with house.open() as caller:
            caller.ask(type="unwatch")
        until(lambda: house.board._waker is None)

"""What a live connection goes over, where its clients mean ill."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st
from wsproto.frame_protocol import FrameProtocol, Opcode

from dinnerkit.live.limits import MOST_BYTES
from dinnerkit.live.wire import WebSocketWire, text_frame
from tests.waiting import DEADLINE

UPGRADE = {
    "HTTP_HOST": "h",
    "HTTP_CONNECTION": "Upgrade",
    "HTTP_UPGRADE": "websocket",
    "HTTP_SEC_WEBSOCKET_KEY": "A" * 22 + "==",
    "HTTP_SEC_WEBSOCKET_VERSION": "13",
}
FRAME = b"\x81\xfe" + MOST_BYTES.to_bytes(2, "big") + bytes(4) + b"x" * MOST_BYTES


@given(st.sampled_from([0, 1, 125, 126, 127, 65_535, 65_536, 70_000]) | st.integers(0, 300), st.sampled_from("aé漢😀"))
def test_what_is_sent_is_one_message_as_any_client_reads_it(length: int, letter: str):
    text = (letter * length).encode()[:length].decode(errors="ignore")
    client = FrameProtocol(client=True, extensions=[])
    client.receive_bytes(text_frame(text.encode()))
    frames = list(client.received_frames())
    assert "".join(frame.payload for frame in frames) == text
    assert [(frame.opcode, frame.message_finished) for frame in frames][-1:] == [(Opcode.TEXT, True)]


@pytest.fixture
def ends() -> Iterator[tuple[socket.socket, socket.socket]]:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        theirs.settimeout(DEADLINE)
        yield ours, theirs


def test_what_comes_while_nobody_looks_is_kept_up_to_a_bound_and_then_the_connection_ends(
    ends: tuple[socket.socket, socket.socket],
) -> None:
    ours, theirs = ends
    woken = threading.Event()
    wire = WebSocketWire({**UPGRADE, "gunicorn.socket": ours}, woken.set)
    assert theirs.recv(65_536).startswith(b"HTTP/1.1 101 ")
    for _ in range(5):  # looked at, as many as come
        theirs.sendall(FRAME * 30)
        seen = 0
        while seen < 30:
            assert woken.wait(DEADLINE)
            woken.clear()
            seen += len(wire.frames())
    with pytest.raises((BrokenPipeError, ConnectionResetError)):
        theirs.sendall(FRAME * 3000)
    assert len(wire._socket_of.input_buffer) < 1000

"""WebSockets: how a request for one is answered, how frames look, and the library's way of talking, under whatever server runs the app."""

from __future__ import annotations

import struct
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from socket import SHUT_RDWR, socket
from typing import Any

from simple_websocket import ConnectionClosed, Server
from wsproto import ConnectionType, WSConnection
from wsproto.connection import Connection
from wsproto.events import AcceptConnection, CloseConnection, Ping
from wsproto.frame_protocol import CloseReason
from wsproto.utilities import ProtocolError

from dinnerkit.live.limits import MOST_BYTES, MOST_FRAMES, PING_SECONDS, SEND_SECONDS

_SOCKETS = ("gunicorn.socket", "werkzeug.socket")
_MOST_READS = 4 * MOST_FRAMES
"""How often may be read, :data:`MOST_BYTES` at most, before somebody has looked at what came."""

_TEXT, _POLICY = 0x81, 1008
_LENGTH_OF_TWO, _LENGTH_OF_EIGHT, _MOST_OF_TWO = 126, 127, 1 << 16

_ASKED = ("Host", "Connection", "Upgrade", "Sec-WebSocket-Key", "Sec-WebSocket-Version")
"""What counts of a request for a WebSocket: no extension is known, and no subprotocol."""

_EXTENSIONS = "HTTP_SEC_WEBSOCKET_EXTENSIONS"
"""Compression is all that the library knows: it keeps a compressor for each connection, and makes 4 MB of a frame of 4 kB."""


def check_framing(environ: Mapping[str, Any]) -> None:
    """See that frames begin where the head of this request ends.

    Raises:
        ValueError: a body comes first, or the client speaks HTTP/1.0, in which an upgrade means nothing (RFC 9110, 7.8).
    """
    if environ.get("SERVER_PROTOCOL") == "HTTP/1.0":
        raise ValueError("no WebSocket: it is asked for by HTTP/1.0")
    if "HTTP_TRANSFER_ENCODING" in environ or environ.get("CONTENT_LENGTH", "").strip("0"):
        raise ValueError("no WebSocket: it is asked for by a request with a body")


def accepted(environ: Mapping[str, Any]) -> bytes:
    """What answers a request for a WebSocket.

    Raises:
        ValueError: it is no such request.
    """
    names = {name: f"HTTP_{name.upper().replace('-', '_')}" for name in _ASKED}
    lines = ["GET / HTTP/1.1", *(f"{name}: {environ[key]}" for name, key in names.items() if key in environ)]
    asked = WSConnection(ConnectionType.SERVER)
    try:
        asked.receive_data("\r\n".join([*lines, "", ""]).encode("latin-1"))
        return asked.send(AcceptConnection())
    except ProtocolError as error:
        raise ValueError(f"no WebSocket: {error}") from error


class Gone(Exception):
    """The other side is gone, or too slow.

    Attributes:
        code: that of RFC 6455, section 7.4.
    """

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(reason)
        self.code, self.reason = code, reason


def text_frame(text: bytes) -> bytes:
    """A whole message as a server sends it, unmasked (RFC 6455, 5.2): at a tenth of what the library takes for it."""
    length = len(text)
    if length < _LENGTH_OF_TWO:
        return struct.pack("!BB", _TEXT, length) + text
    if length < _MOST_OF_TWO:
        return struct.pack("!BBH", _TEXT, _LENGTH_OF_TWO, length) + text
    return struct.pack("!BBQ", _TEXT, _LENGTH_OF_EIGHT, length) + text


def close_frame(code: int, reason: str) -> bytes:
    """The last frame; 1005 stands for no code."""
    with suppress(ValueError):  # the library compares by identity
        code = CloseReason(code)
    return Connection(ConnectionType.SERVER).send(CloseConnection(code, reason or None))


PING_FRAME = Connection(ConnectionType.SERVER).send(Ping())


class WebSocketWire:
    """Sends and takes frames.

    Args:
        environ: of the request that asks for the upgrade; answered with 101 at once.
        woken: called whenever something has come, or the other side has gone.

    Raises:
        ValueError: what it asks for is no WebSocket; nothing was sent.
    """

    def __init__(self, environ: dict[str, Any], woken: Callable[[], None]) -> None:
        known = {name: value for name, value in environ.items() if name != _EXTENSIONS}
        polite = {name: PoliteSocket(environ[name]) for name in _SOCKETS if name in environ}
        self._socket = next(iter(polite.values()), None)
        try:
            self._socket_of = Server.accept(
                {**known, **polite},
                receive_bytes=MOST_BYTES,
                ping_interval=PING_SECONDS,
                max_message_size=MOST_BYTES,
                thread_class=lambda target: threading.Thread(target=_finally(target, woken)),
                event_class=lambda: WakingEvent(woken),
            )
        except ProtocolError as error:
            raise ValueError(f"no WebSocket: {error}") from error
        self.mode: str = self._socket_of.mode

    def frames(self) -> list[str | bytes]:
        """What has come since the last call, without waiting.

        Raises:
            Gone: the other side is.
        """
        if self._socket is not None:
            self._socket.reads = 0
        found: list[str | bytes] = []
        if self._socket_of.connected and not self._socket_of.input_buffer:
            return found  # as after most wakings, and cheaper than to ask the library
        try:
            while (frame := self._socket_of.receive(timeout=0)) is not None:
                found.append(frame)
                if len(found) > MOST_FRAMES:
                    break
        except ConnectionClosed as closed:
            if not found:
                raise Gone(int(closed.reason), "gone") from closed
        return found

    def send(self, frame: bytes) -> None:
        """Send a frame; a socket that takes nothing is given up.

        Raises:
            Gone: the other side is.
        """
        if not self._socket_of.connected:
            raise Gone(int(self._socket_of.close_reason), "gone")
        try:
            (self._socket or self._socket_of.sock).sendall(frame)
        except OSError as error:
            raise Gone(_POLICY, "gone, or too slow") from error

    def close(self, code: int, reason: str) -> None:
        """Say why it ends, if the other side still listens, and wake whoever reads."""
        with suppress(ConnectionClosed, ProtocolError, OSError, ValueError):
            self._socket_of.close(code, reason)
        if self._socket is not None:
            self._socket.shut()


def _finally(first: Callable[[], None], then: Callable[[], None]) -> Callable[[], None]:
    """Both; the library tells that it has read something before it takes note of that having ended the connection."""

    def run() -> None:
        try:
            first()
        finally:
            then()

    return run


class WakingEvent(threading.Event):
    """An event that also wakes somebody who does not wait for it."""

    def __init__(self, woken: Callable[[], None]) -> None:
        super().__init__()
        self._woken = woken

    def set(self) -> None:
        """Set it, and wake them."""
        super().set()
        self._woken()


class PoliteSocket:
    """A socket that sends all or nothing, never two things at once, and lets others have a turn.

    The library sends what fits, from two threads; and under gevent a peer that sends without pause would keep all others waiting.

    Attributes:
        reads: how often it was read since somebody looked at what came.
    """

    def __init__(self, real: socket) -> None:
        self._real = real
        self._sending = threading.Lock()
        self.reads = 0
        real.settimeout(SEND_SECONDS)  # reading waits on a selector before, so this bounds sending alone

    def fileno(self) -> int:
        """For selectors."""
        return self._real.fileno()

    def recv(self, most: int) -> bytes:
        """Read what is there; nothing more once too much waits to be looked at, which the library keeps without a bound."""
        time.sleep(0)
        self.reads += 1
        return self._real.recv(most) if self.reads <= _MOST_READS else b""

    def send(self, data: bytes) -> int:
        """Send all of it, and say so."""
        self.sendall(data)
        return len(data)

    def sendall(self, data: bytes) -> None:
        """Send all of it.

        Raises:
            OSError: the other side is gone, or took nothing for :data:`SEND_SECONDS`.
        """
        with self._sending:
            self._real.sendall(data)

    def shut(self) -> None:
        """End both directions, so that whoever waits for the socket hears of it."""
        with suppress(OSError):
            self._real.shutdown(SHUT_RDWR)

    def close(self) -> None:
        """Give it back."""
        with suppress(OSError):
            self._real.close()

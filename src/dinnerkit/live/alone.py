"""A live connection on the thread of its request, which lasts as long.

For servers that hand no socket over, and apps that need the request to say whose it is.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from typing import Any

import structlog

from dinnerkit.identity import Principal
from dinnerkit.live.connection import GOING_AWAY, OUR_FAULT, POLICY, Connection, Hall, Over, Resolve
from dinnerkit.live.wire import Gone, WebSocketWire

_MOST_UNSENT = 200
"""So many frames may wait to be sent."""

_log = structlog.get_logger("dinnerkit.live")


class Alone:
    """A wire whose frames are sent by the one thread that also reads.

    Args:
        hall: what all connections share.
    """

    def __init__(self, hall: Hall) -> None:
        self._hall = hall
        self._event = threading.Event()
        self._unsent: deque[bytes] = deque()
        self._over: Over | None = None

    @property
    def wake(self) -> Callable[[], None]:
        """Lets it look up."""
        return self._event.set

    def send(self, frame: bytes) -> None:
        """Take a frame to be sent."""
        if len(self._unsent) >= _MOST_UNSENT:
            self.end(POLICY, "too slow")
        else:
            self._unsent.append(frame)
            self.wake()

    def end(self, code: int, reason: str) -> None:
        """End the connection."""
        self._over = self._over or Over(code, reason)
        self.wake()

    def talk(self, environ: dict[str, Any], resolve: Resolve, principal: Principal | None) -> str:
        """Answer the upgrade, and go on until it is over; how the server is to be told, in the library's words.

        Raises:
            ValueError: it is no upgrade to a WebSocket.
        """
        wire = WebSocketWire(environ, self.wake)
        connection = Connection(self, self._hall, resolve)
        try:
            connection.begin(principal)
            while True:
                self._look_after(connection)
                for frame in wire.frames():
                    connection.count()
                    connection.take(frame)
                    self._flush(wire)
                self._flush(wire)
                self._event.wait(max(0.0, connection.patience - self._hall.clock()))
                self._event.clear()
        except (Over, Gone) as over:
            wire.close(over.code, over.reason)
        except Exception as error:  # noqa: BLE001 - the answer has begun, so no error page can be sent
            _log.warning("live_connection_failed", error=type(error).__name__)
            wire.close(OUR_FAULT, "something went wrong on our side")
        finally:
            connection.leave()
        return wire.mode

    def _look_after(self, connection: Connection) -> None:
        if self._over is not None:
            raise self._over
        if self._hall.connections.stopping():
            raise Over(GOING_AWAY, "the server is going away; come back")
        connection.look_after()

    def _flush(self, wire: WebSocketWire) -> None:
        while self._unsent:
            wire.send(self._unsent.popleft())

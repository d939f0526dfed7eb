"""The sockets that a server has handed over: one thread reads all of them, and nothing of their requests is kept."""

from __future__ import annotations

import os
import selectors
import threading
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from functools import partial
from typing import Any

import structlog
from wsproto import ConnectionType
from wsproto.connection import Connection as Frames
from wsproto.events import BytesMessage, CloseConnection, Event, Ping, Pong, TextMessage

from dinnerkit.identity import Principal
from dinnerkit.live.connection import GOING_AWAY, OUR_FAULT, POLICY, Connection, Hall, Over, Resolve
from dinnerkit.live.limits import CLOSE_SECONDS, MOST_BYTES, MOST_UNSENT, PING_SECONDS, SEND_SECONDS
from dinnerkit.live.links import HandsOver, Link, hang_up
from dinnerkit.live.turns import in_turns
from dinnerkit.live.wire import PING_FRAME, accepted, close_frame

_AT_ONCE = 4096
_TICK_SECONDS = 1.0
_TOO_LONG = 1009
_READ, _WRITE = selectors.EVENT_READ, selectors.EVENT_WRITE

log = structlog.get_logger("dinnerkit.live")


class Switchboard:
    """Reads, pings and closes all sockets that were handed over in this process, on a thread that lasts while there are any.

    What may take a moment is done by the hall's crew, for each connection one thing after the other.

    Args:
        hall: what the connections share.
    """

    def __init__(self, hall: Hall) -> None:
        self._hall = hall
        self._lock = threading.Lock()
        self._links: set[Link] = set()
        self._changed: deque[Link] = deque()
        self._due: dict[int, list[Link]] = {}
        self._waker: int | None = None

    def take(self, environ: Mapping[str, Any], given: HandsOver, resolve: Resolve, principal: Principal | None) -> None:
        """Answer an upgrade, and go on with its socket.

        Raises:
            TooManyConnections: this process holds as many as it can.
            ValueError: it is no upgrade to a WebSocket.
        """
        answer = accepted(environ)
        self._hall.connections.take_in()
        with ExitStack() as undo:
            undo.callback(self._hall.connections.let_go)
            fd, unread, closed = given.hand_over()
            undo.callback(closed)
            undo.callback(os.close, fd)
            link = Link(self, fd, closed, self._hall.clock())
            self._add(link)
            undo.pop_all()
        connection = link.connection = Connection(link, self._hall, resolve)
        link.send(answer)
        with self._ending(link):
            connection.begin(principal)
            if unread:
                self._read(link, unread)
        with self._lock:
            link.ready, link.busy = True, False
            self._change(link)
        self._work_on(link)

    def send(self, link: Link, frame: bytes) -> None:
        """Send a frame; what the socket does not take now waits, up to a bound."""
        with self._lock:
            if not link.over:
                self._write(link, frame)

    def end(self, link: Link, code: int, reason: str) -> None:
        """Say goodbye."""
        with self._lock:
            if link.over:
                return
            self._write(link, close_frame(code, reason))
            link.over, link.closing_at = True, self._hall.clock()
            if not link.unsent and not link.gone:
                hang_up(link.fd)
            self._schedule(link, link.closing_at + CLOSE_SECONDS)
        self._work_on(link)

    def _add(self, link: Link) -> None:
        with self._lock:
            if self._waker is None:
                self._waker = self._begin()
            self._links.add(link)
            self._schedule(link, link.heard_at)

    def _begin(self) -> int:
        """Begin to read, with the lock held; where to write what wakes whoever does."""
        wakes, waker = os.pipe()
        os.set_blocking(wakes, False)
        os.set_blocking(waker, False)
        try:
            threading.Thread(target=self._run, args=(wakes,), name="dinnerkit-live", daemon=True).start()
        except RuntimeError:
            os.close(wakes)
            os.close(waker)
            raise
        return waker

    def _write(self, link: Link, data: bytes) -> None:
        """Send, with the lock held."""
        if link.unsent:
            if len(link.unsent) + len(data) > MOST_UNSENT:
                self._drop(link)
            else:
                link.unsent += data
            return
        try:
            sent = os.write(link.fd, data)
        except BlockingIOError:
            sent = 0
        except OSError:
            self._drop(link)
            return
        if sent < len(data):
            link.unsent, link.blocked_at = data[sent:], self._hall.clock()
            self._schedule(link, link.blocked_at + SEND_SECONDS)
            self._change(link)

    def _drop(self, link: Link) -> None:
        """Close without a word, with the lock held."""
        link.over = link.gone = True
        self._change(link)
        self._put_to_work(link)

    def _change(self, link: Link) -> None:
        """Have the thread look at what a socket waits for, with the lock held."""
        self._changed.append(link)
        if self._waker is not None:
            with suppress(BlockingIOError):  # it is told already
                os.write(self._waker, b"!")

    def _schedule(self, link: Link, at: float) -> None:
        """Look at a link in the second after that moment, or earlier, with the lock held."""
        second = int(at) + 1
        if not link.look_at or second < link.look_at:
            link.look_at = second
            self._due.setdefault(second, []).append(link)

    def _work_on(self, link: Link) -> None:
        with self._lock:
            self._put_to_work(link)

    def _put_to_work(self, link: Link) -> None:
        """Have the crew do what there is to do for a link, unless it does already, with the lock held."""
        if link.connection is not None and not link.busy:
            link.busy = True
            self._hall.crew.submit(self._work, link)

    def _work(self, link: Link) -> None:
        """Do what there is to do for a link, in the crew."""
        while (step := self._next_step(link)) is not None:
            with self._ending(link):
                step()

    def _next_step(self, link: Link) -> Callable[[], object] | None:
        with self._lock:
            connection = link.connection
            if connection is not None and link.over:
                link.connection = None
                link.frames.clear()
                return connection.leave
            if connection is not None and link.frames:
                return partial(connection.take, link.frames.pop(0))
            if connection is not None and link.looks:
                link.looks = False
                return connection.look_after
            link.busy = False
            return None

    @contextmanager
    def _ending(self, link: Link) -> Iterator[None]:
        """What goes wrong with a link ends it, and nothing else."""
        try:
            yield
        except Over as over:
            self.end(link, over.code, over.reason)
        except Exception as error:  # noqa: BLE001 - whatever it is, the others go on
            log.warning("live_connection_failed", error=type(error).__name__)
            self.end(link, OUR_FAULT, "something went wrong on our side")

    def _run(self, wakes: int) -> None:
        """Read what comes, as long as there are links."""
        with selectors.DefaultSelector() as selector:
            selector.register(wakes, _READ)
            tick = self._hall.clock() + _TICK_SECONDS
            while self._goes_on():
                for key, events in in_turns(selector.select(max(0.0, tick - self._hall.clock()))):
                    if key.data is None:
                        os.read(wakes, _AT_ONCE)
                    else:
                        with self._ending(key.data):
                            self._attend(key.data, events)
                self._settle(selector)
                if self._hall.clock() >= tick:
                    self._tick()
                    tick = self._hall.clock() + _TICK_SECONDS
            selector.unregister(wakes)
        os.close(wakes)

    def _goes_on(self) -> bool:
        with self._lock:
            if not self._links and self._waker is not None:
                os.close(self._waker)
                self._waker = None
                self._due.clear()
            return self._waker is not None

    def _attend(self, link: Link, events: int) -> None:
        if events & _WRITE:
            self._flush(link)
        if not events & _READ or link.gone:
            return
        try:
            data = os.read(link.fd, _AT_ONCE)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:
            with self._lock:
                self._drop(link)
        elif not link.over:
            link.heard_at = self._hall.clock()
            self._read(link, data)

    def _flush(self, link: Link) -> None:
        """Send what waits."""
        with self._lock:
            if link.gone or not link.unsent:
                return
            try:
                sent = os.write(link.fd, link.unsent)
            except BlockingIOError:
                return
            except OSError:
                self._drop(link)
                return
            link.unsent, link.blocked_at = link.unsent[sent:], self._hall.clock()
            if link.unsent:
                return
            link.blocked_at = 0.0
            self._change(link)
            if link.over:
                hang_up(link.fd)

    def _read(self, link: Link, data: bytes) -> None:
        """Take what has come.

        Raises:
            Over: it ends the connection.
        """
        connection = link.connection
        if connection is None:
            return
        if link.protocol is None:
            link.protocol = Frames(ConnectionType.SERVER)
        link.protocol.receive_data(data)
        for event in link.protocol.events():
            self._take(link, link.protocol, connection, event)
        if link.frames:
            self._work_on(link)

    def _take(self, link: Link, protocol: Frames, connection: Connection, event: Event) -> None:
        if isinstance(event, TextMessage | BytesMessage):
            data = event.data.encode() if isinstance(event.data, str) else bytes(event.data)
            if len(link.message) + len(data) > MOST_BYTES:
                raise Over(_TOO_LONG, f"a frame has at most {MOST_BYTES} bytes")
            link.message += data
            if event.frame_finished:
                connection.count()
            if event.message_finished:
                link.frames.append(link.message)
                link.message = b""
        elif isinstance(event, Ping):
            connection.count()
            self.send(link, protocol.send(event.response()))
        elif isinstance(event, Pong):
            connection.count()
            link.pinged_at = 0.0
        elif isinstance(event, CloseConnection):
            raise Over(int(event.code), event.reason or "")

    def _settle(self, selector: selectors.BaseSelector) -> None:
        """Watch each socket for what is wanted of it now."""
        while self._changed:
            link = self._changed.popleft()
            with self._ending(link):
                wanted = 0 if link.gone else (_READ if link.ready else 0) | (_WRITE if link.unsent else 0)
                if wanted != link.registered:
                    if link.registered:
                        selector.unregister(link.fd)
                    link.registered = wanted
                    if wanted:
                        selector.register(link.fd, wanted, link)
            if link.gone and link.fd >= 0:
                os.close(link.fd)
                link.fd = -1
                with self._lock:
                    self._links.discard(link)
                self._hall.connections.let_go()
                link.let_go()

    def _tick(self) -> None:
        """Look at those whose time has come, and at all when the process is about to end."""
        now = self._hall.clock()
        with self._lock:
            due = [link for second in [one for one in self._due if one <= now] for link in self._due.pop(second) if link.look_at == second]
            everybody = list(self._links) if self._hall.connections.stopping() else []
        for link in in_turns(everybody):
            self.end(link, GOING_AWAY, "the server is going away; come back")
        for link in in_turns(due):
            link.look_at = 0
            with self._ending(link):
                self._look(link, now)

    def _look(self, link: Link, now: float) -> None:
        """Ping who is silent, have looked at their rights, and let go who is deaf."""
        with self._lock:
            leaves = link.closing_at + CLOSE_SECONDS if link.closing_at else link.blocked_at + SEND_SECONDS if link.blocked_at else now + 1
            if not link.gone and now >= leaves:
                self._drop(link)
            if link.gone:
                return
            if link.over:
                self._schedule(link, leaves)
                return
        connection = link.connection
        if link.pinged_at and now >= link.pinged_at + PING_SECONDS:
            raise Over(POLICY, "no answer to a ping")
        if not link.pinged_at and now >= link.heard_at + PING_SECONDS:
            link.pinged_at = now
            self.send(link, PING_FRAME)
        moments = [(link.pinged_at or link.heard_at) + PING_SECONDS]
        if connection is not None:
            link.looks = now >= connection.patience
            moments.append(connection.patience)
        if link.looks:
            self._work_on(link)
        with self._lock:
            if link.blocked_at:
                moments.append(link.blocked_at + SEND_SECONDS)
            self._schedule(link, max(min(moments), now))

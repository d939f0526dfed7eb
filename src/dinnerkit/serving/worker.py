"""A gunicorn worker on gevent that takes plain requests by a short road: ``gunicorn -k dinnerkit.serving.Worker app:app``."""

from __future__ import annotations

import errno
import io
import time
from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime
from functools import partial
from typing import Any

import gevent
from gevent.pool import Pool
from gevent.server import StreamServer
from gunicorn import util
from gunicorn.http.wsgi import WSGIErrorsWrapper, base_environ
from gunicorn.sock import ssl_context
from gunicorn.workers.ggevent import GeventWorker

from dinnerkit.serving.answers import Answer, Gone, Prepared, send_again
from dinnerkit.serving.connections import Connection, Handed, Unread
from dinnerkit.serving.garbage import set_apart
from dinnerkit.serving.heads import Doubt, FastHeads, HeadReaders, Heads, Plain
from dinnerkit.serving.repeats import Again, Repeats, app_alone, nobody_looks

_LOOK_SECONDS = 0.1
"""How long the worker sleeps between two looks at whether it is to stop, or done."""
_LINGER_SECONDS = 2.0
"""How long a worker that is to stop waits for the next request on a connection: one that is in use is told with its next answer."""
_CLIENT_LEFT = frozenset({errno.EPIPE, errno.ECONNRESET, errno.ENOTCONN})


class Worker(GeventWorker):  # type: ignore[misc]
    """Gunicorn's gevent worker, at less than half its cost for plain requests and fair to all connections.

    A plain request (:mod:`dinnerkit.serving.heads`) is parsed in one call, answered in one send, and then the other connections have
    their turn. With the first thing on a connection that is not plain, that connection goes over to gunicorn's own code, unread.
    Settings, limits, hooks, logs and signals are gunicorn's.
    """

    alive: bool

    def run(self) -> None:
        """Serve until told to stop."""
        cfg = self.cfg
        self._is_short = not cfg.is_ssl and cfg.proxy_protocol == "off" and cfg.protocol == "http" and cfg.http2_cleartext == "off"
        self._readers = HeadReaders(cfg)
        self._keepalive: int = cfg.keepalive
        self._pre_request, self._post_request = cfg.pre_request, cfg.post_request
        self._environ = base_environ(cfg) | {"wsgi.errors": _Errors(cfg), "wsgi.multithread": True}
        self._stall = cfg.timeout or None
        self._idle: set[Connection] = set()
        self._handed = Handed()
        self._alone = app_alone(self.wsgi) if nobody_looks(cfg, self.log) else None
        self._repeats = {trusted: Repeats() for trusted in (False, True)}  # whose word counts asks for something else by the same words
        tls = {"ssl_context": ssl_context(cfg)} if cfg.is_ssl else {}
        set_apart()
        servers = [self._serve_on(listener, tls) for listener in self.sockets]
        while self.alive:
            self.notify()
            gevent.sleep(_LOOK_SECONDS)
        self._drain(servers)

    def _serve_on(self, listener: Any, tls: dict[str, Any]) -> StreamServer:
        listener.setblocking(1)
        server = _Accepting(listener, handle=partial(self.handle, _Door(listener)), spawn=Pool(self.worker_connections), **tls)
        if self.cfg.workers > 1:
            server.max_accept = 1
        server.start()
        return server

    def _drain(self, servers: Sequence[StreamServer]) -> None:
        """Let nobody else in, let go who asks for nothing, and wait for the rest to be answered."""
        for server in servers:
            server.close()
        deadline = time.monotonic() + self.cfg.graceful_timeout
        while len(self._handed) or any(len(server.pool) for server in servers):
            now = time.monotonic()
            for connection in [one for one in self._idle if one.began < now - _LINGER_SECONDS]:
                connection.end()
            if now > deadline:
                self.log.warning("Worker graceful timeout (pid:%s)", self.pid)
                for server in servers:
                    server.pool.kill(timeout=1)
                return
            self.notify()
            gevent.sleep(_LOOK_SECONDS)

    def handle(self, listener: Any, client: Any, addr: Any) -> None:
        """Serve one connection."""
        left = self._converse(listener, client, addr) if self._is_short else client
        if left is not None:
            super().handle(listener, left, addr)

    def _converse(self, listener: Any, client: Any, addr: Any) -> Unread | None:
        """Answer plain requests; what is left to gunicorn's own code, once another comes."""
        client.settimeout(self._stall)  # what is read is waited for otherwise, so this bounds sending
        heads = self._readers.of(client, addr, listener.getsockname())
        repeats = self._repeats_of(heads)
        connection = Connection(client, heads, self._keepalive or self._stall, self._idle, repeats)
        asked = None
        try:
            while (request := self._next(connection, client, addr, repeats)) is not None:
                plain, body = request
                asked = plain.told()
                if not self._answer(plain, asked, body, client, repeats):
                    break
                asked = None
        except Doubt:
            connection.close()
            return Unread(client, connection.unread, connection.deadline)
        except Gone as error:
            self._tell_gone(error)
        except OSError as error:
            if asked is None:
                self._tell_gone(error)
            else:
                self.handle_error(asked, client, addr, error)
        except gevent.GreenletExit:
            self.log.debug("Connection closed in the middle of a request: the time for it is over.")
        except BaseException as error:  # noqa: BLE001 - whatever it is, the client is answered and the worker goes on
            self.handle_error(asked, client, addr, error)
        finally:
            connection.close()
            util.close(client)  # whose descriptor belongs to what is left, if anything is
        return None

    def handle_request(self, listener_name: Any, req: Any, sock: Any, addr: Any) -> None:
        """Answer a request by gunicorn's own code."""
        if isinstance(sock, Unread):
            upgrades = _may_upgrade(req)
            sock.await_body(None if upgrades else self._stall)
            if upgrades:
                sock.upgrades(req.unreader.take_buffered, self._handed)
        super().handle_request(listener_name, req, sock, addr)
        gevent.sleep(0)

    def _repeats_of(self, heads: Heads) -> Repeats | None:
        return self._repeats[heads.schemes is not None] if self._alone is not None and isinstance(heads, FastHeads) else None

    def _next(self, connection: Connection, client: Any, addr: Any, repeats: Repeats | None) -> tuple[Plain, bytes] | None:
        """The next request that the app is to be asked for; those before it that need no app are answered."""
        while True:
            request = connection.next_request()
            if request is None:
                return None
            if isinstance(request, tuple):
                goes_on = self._ahead(request[0], client, repeats)
                if goes_on is None:
                    return request
            else:
                goes_on = self._repeat(request, client, addr[0])
                if goes_on is None:
                    return connection.read()
                connection.unread = b""
            if not goes_on:
                return None

    def _ahead(self, plain: Plain, client: Any, repeats: Repeats | None) -> bool | None:
        """Have the lane answer a request by itself, where nobody else wants to see it; the same as of :meth:`_repeat`."""
        if repeats is None or self._alone is None or not plain.alone:
            return None
        environ = plain.environ if self._alone.by_head else plain.environ.copy()  # the app is to see what came
        again = self._alone.ahead(environ, Prepared.of)
        if again is None:
            return None
        goes_on = self._repeat(again, client, environ["REMOTE_ADDR"])
        if goes_on:
            self._learn(plain, again, repeats)
        return goes_on

    def _learn(self, plain: Plain, again: Again, repeats: Repeats) -> None:
        if plain.alone and self._alone is not None and self._alone.by_head:
            repeats.learn(plain.alone, again)

    def _repeat(self, again: Again, client: Any, address: str) -> bool | None:
        """Answer a request without the app; whether the connection goes on, or None where the app is to be asked."""
        found = again(address) if self._alone is not None and self.wsgi.wsgi_app is self._alone.outermost else None
        if found is None:
            return None
        prepared, own, body = found
        self._count()
        closes = not self.alive or not self._keepalive or (bool(body) and prepared.length != len(body))
        send_again(client, prepared, own, body, closes=closes)
        return not closes

    def _answer(self, plain: Plain, asked: Any, body: bytes, client: Any, repeats: Repeats | None) -> bool:
        """Have the app answer; whether the connection goes on."""
        began = datetime.now()  # noqa: DTZ005 - as gunicorn's log has it
        environ = plain.environ
        answer = Answer(asked, client, self.cfg)
        environ.update(self._environ)
        environ["wsgi.input"] = io.BytesIO(body)
        environ["gunicorn.socket"] = client
        environ["wsgi.early_hints"] = answer.early_hints
        environ["dinnerkit.answer"] = answer
        try:
            self._pre_request(self, asked)
            self._count()
            if not self.alive or not self._keepalive:
                answer.force_close()
            blocks = self.wsgi(environ, answer.start_response)
            if self.is_already_handled(blocks):
                return True
            if not self.alive:  # told to stop meanwhile
                answer.force_close()
            try:
                answer.send_all(blocks)
            finally:
                self.log.access(answer, asked, environ, datetime.now() - began)  # noqa: DTZ005
                if hasattr(blocks, "close"):
                    blocks.close()
        except (Gone, gevent.GreenletExit):
            raise
        except BaseException:
            if not answer.headers_sent:
                raise
            self.log.exception("Error handling request")  # what is sent can't be taken back: the client sees it cut off
            return False
        else:
            goes_on = not answer.should_close()
            if goes_on and answer.again is not None and repeats is not None:
                self._learn(plain, answer.again, repeats)
            return goes_on
        finally:
            self._after(asked, environ, answer)

    def _count(self) -> None:
        self.nr += 1
        if self.nr >= self.max_requests and self.alive:
            self.log.info("Autorestarting worker after current request.")
            self.alive = False

    def _after(self, asked: Any, environ: dict[str, Any], answer: Answer) -> None:
        try:
            self._post_request(self, asked, environ, answer)
        except Exception:
            self.log.exception("Exception in post_request hook")

    def _tell_gone(self, error: OSError) -> None:
        if error.errno in _CLIENT_LEFT:
            self.log.debug("The client left: %s", error)
        else:
            self.log.exception("Socket error processing request.")


def _may_upgrade(req: Any) -> bool:
    """Whether the connection may go over to another protocol, in which silence is no fault; with a body to come, it is not there yet."""
    told = dict(req.headers)
    return "UPGRADE" in told and "TRANSFER-ENCODING" not in told and not told.get("CONTENT-LENGTH", "").strip("0")


class _Door:
    """What a connection came in by: its name outlives it, for whoever is served after it was closed."""

    def __init__(self, listener: Any) -> None:
        self._name = listener.getsockname()

    def getsockname(self) -> Any:
        return self._name


class _Accepting(StreamServer):  # type: ignore[misc]
    """A server that takes in who stands at the door before it closes: whoever was not let in by then would be reset."""

    def close(self) -> None:
        if not self.closed and self.started:
            self.stop_accepting()
            with suppress(OSError):
                while not self.full() and (arrived := self.do_read()):
                    self.do_handle(*arrived)
        super().close()


class _Errors(io.TextIOBase):
    """``wsgi.errors``: the streams of gunicorn's error log, as they are at the time, since they may be opened anew."""

    def __init__(self, cfg: Any) -> None:
        self._cfg = cfg

    def write(self, text: str) -> int:
        WSGIErrorsWrapper(self._cfg).write(text)
        return len(text)

"""WSGI apps that the workers under test serve: one shows what it was asked, one answers oddly, one waits for files to appear."""

from __future__ import annotations

import gc
import json
import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from functools import cache
from itertools import count
from pathlib import Path
from typing import Any
from wsgiref.validate import validator

from flask import Flask
from flask_sock import Sock
from werkzeug.middleware.proxy_fix import ProxyFix

_OF_THE_PROCESS = {"dinnerkit.answer", "REMOTE_PORT", "SERVER_PORT", "gunicorn.socket", "wsgi.errors", "wsgi.early_hints", "wsgi.input"}


def echo(environ: dict[str, Any], start_response: Callable[..., Any]) -> list[bytes]:
    """What the app is told, and the body."""
    shown = {name: repr(value) for name, value in environ.items() if name not in _OF_THE_PROCESS}
    shown["body"] = repr(environ["wsgi.input"].read())
    if environ["QUERY_STRING"] == "road":
        shown = {"input": type(environ["wsgi.input"]).__name__}
    answer = json.dumps(shown, sort_keys=True, indent=1).encode()
    start_response("200 OK", [("Content-Type", "application/json"), ("Content-Length", str(len(answer)))])
    return [answer]


class Blocks:
    """An iterable that tells on stderr that it was closed, and may fail on the way."""

    def __init__(self, *blocks: bytes | Exception) -> None:
        self._blocks = iter(blocks)

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        block = next(self._blocks)
        if isinstance(block, Exception):
            raise block
        return block

    def close(self) -> None:
        sys.stdout.write("blocks were closed\n")
        sys.stdout.flush()


def odd(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[Any]:
    """The answer that the path names."""
    return ODD[environ["PATH_INFO"].removeprefix("/")](environ, start_response)


def _told(status: str, headers: list[Any], blocks: Any) -> Callable[..., Any]:
    def answer(_: dict[str, Any], start_response: Callable[..., Any]) -> Any:
        start_response(status, headers)
        return blocks() if callable(blocks) else blocks

    return answer


def _writes(_: dict[str, Any], start_response: Callable[..., Any]) -> list[bytes]:
    write = start_response("200 OK", [("Content-Length", "6")])
    write(b"ab")
    write(b"cd")
    return [b"ef"]


def _raises(_: dict[str, Any], __: Callable[..., Any]) -> list[bytes]:
    raise LookupError("before the answer")


def _failure() -> Any:
    try:
        json.loads("")
    except ValueError:
        return sys.exc_info()


def _replaces(_: dict[str, Any], start_response: Callable[..., Any]) -> list[bytes]:
    start_response("200 OK", [("Content-Length", "2"), ("X-First", "1")])
    start_response("503 Service Unavailable", [("Content-Length", "3")], _failure())
    return [b"bad"]


def _replaces_late(_: dict[str, Any], start_response: Callable[..., Any]) -> Iterator[bytes]:
    start_response("200 OK", [("Content-Length", "4")])
    yield b"ab"
    start_response("503 Service Unavailable", [], _failure())
    yield b"cd"


def _twice(_: dict[str, Any], start_response: Callable[..., Any]) -> list[bytes]:
    start_response("200 OK", [("Content-Length", "2")])
    start_response("200 OK", [("Content-Length", "2")])
    return [b"ab"]


def _never(_: dict[str, Any], __: Callable[..., Any]) -> list[bytes]:
    return [b"ab"]


def _late(_: dict[str, Any], start_response: Callable[..., Any]) -> Iterator[bytes]:
    start_response("200 OK", [("Content-Length", "4")])
    yield b"ab"
    yield b"cd"


def _file(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    file = tempfile.TemporaryFile()  # noqa: SIM115 - the server closes it
    file.write(b"0123456789" * 3000)
    file.seek(10)
    length = environ["QUERY_STRING"]
    start_response("200 OK", [("Content-Length", length)] if length else [])
    wrapped: Iterable[bytes] = environ["wsgi.file_wrapper"](file)
    return wrapped


def _hints(environ: dict[str, Any], start_response: Callable[..., Any]) -> list[bytes]:
    environ["wsgi.early_hints"]([("Link", "</a.css>; rel=preload")])
    start_response("200 OK", [("Content-Length", "2")])
    return [b"ab"]


def _collector(_: dict[str, Any], start_response: Callable[..., Any]) -> list[bytes]:
    """Whether garbage is collected, and how many things of those that are there it is looked for in."""
    told = f"{gc.isenabled()} {gc.get_freeze_count()} {len(gc.get_objects())}".encode()
    start_response("200 OK", [("Content-Length", str(len(told)))])
    return [told]


def _interrupts(_: dict[str, Any], __: Callable[..., Any]) -> list[bytes]:
    raise SystemExit(3)


def _opens(_: dict[str, Any], __: Callable[..., Any]) -> list[bytes]:
    raise FileNotFoundError(2, "no such file")


_OK: list[tuple[str, str]] = [("Content-Length", "2")]
ODD: dict[str, Callable[..., Any]] = {
    "list": _told("200 OK", _OK, [b"ab"]),
    "tuple": _told("200 OK", [("Content-Length", "4")], (b"ab", b"cd")),
    "no-length": _told("200 OK", [], [b"ab"]),
    "no-blocks": _told("200 OK", [], []),
    "empty-blocks": _told("200 OK", [], lambda: Blocks(b"", b"ab", b"", b"cd")),
    "blocks": _told("200 OK", [], lambda: Blocks(b"ab", b"cd")),
    "blocks-with-length": _told("200 OK", [("Content-Length", "4")], lambda: Blocks(b"ab", b"cd")),
    "big": _told("200 OK", [("Content-Length", "3000000")], [b"x" * 3_000_000]),
    "big-blocks": _told("200 OK", [], lambda: Blocks(b"x" * 1_000_000, b"y" * 1_000_000)),
    "fails-at-once": _told("200 OK", [], lambda: Blocks(LookupError("at once"))),
    "fails-midway": _told("200 OK", [], lambda: Blocks(b"ab", LookupError("midway"))),
    "fails-midway-with-length": _told("200 OK", [("Content-Length", "4")], lambda: Blocks(b"ab", LookupError("midway"))),
    "204": _told("204 No Content", [], []),
    "204-with-body": _told("204 No Content", _OK, [b"ab"]),
    "304": _told("304 Not Modified", [("ETag", '"a"')], []),
    "304-with-length": _told("304 Not Modified", _OK, [b"ab"]),
    "too-long": _told("200 OK", _OK, [b"abcd"]),
    "too-long-blocks": _told("200 OK", _OK, lambda: Blocks(b"a", b"bcd", b"ef")),
    "too-short": _told("200 OK", [("Content-Length", "4")], [b"ab"]),
    "hop-by-hop": _told(
        "200 OK", [*_OK, ("Connection", "close"), ("Keep-Alive", "1"), ("Transfer-Encoding", "chunked"), ("Server", "x")], [b"ab"]
    ),
    "upgrade": _told("426 Upgrade Required", [*_OK, ("Upgrade", "websocket")], [b"ab"]),
    "upgrade-to-other": _told("426 Upgrade Required", [*_OK, ("Upgrade", "h2c")], [b"ab"]),
    "date": _told("200 OK", [*_OK, ("Date", "never")], [b"ab"]),
    "spaces": _told("200 OK", [*_OK, ("X-A", " \tb ")], [b"ab"]),
    "latin-1": _told("200 OK", [*_OK, ("X-A", "caf\xe9\tb")], [b"ab"]),
    "unicode": _told("200 OK", [*_OK, ("X-A", "\u20ac")], [b"ab"]),
    "injects-value": _told("200 OK", [*_OK, ("X-A", "b\r\nSet-Cookie: c=d")], [b"ab"]),
    "injects-lf": _told("200 OK", [*_OK, ("X-A", "b\nSet-Cookie: c=d")], [b"ab"]),
    "injects-nul": _told("200 OK", [*_OK, ("X-A", "b\0")], [b"ab"]),
    "injects-name": _told("200 OK", [*_OK, ("X-A: b\r\nX-B", "c")], [b"ab"]),
    "space-in-name": _told("200 OK", [*_OK, ("X A", "c")], [b"ab"]),
    "empty-name": _told("200 OK", [*_OK, ("", "c")], [b"ab"]),
    "injects-status": _told("200 OK\r\nX-A: b", _OK, [b"ab"]),
    "status-without-reason": _told("200", _OK, [b"ab"]),
    "status-no-number": _told("OK", _OK, [b"ab"]),
    "status-1xx": _told("100 Continue", [], []),
    "status-int": _told(200, _OK, [b"ab"]),  # type: ignore[arg-type]
    "value-int": _told("200 OK", [("Content-Length", 2)], [b"ab"]),
    "name-bytes": _told("200 OK", [*_OK, (b"X-A", "b")], [b"ab"]),
    "length-twice": _told("200 OK", [("Content-Length", "2"), ("Content-Length", "4")], [b"abcd"]),
    "length-signed": _told("200 OK", [("Content-Length", "+2")], [b"ab"]),
    "length-none": _told("200 OK", [("Content-Length", "two")], [b"ab"]),
    "cookies": _told("200 OK", [*_OK, ("Set-Cookie", "a=1"), ("Set-Cookie", "b=2")], [b"ab"]),
    "text": _told("200 OK", _OK, ["ab"]),
    "text-blocks": _told("200 OK", [], lambda: iter(["ab"])),
    "none": _told("200 OK", _OK, None),
    "writes": _writes,
    "raises": _raises,
    "replaces": _replaces,
    "replaces-late": _replaces_late,
    "twice": _twice,
    "never": _never,
    "late": _late,
    "file": _file,
    "hints": _hints,
    "collector": _collector,
    "interrupts": _interrupts,
    "opens": _opens,
}


@validator
def valid(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    """An app of every kind that PEP 3333 knows, held to it from both sides."""
    environ["wsgi.errors"].write("a line for the log\n")
    environ["wsgi.errors"].writelines(["and ", "another\n"])
    environ["wsgi.errors"].flush()
    typed = [("Content-Type", "text/plain")]
    match environ["PATH_INFO"]:
        case "/304":
            start_response("304 Not Modified", [("ETag", '"a"')])
            return []
        case "/nothing":
            start_response("200 OK", typed)
            return []
        case "/blocks":
            start_response("200 OK", typed)
            return Blocks(b"", b"ab", b"cd")
        case "/writes":
            start_response("200 OK", typed)(b"ab")
            return [b"cd"]
    lines = [environ["wsgi.input"].readline(), *environ["wsgi.input"], environ["wsgi.input"].read(5)]
    start_response("200 OK", [*typed, ("Content-Length", str(sum(map(len, lines))))])
    return lines


def streamed(_: dict[str, Any], start_response: Callable[..., Any]) -> Iterator[bytes]:
    """Sends its second block once the file ``open`` is in the folder GATE."""
    start_response("200 OK", [])
    yield b"first"
    while not (Path(os.environ["GATE"]) / "open").exists():
        time.sleep(0.01)
    yield b"second"


_turns = count()


def gate(environ: dict[str, Any], start_response: Callable[..., Any]) -> list[bytes]:
    """Leaves a file and waits for another in the folder GATE: /wait lets others run, /block does not; anything else answers at once.

    The answer is how many this process gave before.
    """
    folder = Path(os.environ["GATE"])
    kind = environ["PATH_INFO"]
    if kind in {"/wait", "/block"}:
        (folder / f"begun-{environ['QUERY_STRING']}").touch()
        while not (folder / "open").exists():
            if kind == "/wait":
                time.sleep(0.01)  # gevent's, which lets others run
    answer = b"%d" % next(_turns)
    start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", str(len(answer)))])
    return [answer]


def sockets(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    """A Flask app with a WebSocket that says what it hears."""
    return _sockets_app()(environ, start_response)


@cache
def _sockets_app() -> Flask:
    app = Flask("sockets")
    app.add_url_rule("/plain", view_func=lambda: "plain")
    Sock(app).route("/echo")(_hear_and_say)
    return app


def _hear_and_say(socket: Any) -> None:
    while True:
        socket.send(socket.receive())


class KeepsAnswers:
    """Answers like the fast lane, which the worker knows by its module: ``X-Asked`` where it was called, ``X-Again`` where it was not.

    Whose path begins with ``/ahead`` it answers without being called the first time too.
    """

    __module__ = "dinnerkit.http.lane.lane"

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> list[bytes]:
        server = environ["dinnerkit.answer"]
        assert start_response == server.start_response
        server.again, prepared, body = self._answer(environ, server.prepare)
        server.begin(prepared, [("X-Asked", environ["REMOTE_ADDR"])])
        return [body] if body else []

    def ahead(self, environ: dict[str, Any], prepare: Callable[..., Any]) -> Any:
        return self._answer(environ, prepare)[0] if environ["PATH_INFO"].startswith("/ahead") else None

    def _answer(self, environ: dict[str, Any], prepare: Callable[..., Any]) -> tuple[Callable[[str], Any], Any, bytes]:
        path = environ["PATH_INFO"]
        body = f"{environ['wsgi.url_scheme']} {path} {environ['QUERY_STRING']}".encode()
        length = [] if path.endswith("/endless") else [("Content-Length", str(len(body)))]
        prepared = prepare("200 OK", length)
        if environ["REQUEST_METHOD"] == "HEAD":
            body = b""

        def again(address: str) -> Any:
            if path.endswith("/declines"):
                return None
            return prepared, [("X-Again", "a\r\nX-Evil: 1" if path.endswith("/evil") else address)], body

        return again, prepared, body


def keeps() -> Flask:
    """A Flask app with nothing but that before it."""
    app = Flask("keeps")
    app.wsgi_app = KeepsAnswers()  # type: ignore[method-assign]
    return app


def keeps_behind_proxy() -> Flask:
    """The same, which believes what one proxy tells."""
    app = keeps()
    app.wsgi_app = ProxyFix(app.wsgi_app, x_for=1, x_proto=1)  # type: ignore[method-assign]
    return app

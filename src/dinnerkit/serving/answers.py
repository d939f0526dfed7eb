"""The answer to a plain request: what the app says, checked, and sent in as few pieces as can be."""

from __future__ import annotations

import errno
import logging
import re
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from gunicorn import SERVER, util
from gunicorn.http.wsgi import Response

_STATUS = re.compile(r"[2-9][0-9]{2}(?: [ \t\x21-\x7e\x80-\xff]*)?")
_NAME = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
_VALUE = re.compile(r"[ \t\x21-\x7e\x80-\xff]*")
_JOINED = 262_144
"""Up to how many bytes a copy is cheaper than a second send."""

_PASSED, _LENGTH, _DROPPED, _UPGRADE = 1, 2, 3, 4
_SPECIAL = {"content-length": _LENGTH, "upgrade": _UPGRADE}
_known_names: dict[str, int] = {}
_MOST_KNOWN = 512

log = logging.getLogger(__name__)


class Gone(OSError):
    """The client can't be sent anything any more."""


@dataclass(frozen=True, slots=True)
class Prepared:
    """Status and headers that many answers have, checked once, and the headers as they are sent."""

    status: str
    code: int
    length: int | None
    headers: list[tuple[str, str]]
    lines: bytes

    @classmethod
    def of(cls, status: str, headers: Sequence[tuple[str, str]]) -> Prepared:
        """Check them.

        Raises:
            TypeError: a part is no str.
            ValueError: the status is none of a final answer, or a header is none.
        """
        if not isinstance(status, str):
            raise TypeError(f"the status is {type(status).__name__}, not str")
        if not _STATUS.fullmatch(status):
            raise ValueError(f"{status!r} is not the status of a final answer, such as '200 OK'")
        length, kept = _checked(headers)
        code = int(status[:3])
        if code == 204:  # noqa: PLR2004 - RFC 9110, 8.6: it has no Content-Length
            length, kept = None, [pair for pair in kept if pair[0].lower() != "content-length"]
        return cls(status, code, length, kept, _lines(kept).encode("latin-1"))


class Answer(Response):  # type: ignore[misc]
    """What one call of the app answers, for one plain request.

    It is gunicorn's ``Response`` to hooks and to the access log. Where that one would let through what breaks the framing (another
    length than was told, an interim status, two lengths), this one refuses it or closes the connection.
    """

    status: str | None
    headers_sent: bool

    def __init__(self, asked: Any, client: Any, cfg: Any) -> None:
        super().__init__(asked, client, cfg)
        self.status_code = 0
        self._bodiless = False
        self._ended = False
        self._lines = b""
        self.again: Any = None
        """How the same request would be answered again, where the app says so: :mod:`dinnerkit.serving.repeats`."""

    def start_response(self, status: str, headers: Sequence[tuple[str, str]], exc_info: Any = None, /) -> Callable[[bytes], None]:
        """WSGI's ``start_response``."""
        if exc_info is not None:
            try:
                if self.headers_sent:
                    raise exc_info[1].with_traceback(exc_info[2])
            finally:
                exc_info = None
        elif self.status is not None:
            raise AssertionError("start_response was called already")
        self._start(Prepared.of(status, headers))
        return self.write

    prepare = staticmethod(Prepared.of)
    """What :meth:`begin` takes, to be kept by who has one answer for many requests."""

    def begin(self, prepared: Prepared, own: Sequence[tuple[str, str]]) -> None:
        """Begin like :meth:`start_response`, with what was checked before and ``own`` headers of this answer, which hold ASCII alone.

        Raises:
            ValueError: one of these has what would break out of its line.
        """
        if self.status is not None:
            raise AssertionError("start_response was called already")
        lines = _own_lines(own)
        self._start(prepared)
        self.headers = [*prepared.headers, *own]
        self._lines = prepared.lines + lines

    def _start(self, prepared: Prepared) -> None:
        self.status, self.status_code, self.response_length = prepared.status, prepared.code, prepared.length
        self.headers, self._lines = prepared.headers, prepared.lines
        self._bodiless = self.req.method == "HEAD" or prepared.code in {204, 304}
        self.chunked = prepared.length is None and not self._bodiless and self.req.version != (1, 0)

    def should_close(self) -> bool:
        """Whether the connection ends with this answer."""
        if self.must_close or self.req.should_close():
            return True
        return self.response_length is None and not self.chunked and not self._bodiless

    def send_all(self, blocks: Iterable[bytes]) -> None:
        """Send what the app returned, each block before the next is asked for, and the end."""
        if isinstance(blocks, list | tuple) and all(isinstance(block, bytes) for block in blocks):
            self._put(blocks[0] if len(blocks) == 1 else b"".join(blocks), last=True)
        else:
            for block in blocks:
                self.write(block)
        self.close()

    def write(self, data: bytes) -> None:
        """Send a block, with the head before the first one."""
        if not isinstance(data, bytes):
            raise TypeError(f"a block of the body is {type(data).__name__}, not bytes")
        self._put(data, last=False)

    def send_headers(self) -> None:
        """Send the head, if it was not yet."""
        if not self.headers_sent:
            self._put(b"", last=False)

    def close(self) -> None:
        """Send what is not sent yet, and see that it is as long as was told."""
        if not self.headers_sent or (self.chunked and not self._ended):
            self._put(b"", last=True)
        if self.response_length is not None and not self._bodiless and self.sent < self.response_length:
            log.warning("%s %s: %d bytes of body where %d were announced", self.req.method, self.req.path, self.sent, self.response_length)
            self.force_close()

    def early_hints(self, headers: Sequence[tuple[str, str]]) -> None:
        """Tell the client what it will need, ahead of the answer: ``wsgi.early_hints``."""
        if self.headers_sent or self.req.version == (1, 0):
            return
        _, kept = _checked(headers)
        self._transmit(f"HTTP/1.1 103 Early Hints\r\n{_lines(kept)}\r\n".encode("latin-1"))

    def _put(self, data: bytes, *, last: bool) -> None:
        if self.status is None:
            raise AssertionError("the app sent a body before it called start_response")
        if self._bodiless:
            data = b""
        elif self.response_length is not None and len(data) > self.response_length - self.sent:
            data = data[: self.response_length - self.sent]
        self.sent += len(data)
        if self.chunked:
            data = b"%X\r\n%b\r\n" % (len(data), data) if data else b""
            if last:
                self._ended = True
                data += b"0\r\n\r\n"
        if not self.headers_sent:
            self.headers_sent = True
            head = self._head()
            if len(data) > _JOINED:
                self._transmit(head)
            else:
                data = head + data
        if data:
            self._transmit(data)

    def _head(self) -> bytes:
        first = _first_lines(self.req.version, self.status, self.should_close(), self.chunked)
        return b"".join((first, self._lines, b"\r\n"))

    def _transmit(self, data: bytes) -> None:
        _transmit(self.sock, data)


def send_again(client: Any, prepared: Prepared, own: Sequence[tuple[str, str]], body: bytes, *, closes: bool) -> None:
    """Send a whole answer of HTTP/1.1 whose length is known.

    Raises:
        Gone: the client can't be sent anything.
        ValueError: a header of its own has what would break out of its line.
    """
    first = _first_lines((1, 1), prepared.status, closes, False)
    _transmit(client, b"".join((first, prepared.lines, _own_lines(own), b"\r\n", body)))


def _transmit(client: Any, data: bytes) -> None:
    try:
        sent = client.send(data)
        while sent < len(data):
            sent += client.send(memoryview(data)[sent:])
    except TimeoutError as error:
        raise Gone(errno.ECONNRESET, "it took nothing for too long") from error
    except OSError as error:
        raise Gone(error.errno, error.strerror) from error


def _checked(headers: Sequence[tuple[str, str]]) -> tuple[int | None, list[tuple[str, str]]]:
    """The length that the headers tell, and those that are sent: what concerns the connection is the server's alone.

    Raises:
        TypeError: a name or a value is no str.
        ValueError: one holds what would break out of its line, or the length is none or told twice.
    """
    length = None
    kept = []
    for name, value in headers:
        kind = _known_names.get(name) or _kind(name)
        if not isinstance(value, str):
            raise TypeError(f"the value of {name} is {type(value).__name__}, not str")
        if not (value.isascii() and value.isprintable()) and not _VALUE.fullmatch(value):
            raise ValueError(f"the value of {name} has characters that no header may have")  # the value itself may be a secret
        if kind == _DROPPED or (kind == _UPGRADE and value.lower() != "websocket"):  # a 426 must say what to ask for
            continue
        value = value.strip(" \t")  # noqa: PLW2901
        if kind == _LENGTH:
            if length is not None or not (value.isascii() and value.isdigit()):
                raise ValueError("Content-Length is no length, or is told twice")
            length = int(value)
        kept.append((name, value))
    return length, kept


def _kind(name: str) -> int:
    """What a header of this name is to the server; remembered for the names that come first."""
    if not isinstance(name, str):
        raise TypeError(f"the name of a header is {type(name).__name__}, not str")
    if not _NAME.fullmatch(name):
        raise ValueError(f"{name!r} is no name of a header")
    kind = _SPECIAL.get(name.lower()) or (_DROPPED if util.is_hoppish(name) else _PASSED)
    if len(_known_names) < _MOST_KNOWN:
        _known_names[name] = kind
    return kind


def _lines(headers: Iterable[tuple[str, str]]) -> str:
    return "".join([f"{name}: {value}\r\n" for name, value in headers])


def _own_lines(headers: Sequence[tuple[str, str]]) -> bytes:
    lines = _lines(headers)
    if not lines.isascii() or len(lines.splitlines()) != len(headers) or not lines.replace("\r\n", "").isprintable():
        raise ValueError("a header of this answer has characters that none may have")  # the value itself may be a secret
    return lines.encode()


_MOST_FIRST_LINES = 256
_first: dict[tuple[object, ...], bytes] = {}
_first_at = 0


def _first_lines(version: tuple[int, int], status: str | None, closes: bool, chunked: bool) -> bytes:
    """The status line and the headers that are the server's; made once a second, since the date is among them."""
    global _first_at  # noqa: PLW0603 - all answers of the process share them
    now = int(time.time())
    if now != _first_at or len(_first) >= _MOST_FIRST_LINES:
        _first.clear()
        _first_at = now
    kind = (version, status, closes, chunked)
    found = _first.get(kind)
    if found is None:
        connection = "close" if closes else "keep-alive"
        framing = "Transfer-Encoding: chunked\r\n" if chunked else ""
        head = f"HTTP/{version[0]}.{version[1]} {status}\r\nServer: {SERVER}\r\nDate: {util.http_date(now)}\r\nConnection: {connection}\r\n"
        found = _first[kind] = f"{head}{framing}".encode("latin-1")
    return found

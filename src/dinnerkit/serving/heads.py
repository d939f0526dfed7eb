"""The heads of plain requests, read into WSGI environs; whatever is not plain beyond doubt is left to gunicorn's own code.

A request is plain when its framing can be understood in one way only: a head in one piece and of modest size, a target that is a path, a
body that is small and whose length is told, nothing that asks the server for more than an answer. Both readers here refuse the
rest with :class:`Doubt` and change nothing, so that gunicorn can start over from the same bytes.
"""

from __future__ import annotations

import importlib
import os
import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property, partial
from ipaddress import ip_address
from types import ModuleType
from typing import Any, NamedTuple, Protocol

from gunicorn.http import RequestParser, wsgi
from gunicorn.http.errors import ConfigurationProblem, NoMoreData, ParseException

MOST_HEAD = 8190
"""Bytes of the longest plain head: what gunicorn allows one line by default."""
MOST_BODY = 65_536
"""Bytes of the longest plain body: it is read before the app is called."""

_UNUSUAL = frozenset({"HTTP_EXPECT", "HTTP_TRANSFER_ENCODING", "HTTP_UPGRADE"})
_UNUSUAL_FIELDS = frozenset({"EXPECT", "TRANSFER-ENCODING", "UPGRADE"})
_VERSIONS = {b"HTTP/1.1": (1, 1), b"HTTP/1.0": (1, 0)}
_STARTS_METHOD = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZ")
_UNDERSCORE_IN_NAME = re.compile(rb"\n[^:\r\n]*_")
_LONGEST_LENGTH = len(str(MOST_BODY))
_ENDS = b"\r\n\r\n"
_MOST_FIELDS = 32_768  # gunicorn's own bound where none or a larger one is set
_PYTHON_ONLY = (
    "strip_header_spaces",
    "permit_obsolete_folding",
    "permit_unconventional_http_method",
    "permit_unconventional_http_version",
    "casefold_http_method",
)
"""Settings that loosen how heads are read: only gunicorn's parser in Python knows them."""
_BAD_HEADS = (
    b"GET / HTTP/1.1\nHost: x\r\n\r\n",
    b"GET / HTTP/1.1\r\nHost: x\nA: b\r\n\r\n",
    b"GET / HTTP/1.1\r\nHost: x\r\n A: b\r\n\r\n",
    b"GET / HTTP/1.1\r\nHost : x\r\n\r\n",
    b"GET / HTTP/1.1\r\nA: \x00\r\n\r\n",
    b"GET / HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n",
    b"GET / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\n",
    b"GET / HTTP/1.1\r\nContent-Length: +1\r\n\r\n",
)


class Doubt(Exception):
    """This is for gunicorn's own code to read."""


class Incomplete(Exception):
    """The head is fine as far as it goes."""


class Plain(NamedTuple):
    """A plain request: its head ends at byte ``end``, its body is ``length`` bytes long, ``told()`` is what gunicorn's hooks and log see.

    ``alone`` is the head where nothing but it makes the request, and the connection is to go on; else nothing.
    """

    environ: dict[str, Any]
    told: Callable[[], Any]
    end: int
    length: int
    alone: bytes = b""


class Heads(Protocol):
    """Reads the heads that come over one connection."""

    def read(self, data: bytes) -> Plain:
        """The plain request that ``data`` starts with.

        Raises:
            Incomplete: more bytes are needed to tell.
            Doubt: it is not plain.
        """


class Asked:
    """A request as gunicorn's hooks and access log know it: the attributes of ``gunicorn.http.message.Request``.

    It keeps what the request said, whatever the app makes of the environ.
    """

    def __init__(self, environ: dict[str, Any], target: str, version: tuple[int, int], head: bytes, peer: Any) -> None:
        self._environ = environ
        self.method: str = environ["REQUEST_METHOD"]
        self.uri = target
        self.path = target.partition("?")[0]
        self.query: str = environ["QUERY_STRING"]
        self.fragment = ""
        self.version = version
        self.scheme: str = environ["wsgi.url_scheme"]
        self.peer_addr = self.remote_addr = peer
        self.trailers: list[tuple[str, str]] = []
        self.proxy_protocol_info: dict[str, Any] = {}
        connection: str | None = environ.get("HTTP_CONNECTION")
        self.must_close = connection.lower() == "close" if connection else version == (1, 0)
        self.head = head

    @property
    def body(self) -> Any:
        """The stream that the app reads the body from."""
        return self._environ.get("wsgi.input")

    @cached_property
    def headers(self) -> list[tuple[str, str]]:
        """The fields in order, names in upper case, without those that the environ has no key for."""
        lines = self.head.decode("latin-1").split("\r\n")[1:-2]
        pairs = (line.split(":", 1) for line in lines)
        return [(name.upper(), value.strip(" \t")) for name, value in pairs if "_" not in name]

    def force_close(self) -> None:
        """Have the connection closed after the answer."""
        self.must_close = True

    def should_close(self) -> bool:
        """Whether the connection ends with this request."""
        return self.must_close


@dataclass(frozen=True, slots=True)
class FastHeads:
    """Reads heads with gunicorn's parser in C, for one connection over TCP.

    Args:
        parse: ``gunicorn_h1c.parse_to_wsgi_environ``.
        errors: that module's base class of errors, then the one that says that more bytes are needed.
        server: our address, as the environ has it.
        client: the peer's address, as the environ has it.
        peer: the peer's address, as the socket has it.
        limits: of the request line, the number of fields and one field.
        most: bytes of the longest head that is plain with these limits.
        script_name: where the app is mounted.
        schemes: the fields by which this peer may tell the scheme, by their key in the environ; None where it is not trusted with any.
    """

    parse: Any
    errors: tuple[type[Exception], type[Exception]]
    server: tuple[str, str]
    client: tuple[str, str]
    peer: Any
    limits: tuple[int, int, int]
    most: int
    script_name: str
    schemes: dict[str, str] | None

    def read(self, data: bytes) -> Plain:
        """See :class:`Heads`."""
        end = data.find(_ENDS) + 4
        if data[0] not in _STARTS_METHOD or end > self.most or (end < 4 and len(data) > self.most):  # noqa: PLR2004 - the length of _ENDS
            raise Doubt
        try:
            environ = self.parse(data, self.server, self.client, "http", *self.limits)
        except self.errors[1]:
            raise Incomplete from None
        except self.errors[0]:
            raise Doubt from None
        line = data[: data.index(b"\r\n")].split(b" ")
        version = _VERSIONS.get(line[-1])
        if environ.pop("_consumed") != end or len(line) != 3 or version is None:  # noqa: PLR2004 - method, target, version
            raise Doubt
        self._place(environ, line[1])
        if self.schemes is not None:
            self._trust(environ, data[:end], self.schemes)
        head, length = data[:end], _length(environ)
        goes_on = not length and version == (1, 1) and environ.get("HTTP_CONNECTION", "keep-alive").lower() == "keep-alive"
        told = partial(Asked, environ, environ["RAW_URI"], version, head, self.peer)
        return Plain(environ, told, end, length, head if goes_on else b"")

    def _place(self, environ: dict[str, Any], raw: bytes) -> None:
        """Fill in what follows from the target, which must be a path of printable ASCII."""
        target = raw.decode("latin-1")
        if target[:1] != "/" or "#" in target or not (target.isascii() and target.isprintable()):
            raise Doubt
        environ["RAW_URI"] = target
        environ["SCRIPT_NAME"] = self.script_name
        path = environ["PATH_INFO"]
        if self.script_name:
            if not path.startswith(self.script_name):
                raise Doubt
            path = environ["PATH_INFO"] = path[len(self.script_name) :]
        if "%" in path:
            environ["PATH_INFO"] = wsgi.util.unquote_to_wsgi_str(path)

    @staticmethod
    def _trust(environ: dict[str, Any], head: bytes, schemes: dict[str, str]) -> None:
        """Believe what a trusted proxy says of the scheme; a name with an underscore may be one that it alone may set."""
        if _UNDERSCORE_IN_NAME.search(head):
            raise Doubt
        told = [key for key in schemes if key in environ]
        if len(told) > 1 or (told and "," in environ[told[0]]):
            raise Doubt
        if told:
            environ["wsgi.url_scheme"] = "https" if environ[told[0]] == schemes[told[0]] else "http"


@dataclass(frozen=True, slots=True)
class SteadyHeads:
    """Reads heads with gunicorn's own parser and environ, whatever its settings and the kind of socket."""

    cfg: Any
    client: Any
    address: Any
    server: Any

    def read(self, data: bytes) -> Plain:
        """See :class:`Heads`."""
        end = data.find(_ENDS) + 4
        if data[0] not in _STARTS_METHOD or max(end, len(data) if end < 4 else 0) > MOST_HEAD:  # noqa: PLR2004 - the length of _ENDS
            raise Doubt
        try:
            request = next(RequestParser(self.cfg, [data], self.address))
            if not _UNUSUAL_FIELDS.isdisjoint(name for name, _ in request.headers):
                raise Doubt
            _, environ = wsgi.create(request, self.client, self.address, self.server, self.cfg)
        except NoMoreData:
            raise Incomplete from None
        except (ParseException, ConfigurationProblem):
            raise Doubt from None
        return Plain(environ, lambda: request, end, _length(environ))


def _length(environ: dict[str, Any]) -> int:
    """How long the body is.

    Raises:
        Doubt: this is no plain request, or its body is too long for one.
    """
    connection = environ.get("HTTP_CONNECTION")
    if (
        not _UNUSUAL.isdisjoint(environ)
        or (connection is not None and connection.lower() not in {"keep-alive", "close"})
        or environ["REQUEST_METHOD"] == "CONNECT"
    ):
        raise Doubt
    told: str | None = environ.get("CONTENT_LENGTH")
    if told is None:
        return 0
    if not (told.isascii() and told.isdigit()) or len(told) > _LONGEST_LENGTH or int(told) > MOST_BODY:
        raise Doubt
    return int(told)


class HeadReaders:
    """Makes the reader of a connection's heads, by the settings and by what is installed."""

    def __init__(self, cfg: Any) -> None:
        self._cfg = cfg
        self._module = c_parser() if self._fits_c(cfg) else None
        fields, field = cfg.limit_request_fields, cfg.limit_request_field_size
        line = cfg.limit_request_line if 0 < cfg.limit_request_line < MOST_HEAD else MOST_HEAD
        field = field if 0 < field < MOST_HEAD else MOST_HEAD
        self._limits = (line, fields if 0 < fields < _MOST_FIELDS else _MOST_FIELDS, field)
        self._schemes = {"HTTP_" + name.replace("-", "_"): value for name, value in cfg.secure_scheme_headers.items()}

    @staticmethod
    def _fits_c(cfg: Any) -> bool:
        """Whether these settings mean what the parser in C does."""
        loose = any(getattr(cfg, name) for name in _PYTHON_ONLY)
        return not loose and cfg.header_map == "drop" and cfg.http_parser != "python"

    def of(self, client: Any, address: Any, server: Any) -> Heads:
        """The reader for the connection ``client`` of the peer at ``address`` to our ``server`` address."""
        if self._module is None or not isinstance(address, tuple) or not isinstance(server, tuple):
            return SteadyHeads(self._cfg, client, address, server)
        return FastHeads(
            parse=self._module.parse_to_wsgi_environ,
            errors=(self._module.ParseError, self._module.IncompleteError),
            server=(server[0], str(server[1])),
            client=(address[0], str(address[1])),
            peer=address,
            limits=self._limits,
            most=self._limits[2],
            script_name=os.environ.get("SCRIPT_NAME", ""),
            schemes=self._schemes if self._is_trusted(address[0]) else None,
        )

    def _is_trusted(self, host: str) -> bool:
        """Whether this peer is a proxy whose word counts."""
        allowed = self._cfg.forwarded_allow_ips
        if "*" in allowed or host in allowed:
            return True
        networks = self._cfg.forwarded_allow_networks()
        return bool(networks) and any(ip_address(host) in network for network in networks)


def c_parser() -> ModuleType | None:
    """Gunicorn's parser in C, if it is installed and as strict as the one in Python."""
    try:
        module = importlib.import_module("gunicorn_h1c")
        parse = module.parse_to_wsgi_environ
    except (ImportError, AttributeError):
        return None
    for head in _BAD_HEADS:
        try:
            parse(head)
        except module.ParseError:
            continue
        return None
    return None if "HTTP_A_B" in parse(b"GET / HTTP/1.1\r\nA_B: c\r\n\r\n") else module

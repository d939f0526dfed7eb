"""The socket on which the app is served."""

from __future__ import annotations

import errno
import re
import socket

from dinnerkit.errors import Invalid

_BIND = re.compile(r"(?P<host>\[[0-9a-fA-F:.]+\]|[^:\[\]]*):(?P<port>\d{1,5})")
_BACKLOG = 2048
_HIGHEST_PORT = 65_535
_WHY = {
    errno.EADDRINUSE: "something else listens there already",
    errno.EACCES: "this user may not listen there; ports below 1024 need root",
    errno.EADDRNOTAVAIL: "this machine has no such address",
}


def listen(bind: str) -> socket.socket:
    """A listening TCP socket on ``HOST:PORT`` or ``[IPv6]:PORT``; port 0 takes any free one.

    Raises:
        Invalid: the address is malformed, taken, forbidden or not this machine's.
    """
    match = _BIND.fullmatch(bind)
    if match is None or int(match["port"]) > _HIGHEST_PORT:
        raise Invalid(f"{bind!r} is not an address to bind, such as 127.0.0.1:8000 or [::1]:8000")
    host = match["host"].strip("[]") or "0.0.0.0"  # noqa: S104 - what ":8000" asks for
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, int(match["port"]), type=socket.SOCK_STREAM)[0]
    except socket.gaierror as error:
        raise Invalid(f"can't serve at {bind}: no host is called {host!r}") from error
    listener = socket.socket(family, kind, protocol)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen(_BACKLOG)
    except OSError as error:
        listener.close()
        why = _WHY.get(error.errno or 0, error.strerror)
        raise Invalid(f"can't serve at {bind}: {why}") from error
    return listener


def url_of(listener: socket.socket) -> str:
    """The address at which ``listener`` is reached, with its true port: ``http://127.0.0.1:8000``."""
    host, port = listener.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"

"""Backend URLs: ``scheme://location?option=value``, where the location may be a path."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import parse_qsl, unquote

from dinnerkit.errors import SettingError

SCHEME = r"[a-z][a-z0-9+.-]*"
"""What the scheme of a backend URL is made of."""

_URL = re.compile(rf"(?P<scheme>{SCHEME})://(?P<location>[^?#]*)(?:\?(?P<query>[^#]*))?")
_ENDED_CREDENTIALS = re.compile(r"[^/?#@:]*:[^/?#@]*[/?#].*@", re.DOTALL)
"""What stands after ``://`` where a password has a sign that ends the host, unless it is ..."""

_ADDRESSES = re.compile(r"[^/?#@:]+:\d{1,5}(,[^/?#@]*)?(/[^?#@]*)?(\?\w+=[^#]*)?")
"""... hosts with ports, and options of which one has an ``@``."""

_MEANT = re.compile(r"[%?#@]")

_HOST = re.compile(r"(?P<host>\[[0-9a-fA-F:.]+\]|[^:\[\]/@]+)(?::(?P<port>\d{1,5}))?")
_LAST_PORT = 65_535

_CREDENTIALS = re.compile(r"(?P<user>[^/?#@:]*)(?P<password>.*:.*)@", re.DOTALL)


@dataclass(frozen=True, slots=True)
class BackendUrl:
    """A URL in its parts: ``sqlite:///var/q.db?timeout=5`` is scheme ``sqlite``, location ``/var/q.db``, options ``{"timeout": "5"}``."""

    scheme: str
    location: str
    options: dict[str, str]

    @property
    def path(self) -> Path:
        """The location as an absolute path: ``sqlite://q.db`` is relative to the working directory, ``~`` is the home."""
        return Path(unquote(self.location)).expanduser().absolute()

    def only(self, *options: str) -> BackendUrl:
        """This URL, once its options are known to be among ``options``.

        Raises:
            SettingError: it has another.
        """
        for name, value in self.options.items():
            if name not in options:
                allowed = ", ".join(options) or "none"
                told = (
                    f"has no option {name!r}"
                    if "@" not in name + value
                    else "has options that it should not have, or a password with ? in it"
                )
                raise SettingError(f"{self.scheme}:// {told} (allowed: {allowed})")
        return self


def parse_url(url: str) -> BackendUrl:
    """Take a backend URL apart.

    Raises:
        SettingError: it is not of the form ``scheme://…``, or a password in it has a ``/``, ``?`` or ``#``; that one is not quoted.
    """
    rest = url.partition("://")[2]
    if _ENDED_CREDENTIALS.match(rest) and not _ADDRESSES.fullmatch(rest):
        raise SettingError("a backend URL has a name or password with /, ? or # in it: percent-encode it, as %2F, %3F or %23")
    match = _URL.fullmatch(url)
    if match is None:
        raise SettingError(f"{mask_url(url)!r} is not a backend URL, such as memory:// or mongodb://host/name")
    query = (match["query"] or "").replace("+", "%2B")  # a plus is a space in forms alone
    return BackendUrl(match["scheme"], match["location"], dict(parse_qsl(query, keep_blank_values=True)))


def path_url(scheme: str, path: str | Path) -> str:
    """The URL of a backend at a path, which may have any signs in it: those that mean something in a URL are encoded."""
    return f"{scheme}://{_MEANT.sub(lambda sign: f'%{ord(sign[0]):02X}', str(path))}"


def hosts_of(addresses: str, usual_port: int, url: str) -> tuple[tuple[str, int], ...]:
    """The hosts and ports of ``HOST,HOST:PORT,[IPV6]:PORT``, in their order; this machine's where none is named.

    Raises:
        SettingError: one is no host; it and the URL are quoted, without what is secret in that.
    """
    found = []
    for address in (addresses or "127.0.0.1").split(","):
        match = _HOST.fullmatch(address.strip())
        if match is None or not 0 < int(match["port"] or usual_port) <= _LAST_PORT:
            raise SettingError(f"{mask_url(url)!r}: {address!r} is not HOST or HOST:PORT")
        found.append((match["host"].strip("[]"), int(match["port"] or usual_port)))
    return tuple(found)


def mask_url(url: str) -> str:
    """The URL with the password in it, and every option that may be a secret, replaced by ``***``.

    Nobody knows where a password ends that should have been encoded: so all up to the last ``@`` goes, were it an option's.
    """
    scheme, separator, rest = url.partition("://") if "://" in url else ("", "", url)
    match = _CREDENTIALS.match(rest)
    if match is not None:
        user = f"{match['user']}:" if match["password"].startswith(":") else ""
        rest = f"{user}***@{rest[match.end() :]}"
    masked = f"{scheme}{separator}{rest}"
    return re.sub(r"(?i)([?&][^=&]*(?:secret|password|key|token)[^=&]*=)[^&]*", r"\1***", masked)

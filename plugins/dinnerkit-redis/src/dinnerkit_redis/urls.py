"""What a URL says of where Redis is, and how patient we are with it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import unquote

from dinnerkit.errors import SettingError
from dinnerkit.ports.urls import hosts_of, mask_url, parse_url

OPTIONS = ("timeout", "retries", "connections", "prefix", "ca", "tls", "sentinel_password")

_PORT, _SENTINEL_PORT = 6379, 26379
_TIMEOUT = 0.075
"""A request that meets a Redis which has just begun to hang waits for it up to three times: twice for the limiter, once for the cache."""

_PREFIX = re.compile(r"[a-z0-9_-]{1,40}")


@dataclass(frozen=True, slots=True)
class RedisUrl:
    """A URL in its parts.

    Attributes:
        kind: redis, sentinel or cluster.
        hosts: where it is, or where its sentinels or nodes are.
        service: the name of the master that sentinels watch.
        db: the database's number.
        tls: whether connections are encrypted.
        ca: the file of the certificates that are trusted; the system's where empty.
        timeout: seconds that connecting may take, and each answer.
        retries: how often more is tried where a connection was lost, ever later; what takes too long is not tried again, since a request
            waits for it.
        connections: how many there are at most at the same time; who needs another waits for one, at most ``timeout`` seconds; not of a
            cluster.
        prefix: what all keys begin with.
    """

    kind: str
    hosts: tuple[tuple[str, int], ...]
    username: str | None
    password: str | None = field(repr=False)
    service: str
    db: int
    tls: bool
    ca: str
    sentinel_password: str | None = field(repr=False)
    timeout: float
    retries: int
    connections: int
    prefix: str


def parse(url: str) -> RedisUrl:
    """Take the URL apart.

    Raises:
        SettingError: it is none of ours; the message names what is wrong, without its password.
    """
    parsed = parse_url(url).only(*OPTIONS)
    options = parsed.options
    kind = parsed.scheme.partition("+")[2] or "redis"
    credentials, _, rest = parsed.location.rpartition("@")
    if "/" in credentials:
        raise SettingError(f"{parsed.scheme}:// has a name or password with / in it: percent-encode it, as %2F")
    username, _, password = credentials.partition(":")
    addresses, _, path = rest.partition("/")
    service, db = _path(kind, path, url)
    if kind == "cluster" and "connections" in options:
        raise SettingError("redis+cluster:// has no option 'connections': there are as many as are needed at the same time")
    return RedisUrl(
        kind=kind,
        hosts=_hosts(kind, addresses, url),
        username=unquote(username) or None,
        password=unquote(password) or None,
        service=service,
        db=db,
        tls=parsed.scheme == "rediss" or _yes(options.get("tls", "no")),
        ca=options.get("ca", ""),
        sentinel_password=options.get("sentinel_password"),
        timeout=_number(options, "timeout", _TIMEOUT, 0.01, 10.0),
        retries=int(_number(options, "retries", 3, 0, 10)),
        connections=int(_number(options, "connections", 50, 1, 10_000)),
        prefix=_prefix(options.get("prefix", "dinnerkit")),
    )


def _hosts(kind: str, addresses: str, url: str) -> tuple[tuple[str, int], ...]:
    found = hosts_of(addresses, _SENTINEL_PORT if kind == "sentinel" else _PORT, url)
    if kind == "redis" and len(found) > 1:
        raise SettingError(f"{mask_url(url)!r} names several hosts; redis+sentinel:// and redis+cluster:// do that")
    return found


def _path(kind: str, path: str, url: str) -> tuple[str, int]:
    """The master's name, where there are sentinels, and the database's number."""
    service = ""
    if kind == "sentinel":
        service, _, path = path.partition("/")
        if not service:
            raise SettingError(f"{mask_url(url)!r} lacks the master's name: redis+sentinel://HOST,HOST,HOST/NAME")
    if kind == "cluster" and path not in {"", "0"}:
        raise SettingError(f"{mask_url(url)!r}: a cluster has no databases with numbers")
    if path and not path.isdecimal():
        raise SettingError(f"{mask_url(url)!r}: the database is a number, not {path!r}")
    return unquote(service), int(path or 0)


def _number(options: Mapping[str, str], name: str, usual: float, least: float, most: float) -> float:
    try:
        number = float(options.get(name, usual))
    except ValueError:
        number = float("nan")
    if not least <= number <= most:
        raise SettingError(f"redis: {name} is a number from {least:g} to {most:g}, not {options[name]!r}")
    return number


def _yes(text: str) -> bool:
    if text not in {"yes", "no"}:
        raise SettingError(f"redis: tls is yes or no, not {text!r}")
    return text == "yes"


def _prefix(text: str) -> str:
    if not _PREFIX.fullmatch(text):
        raise SettingError(f"redis: prefix is 1 to 40 small letters, digits, - and _, not {text!r}")
    return text

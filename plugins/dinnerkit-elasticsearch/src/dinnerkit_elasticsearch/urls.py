"""What a URL says of where Elasticsearch is, and how patient we are with it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import unquote

from dinnerkit.errors import SettingError
from dinnerkit.ports.urls import hosts_of, parse_url

OPTIONS = ("timeout_ms", "prefix", "sniff", "ca", "api_key", "shards", "refresh_ms")

_PORT = 9200
_PREFIX = re.compile(r"[a-z0-9][a-z0-9_-]{0,39}")


@dataclass(frozen=True, slots=True)
class ElasticsearchUrl:
    """A URL in its parts.

    Attributes:
        scheme: http or https.
        hosts: the nodes that are known; more are found by sniffing.
        api_key: what we sign in with in place of a name and password.
        ca: the file of the certificates that are trusted; the system's where empty.
        seconds: how long a question may take, all in all.
        sniff: whether the nodes are asked for the others now and then. Where several are named they can be reached as they call themselves;
            one address is rather a proxy's.
        prefix: what the names of indexes and aliases begin with.
        shards: into how many parts a new index is cut.
        refresh_ms: how long it takes at most, in milliseconds, until what was written is found; a write waits for it.
    """

    scheme: str
    hosts: tuple[tuple[str, int], ...]
    username: str | None
    password: str | None = field(repr=False)
    api_key: str | None = field(repr=False)
    ca: str
    seconds: float
    sniff: bool
    prefix: str
    shards: int
    refresh_ms: int


def parse(url: str) -> ElasticsearchUrl:
    """Take the URL apart.

    Raises:
        SettingError: it is none of ours; the message names what is wrong, without its password.
    """
    parsed = parse_url(url).only(*OPTIONS)
    options = parsed.options
    credentials, _, addresses = parsed.location.rpartition("@")
    username, _, password = credentials.partition(":")
    hosts = tuple(dict.fromkeys(hosts_of(addresses.rstrip("/"), _PORT, url)))
    secure = parsed.scheme == "elasticsearch+https"
    if "ca" in options and not secure:
        raise SettingError("elasticsearch:// does not encrypt, so it has no option 'ca'; elasticsearch+https:// has")
    if "api_key" in options and credentials:
        raise SettingError("elasticsearch: either a name and password or an api_key")
    return ElasticsearchUrl(
        scheme="https" if secure else "http",
        hosts=hosts,
        username=unquote(username) or None,
        password=unquote(password),
        api_key=options.get("api_key"),
        ca=options.get("ca", ""),
        seconds=_number(options, "timeout_ms", 250, 10, 60_000) / 1000,
        sniff=_yes(options.get("sniff", "yes" if len(hosts) > 1 else "no")),
        prefix=_prefix(options.get("prefix", "dinnerkit")),
        shards=_number(options, "shards", 1, 1, 100),
        refresh_ms=_number(options, "refresh_ms", 1000, 10, 60_000),
    )


def _number(options: Mapping[str, str], name: str, usual: int, least: int, most: int) -> int:
    typed = options.get(name, str(usual))
    if not (typed.isascii() and typed.isdecimal() and least <= int(typed) <= most):
        raise SettingError(f"elasticsearch: {name} is a whole number from {least} to {most}, not {typed!r}")
    return int(typed)


def _yes(text: str) -> bool:
    if text not in {"yes", "no"}:
        raise SettingError(f"elasticsearch: sniff is yes or no, not {text!r}")
    return text == "yes"


def _prefix(text: str) -> str:
    if not _PREFIX.fullmatch(text):
        raise SettingError(f"elasticsearch: prefix is 1 to 40 small letters, digits, - and _, the first no sign, not {text!r}")
    return text

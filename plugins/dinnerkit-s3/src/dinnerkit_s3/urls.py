"""What a URL says of where the bucket is, and who may use it."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from urllib.parse import unquote, urlsplit

from dinnerkit.errors import Invalid, SettingError
from dinnerkit.ports.media import LONGEST_KEY, check_key
from dinnerkit.ports.urls import parse_url

OPTIONS = ("endpoint", "region", "direct", "public", "ca", "connections")

_BUCKET = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")
_REGION = re.compile(r"[a-z0-9-]{1,40}")
_HOST = re.compile(r"[A-Za-z0-9.-]+|\[[0-9a-fA-F:.]+\]")
_LONGEST_PREFIX = 100
_MOST_CONNECTIONS = 1000


@dataclass(frozen=True, slots=True)
class S3Url:
    """A URL in its parts.

    Attributes:
        bucket: its name.
        prefix: what all keys begin with; empty, or with a slash at its end.
        key_id: of the access key; None where boto3 is to find one as it usually does.
        secret: that belongs to it.
        endpoint: where the store is; None for Amazon's own.
        region: of the bucket; None where boto3 is to find it.
        direct: whether browsers send files to the store, and are handed them by it.
        public: where a CDN or a public bucket hands out what has the prefix; None where nobody does.
        ca: the file of the certificates that are trusted; the usual where empty.
        connections: how many each process has at most.
    """

    bucket: str
    prefix: str
    key_id: str | None
    secret: str | None = field(repr=False)
    endpoint: str | None
    region: str | None
    direct: bool
    public: str | None
    ca: str
    connections: int


def parse(url: str) -> S3Url:
    """Take the URL apart.

    Raises:
        SettingError: it is none of ours; the message names what is wrong, without its secret.
    """
    parsed = parse_url(url).only(*OPTIONS)
    options = parsed.options
    credentials, _, place = parsed.location.rpartition("@")
    if "/" in credentials:
        raise SettingError("s3:// has a secret with / in it: percent-encode it, as %2F")
    key_id, _, secret = credentials.partition(":")
    if bool(key_id) != bool(secret):
        raise SettingError("s3:// has a key without its secret, or the other way round: s3://KEY:SECRET@BUCKET, or none of both")
    bucket, _, prefix = place.partition("/")
    if not _BUCKET.fullmatch(bucket):
        raise SettingError("s3:// names no bucket: s3://BUCKET/PREFIX; a bucket has small letters, digits, dots and hyphens")
    region = options.get("region")
    if region is not None and not _REGION.fullmatch(region):
        raise SettingError("s3: region is a name such as eu-central-1")
    return S3Url(
        bucket=bucket,
        prefix=_prefix(prefix),
        key_id=unquote(key_id) or None,
        secret=unquote(secret) or None,
        endpoint=_address("endpoint", options.get("endpoint"), with_path=False),
        region=region,
        direct=_yes(options.get("direct", "no")),
        public=_address("public", options.get("public"), with_path=True),
        ca=options.get("ca", ""),
        connections=_connections(options.get("connections", "50")),
    )


def _prefix(text: str) -> str:
    text = text.rstrip("/")
    if not text:
        return ""
    try:
        check_key(text)
    except Invalid:
        raise SettingError("s3: a prefix is of small letters, digits, -, _, . and single slashes") from None
    if len(text) > _LONGEST_PREFIX:
        raise SettingError(f"s3: a prefix has at most {_LONGEST_PREFIX} characters, so that {LONGEST_KEY} are left for each key")
    return f"{text}/"


def _address(name: str, text: str | None, *, with_path: bool) -> str | None:
    """An http address without anything that could be a secret.

    Raises:
        SettingError: it is none; it is not quoted, as it might have a password.
    """
    if text is None:
        return None
    parts = urlsplit(text)
    try:
        port = parts.port
    except ValueError:
        port = -1
    host = (parts.netloc.rpartition(":")[0] if port else parts.netloc) or ""
    known = parts.scheme in {"http", "https"} and _HOST.fullmatch(host) and port != -1
    plain = not parts.query and not parts.fragment and (with_path or parts.path in {"", "/"})
    if not known or not plain or re.search(r"[\s\"'<>;,]", text):
        raise SettingError(f"s3: {name} is an address such as https://s3.example.org, without a name, a password or anything after it")
    return text.rstrip("/")


def _yes(text: str) -> bool:
    if text not in {"yes", "no"}:
        raise SettingError(f"s3: direct is yes or no, not {text!r}")
    return text == "yes"


def _connections(text: str) -> int:
    if not (text.isascii() and text.isdecimal() and 1 <= int(text[:5]) <= _MOST_CONNECTIONS):
        raise SettingError(f"s3: connections is a number from 1 to {_MOST_CONNECTIONS}, not {text!r}")
    return int(text)

"""What a request asks for by its headers: in which encoding, and whether it has the answer already."""

from __future__ import annotations

import gzip
import importlib
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Final

from werkzeug.http import parse_accept_header, parse_etags, unquote_etag

IDENTITY: Final = "identity"
LONGEST_HEADER = 512
"""A longer one is not looked at: the answer comes whole and as it is."""

LEAST_BYTES = 1024
"""A shorter body is not made shorter by more than its headers weigh."""


def _gzip(body: bytes) -> bytes:
    return gzip.compress(body, compresslevel=6, mtime=0)


def _encoders() -> dict[str, Callable[[bytes], bytes]]:
    found: dict[str, Callable[[bytes], bytes]] = {}
    try:
        brotli = importlib.import_module("brotli")
    except ImportError:
        pass
    else:
        found["br"] = lambda body: bytes(brotli.compress(body, quality=5))
    found["gzip"] = _gzip
    return found


ENCODERS: Mapping[str, Callable[[bytes], bytes]] = _encoders()
"""The encodings other than identity that there are here, the better first: ``br`` with the extra ``brotli``."""


def encoding_for(accepted: str) -> str:
    """The best encoding that an ``Accept-Encoding`` lets us take; identity where it makes no sense, or refuses all that we have."""
    return _encoding_for(accepted) if accepted and len(accepted) <= LONGEST_HEADER else IDENTITY


@lru_cache(maxsize=512)
def _encoding_for(accepted: str) -> str:
    quality: dict[str, float] = {}
    for name, value in parse_accept_header(accepted):
        quality.setdefault(name.strip().lower(), value)
    others = quality.get("*", 0.0)
    ours = [(quality.get(name, others), name) for name in ENCODERS]
    best, name = max(ours, key=lambda one: one[0])
    return name if best > 0 and best >= quality.get(IDENTITY, 0.0) else IDENTITY


def has_already(told: str, etag: str) -> bool:
    """Whether an ``If-None-Match`` names the etag, by the weak comparison that RFC 9110 wants here."""
    if told == etag:
        return True
    return len(told) <= LONGEST_HEADER and parse_etags(told).contains_weak(unquote_etag(etag)[0] or "")

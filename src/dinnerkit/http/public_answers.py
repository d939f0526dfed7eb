"""Public answers: JSON that was encoded once, its ETag, and what it is about."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from dinnerkit.http.json_bytes import json_to_keep

JSON: Final = "application/json"


@dataclass(frozen=True, slots=True)
class Encoded:
    """A body that is ready to be sent, and kept in a cache as it is."""

    body: bytes
    etag: str


def encode(payload: Any) -> Encoded:
    """The payload as JSON bytes with a strong ETag of these bytes. Datetimes become RFC 3339 in UTC."""
    body = payload if isinstance(payload, bytes) else json_to_keep(payload)
    return Encoded(body, hashlib.blake2b(body, digest_size=16).hexdigest())


MOST_KEYS_SHOWN = 64
"""More surrogate keys than these make a head that proxies don't take: such an answer is kept by nobody who purges by them."""


@dataclass(frozen=True, slots=True)
class PublicAnswer:
    """An answer that anyone may see.

    Attributes:
        encoded: the JSON.
        about: the surrogate keys of all that it follows from; where there are any, at most :data:`MOST_KEYS_SHOWN`, it may be kept for
            longer by those who are told of changes: the fast lane, and caches in front that purge by the ``Surrogate-Key`` header.
        until: when it stops being true by itself.
        max_age: seconds for which any cache may give it without asking.
    """

    encoded: Encoded
    about: tuple[str, ...] = ()
    until: datetime | None = None
    max_age: int = 0

    @classmethod
    def of(cls, payload: Any, about: Sequence[str] = (), until: datetime | None = None, max_age: int = 0) -> PublicAnswer:
        """Of what orjson takes, JSON bytes, or an :class:`Encoded`."""
        encoded = payload if isinstance(payload, Encoded) else encode(payload)
        return cls(encoded, tuple(about), until, max_age)

    @property
    def is_for_keeping(self) -> bool:
        """Whether it names what it is about, as far as a head can."""
        return 0 < len(self.about) <= MOST_KEYS_SHOWN

    @property
    def etag(self) -> str:
        """As a header has it."""
        return f'"{self.encoded.etag}"'

    def headers(self) -> list[tuple[str, str]]:
        """Those that say how it may be kept."""
        found = [
            ("ETag", self.etag),
            ("Cache-Control", f"public, max-age={self.max_age}, must-revalidate"),
            ("Vary", "Accept-Encoding"),
        ]
        return [*found, ("Surrogate-Key", " ".join(self.about))] if self.is_for_keeping else found

"""What the tests of stores of media are given, and what several of them look at."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from dinnerkit.ids import new_id
from dinnerkit.ports.media import MediaInfo, MediaStore
from dinnerkit.testing.bench import Bench
from dinnerkit.testing.expecting import ContractBroken, expect

CLOCKS = timedelta(minutes=15)
"""How far the store's clock may be from ours: no more than S3 takes."""


@dataclass(frozen=True, kw_only=True, slots=True)
class MediaBench(Bench[MediaStore]):
    """What the author of a store of media gives to the tests, beside what :class:`~dinnerkit.testing.bench.Bench` says.

    Attributes:
        beside: opens another store of the same kind as near by as can be, such as another prefix in the same bucket.
        at_once: seconds within which a call must have failed where the service is silent.
        ping_at_once: the same for ``ping``, which readiness waits for.
        strict: whether the store behind it holds those who upload to what their form says, as it must; False for a double of the store that
            takes all, where that can't be tested.
    """

    beside: Callable[[], MediaStore] | None = None
    at_once: float = 15.0
    ping_at_once: float = 3.0
    strict: bool = True


def new_key() -> str:
    """A key that nobody has used."""
    return f"photos/{new_id()}"


def inside(content: bytes) -> str:
    """The bytes in few words."""
    return f"{len(content)} bytes that begin with {content[:5]!r} and end with {content[-5:]!r}"


def expect_info(info: MediaInfo, key: str, content: bytes, content_type: str, name: str) -> None:
    """It tells of that medium.

    Raises:
        ContractBroken: it does not.
    """
    expect(info.key == key, f"{name} tells of the key {info.key!r} where it was {key!r}")
    expect(info.size == len(content), f"{name} says that {len(content)} bytes are {info.size}")
    expect(info.content_type == content_type, f"{name} says that what was put as {content_type!r} is {info.content_type!r}")
    printable = info.etag.isascii() and info.etag.isprintable() and '"' not in info.etag
    expect(info.etag and printable, f"{name} gives an etag that can't stand in a header: {info.etag!r}")
    expect_moment(info)


def expect_moment(info: MediaInfo) -> None:
    """It was stored a moment ago, as it says.

    Raises:
        ContractBroken: it says something else.
    """
    if info.stored_at.tzinfo is None:
        raise ContractBroken(f"when a medium was stored is told without a time zone: {info.stored_at!r}")
    away = abs(datetime.now(UTC) - info.stored_at)
    expect(away < CLOCKS, f"a medium that was stored a moment ago is said to have been so at {info.stored_at.isoformat()}")


def expect_medium(store: MediaStore, key: str, content: bytes, content_type: str) -> None:
    """It is there, whole, as what it was put.

    Raises:
        ContractBroken: it is not.
    """
    found, known = store.get(key), store.stat(key)
    if found is None or known is None:
        raise ContractBroken(f"a medium of {len(content)} bytes that was put is not there")
    expect(found.content == content, f"where {inside(content)} were put, it gives {inside(found.content)}")
    expect_info(found.info, key, content, content_type, "get")
    expect_info(known, key, content, content_type, "stat")

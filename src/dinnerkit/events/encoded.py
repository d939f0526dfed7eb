"""Events as lists show them, as JSON: each is written once for as long as the database sends the same of it.

A list that is asked for again after one of its twenty dinners has sold a seat differs in that one. What is remembered goes by the bytes
that the database has just sent, so it can't be behind them, and nothing purges it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from types import MappingProxyType
from typing import Any, Final

import bson
from bson.codec_options import CodecOptions

from dinnerkit.events.rows import summary_of
from dinnerkit.http.json_bytes import json_to_keep

_AWARE: Final[CodecOptions[Any]] = CodecOptions(tz_aware=True)
_REMEMBERED = 1024
"""At about 5 kB each."""


@dataclass(frozen=True, slots=True)
class EncodedEvent:
    """An :class:`~dinnerkit.events.rows.EventSummary`, which is not to be changed, and the JSON of it."""

    row: Mapping[str, Any]
    json: bytes


def documents(batches: Iterable[bytes]) -> Iterator[bytes]:
    """The documents of batches of BSON, each of which begins with its length."""
    for batch in batches:
        begin = 0
        while begin < len(batch):
            end = begin + int.from_bytes(batch[begin : begin + 4], "little")
            yield batch[begin:end]
            begin = end


def groups(found: Iterable[bytes]) -> Iterator[tuple[int, Iterator[bytes]]]:
    """Of documents ``{"_id": number, "events": [document, …]}`` the number and the documents of each.

    Raises:
        ValueError: one is not of that shape.
    """
    for group in found:
        if group[4 : len(_GROUP_ID) + 4] != _GROUP_ID or not group.startswith(_GROUP_EVENTS, _EVENTS_AT):
            raise ValueError("not a group of events")
        begin = _EVENTS_AT + len(_GROUP_EVENTS)
        yield int.from_bytes(group[len(_GROUP_ID) + 4 : _EVENTS_AT], "little"), _elements(group, begin)


_GROUP_ID: Final = b"\x10_id\0"
_EVENTS_AT: Final = 4 + len(_GROUP_ID) + 4
"""After the length of the whole, and the number in 32 bits."""
_GROUP_EVENTS: Final = b"\x04events\0"


def _elements(group: bytes, begin: int) -> Iterator[bytes]:
    """The documents of the BSON array that begins there: each comes after its type and its index, which is text that ends with a zero."""
    end = begin + int.from_bytes(group[begin : begin + 4], "little") - 1
    begin += 4
    while begin < end:
        begin = group.index(0, begin + 1) + 1
        size = int.from_bytes(group[begin : begin + 4], "little")
        yield group[begin : begin + size]
        begin += size


@lru_cache(maxsize=_REMEMBERED)
def encoded(document: bytes) -> EncodedEvent:
    """The event that the database sent as these bytes, in the projection ``SUMMARY``."""
    return encoded_row(summary_of(bson.decode(document, _AWARE)))


def encoded_row(row: Mapping[str, Any]) -> EncodedEvent:
    """The same for one that is read already."""
    return EncodedEvent(MappingProxyType(row), json_to_keep(row))

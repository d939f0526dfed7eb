"""Events as lists show them, as JSON: each is written once for as long as the database sends the same of it.

A list that is asked for again after one of its twenty dinners has sold a seat differs in that one. What is remembered goes by the bytes
that the database has just sent, so it can't be behind them, and nothing purges it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from types import MappingProxyType
from typing import Any

from dinnerkit.events.rows import summary_of
from dinnerkit.http.json_bytes import json_to_keep
from dinnerkit.joint_finds import row_of

_REMEMBERED = 1024
"""At about 5 kB each."""


@dataclass(frozen=True, slots=True)
class EncodedEvent:
    """An :class:`~dinnerkit.events.rows.EventSummary`, which is not to be changed, and the JSON of it."""

    row: Mapping[str, Any]
    json: bytes


@lru_cache(maxsize=_REMEMBERED)
def encoded(document: bytes) -> EncodedEvent:
    """The event that the database sent as these bytes, in the projection ``SUMMARY``."""
    return encoded_row(summary_of(row_of(document)))


def encoded_row(row: Mapping[str, Any]) -> EncodedEvent:
    """The same for one that is read already."""
    return EncodedEvent(MappingProxyType(row), json_to_keep(row))

"""Opaque cursors: where the next page of a list begins.

    next = encode_cursor(event["starts_at"], event["_id"]) if more else None
    after_time, after_id = decode_cursor(cursor, datetime, str)

A cursor is not signed: it holds nothing that its reader may not know, and a made-up one only moves the page.
"""

from __future__ import annotations

import base64
import binascii
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson

from dinnerkit.clock import to_millis
from dinnerkit.errors import Invalid

MAX_LENGTH = 512
"""No cursor of ours is longer."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)
_INT64 = 2**63


class BadCursor(Invalid):
    """The cursor was not made by this list."""

    code = "bad_cursor"

    def __init__(self) -> None:
        super().__init__("The cursor is not one of this list; begin again without it.", fields={"cursor": "Not a cursor of this list."})


def encode_cursor(*values: str | int | float | bool | datetime | None) -> str:
    """The values as an opaque URL-safe text."""
    plain = [(to_millis(value) - _EPOCH) // _MILLISECOND if isinstance(value, datetime) else value for value in values]
    return base64.urlsafe_b64encode(orjson.dumps(plain)).rstrip(b"=").decode()


def decode_cursor(cursor: str, *kinds: type[Any]) -> tuple[Any, ...]:
    """The values that were encoded, each an instance of the kind at its place.

    Raises:
        BadCursor: it was not made by :func:`encode_cursor` from values of these kinds.
    """
    if len(cursor) > MAX_LENGTH:
        raise BadCursor
    try:
        values = orjson.loads(base64.urlsafe_b64decode(cursor.encode("ascii") + b"=" * (-len(cursor) % 4)))
    except (ValueError, binascii.Error):
        raise BadCursor from None
    if not isinstance(values, list) or len(values) != len(kinds):
        raise BadCursor
    return tuple(_as(kind, value) for kind, value in zip(kinds, values, strict=True))


def _as(kind: type[Any], value: Any) -> Any:
    if kind is datetime:
        if type(value) is not int:
            raise BadCursor
        try:
            return _EPOCH + value * _MILLISECOND
        except OverflowError:
            raise BadCursor from None
    if kind is float and type(value) is int:
        value = float(value)
    if type(value) is not kind or (kind is int and not -_INT64 <= value < _INT64):
        raise BadCursor
    return value

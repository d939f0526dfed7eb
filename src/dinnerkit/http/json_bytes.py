"""How everything becomes JSON, without Flask: once, to bytes."""

from __future__ import annotations

from typing import Any

import orjson

_OPTIONS = orjson.OPT_UTC_Z | orjson.OPT_NAIVE_UTC


def to_json(payload: Any) -> bytes:
    """The payload as orjson writes it; datetimes become RFC 3339 in UTC, and an :class:`orjson.Fragment` is what it holds."""
    return orjson.dumps(payload, option=_OPTIONS)


def json_to_keep(payload: Any) -> bytes:
    """The same in bytes that take no more memory than they must: orjson's have room behind them for as many again, or 8 kB at least."""
    return bytes(memoryview(to_json(payload)))

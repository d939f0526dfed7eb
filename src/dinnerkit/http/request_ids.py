"""The request id: taken over from a sane ``X-Request-Id``, else new; on every answer of ours and in every log line."""

from __future__ import annotations

import re
from typing import Any, cast

from flask import request

from dinnerkit.ids import new_request_id

HEADER = "X-Request-Id"

_SANE = re.compile(r"[A-Za-z0-9._:/+=-]{8,128}")
_KEY = "dinnerkit.request_id"


def request_id() -> str:
    """The id of the present request; the same each time."""
    return request_id_of(request.environ)


def request_id_of(environ: dict[str, Any]) -> str:
    """The id of this request; the same each time."""
    known = environ.get(_KEY)
    if known is None:
        known = environ[_KEY] = sane_or_new(environ.get("HTTP_X_REQUEST_ID", ""))
    return cast("str", known)


def sane_or_new(sent: str) -> str:
    """What a caller sent, if it can be taken over; else a new id."""
    return sent if sent and _SANE.fullmatch(sent) else new_request_id()

"""Moments as people type them at the command line, and as it shows them."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Any

import click

from dinnerkit.clock import utcnow

_AGO = re.compile(r"(\d{1,5})([smhdw])", re.ASCII)
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}


class Moment(click.ParamType):  # type: ignore[type-arg, unused-ignore]  # generic in later releases only
    """A date (its beginning, in UTC), a moment in RFC 3339, or how long ago: ``2d``, ``36h``."""

    name = "moment"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> datetime:
        """The moment, in UTC."""
        if isinstance(value, datetime):
            return value
        if match := _AGO.fullmatch(value):
            return utcnow() - timedelta(**{_UNITS[match[2]]: int(match[1])})
        try:
            found = datetime.fromisoformat(value)
            return (found if found.tzinfo else found.replace(tzinfo=UTC)).astimezone(UTC)
        except (ValueError, OverflowError):
            self.fail(f"{value!r} is no moment, such as 2026-11-01, 2026-11-01T18:00:00Z, 36h or 2d", param, ctx)


def moment_shown(value: datetime) -> str:
    """The moment in UTC, to the second: ``2026-11-01T18:00:00Z``."""
    return value.isoformat(timespec="seconds").replace("+00:00", "Z")


MOMENT = Moment()

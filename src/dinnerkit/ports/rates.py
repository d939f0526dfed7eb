"""How often something may be asked for, as deployers write it; whoever only reads it needs no web framework."""

from __future__ import annotations

from limits import RateLimitItem, parse_many

from dinnerkit.errors import SettingError

_OFF = "off"


def rates_of(text: str) -> list[RateLimitItem]:
    """The limits of a rate such as ``"1000 per 15 minutes"`` or ``"5/second;100/hour"``, smallest first; none where it is ``"off"``.

    Raises:
        SettingError: it is not understood.
    """
    if text == _OFF:
        return []
    try:
        return sorted(parse_many(text))
    except ValueError:
        raise SettingError(f"rate_limit is a rate such as '1000 per 15 minutes', or off, not {text!r}") from None

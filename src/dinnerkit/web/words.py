"""Money, times and numbers as the pages write them. The pages are in English, so these are too."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from babel.core import Locale
from babel.dates import format_datetime, format_timedelta
from babel.numbers import format_currency, format_decimal

from dinnerkit.clock import utcnow
from dinnerkit.events.rules import money_in_words
from dinnerkit.money import Money, decimals
from dinnerkit.texts import sentence

LOCALE = "en_GB"

_ONE_MINUTE = timedelta(minutes=1)


def as_money(value: Money | Mapping[str, Any]) -> Money:
    """The amount, from a service's value or from a document."""
    return value if isinstance(value, Money) else Money(int(value["amount"]), str(value["currency"]))


def price(value: Money | Mapping[str, Any]) -> str:
    """As in €35 or €35.50; nothing to pay is "free"."""
    return money_in_words(as_money(value)) if as_money(value).amount else "free"


def price_in_words(value: Money | Mapping[str, Any]) -> str:
    """As in "35 euros" or "35.50 euros"; nothing to pay is "free"."""
    return _written(as_money(value), "#,##0 ¤¤¤") if as_money(value).amount else "free"


def sum_of_money(value: Money | Mapping[str, Any]) -> str:
    """As :func:`price`, where a zero is a sum too: €0."""
    return money_in_words(as_money(value))


def day(moment: datetime, zone: str) -> str:
    """As in "Friday 27 November"; with the year where it is not this one."""
    year = " y" if moment.astimezone(ZoneInfo(zone)).year != utcnow().year else ""
    return _moment(moment, zone, f"EEEE d MMMM{year}")


def short_day(moment: datetime, zone: str) -> str:
    """As in "Fri 27 Nov"; with the year where it is not this one."""
    year = " y" if moment.astimezone(ZoneInfo(zone)).year != utcnow().year else ""
    return _moment(moment, zone, f"EEE d MMM{year}")


def clock_time(moment: datetime, zone: str) -> str:
    """As in "19:30"."""
    return _moment(moment, zone, "HH:mm")


def zone_name(moment: datetime, zone: str) -> str:
    """As in "Central European Time"."""
    return _moment(moment, zone, "vvvv")


def machine_time(moment: datetime) -> str:
    """For ``<time datetime>``."""
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")


def local_input(moment: datetime, zone: str) -> str:
    """For ``<input type="datetime-local">``: exactly that moment, and seconds only where it has some."""
    local = moment.astimezone(ZoneInfo(zone)).replace(tzinfo=None)
    return local.isoformat(timespec="auto" if local.second or local.microsecond else "minutes")


def time_left(until: datetime) -> str:
    """As in "9 minutes"; never less than a minute, as nobody can act on seconds that were true when the page was made."""
    return format_timedelta(max(until - utcnow(), _ONE_MINUTE), locale=LOCALE, threshold=1.5, granularity="minute")


def number(value: float, digits: int = 0) -> str:
    """As in "1,234"."""
    return format_decimal(round(value, digits) + 0.0, format="#,##0" + (f".{'0' * digits}" if digits else ""), locale=LOCALE)


def count(value: int, one: str, many: str | None = None) -> str:
    """As in "1 seat" and "1,200 seats"."""
    return f"{number(value)} {one if value == 1 else many or one + 's'}"


def listed(words: Sequence[str]) -> str:
    """As in "wine, jazz and chess"."""
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}" if words else ""


def language(code: str) -> str:
    """As in "German" for ``de``; the code where it has no name."""
    return str(Locale.parse(LOCALE).languages.get(code, code))


def languages_in_words(codes: Sequence[str]) -> list[str]:
    """The names of some languages."""
    return [language(code) for code in codes]


def _written(money: Money, pattern: str) -> str:
    whole = money.major == money.major.to_integral_value()
    digits = "" if whole else "." + "0" * decimals(money.currency)
    return format_currency(money.major, money.currency, pattern.replace("#,##0", f"#,##0{digits}"), locale=LOCALE, currency_digits=False)


def _moment(moment: datetime, zone: str, pattern: str) -> str:
    return format_datetime(moment, pattern, tzinfo=ZoneInfo(zone), locale=LOCALE)


SPOKEN = {
    function.__name__: function
    for function in (
        price,
        price_in_words,
        sum_of_money,
        day,
        short_day,
        clock_time,
        zone_name,
        machine_time,
        local_input,
        time_left,
        number,
        count,
        listed,
        sentence,
        language,
        languages_in_words,
    )
}
"""What templates can call, by name."""

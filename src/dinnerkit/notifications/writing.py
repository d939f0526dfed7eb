"""How a mail is written: a template of ours, filled, as a complete message."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import datetime
from email.headerregistry import Address, HeaderRegistry
from email.message import EmailMessage
from email.policy import EmailPolicy
from email.utils import parseaddr
from typing import Any
from zoneinfo import ZoneInfo

from babel.dates import format_datetime
from babel.numbers import format_currency
from jinja2 import Environment, PackageLoader, StrictUndefined

from dinnerkit.clock import Clock
from dinnerkit.money import Money, decimals

_LOCALE = "en_GB"

_ALIKE = frozenset({"From", "Auto-Submitted", "MIME-Version", "Content-Type", "Content-Transfer-Encoding"})
"""The headers of which all mails of a writer have the same few."""


class _Headers(HeaderRegistry):
    """Parses each of the headers that are alike once, which is half the work of writing a mail."""

    def __init__(self) -> None:
        super().__init__()
        self._parsed: dict[tuple[str, str], Any] = {}

    def __call__(self, name: str, value: Any) -> Any:
        """The header of that name and text."""
        if name not in _ALIKE:
            return super().__call__(name, value)
        if (name, value) not in self._parsed:
            self._parsed[name, value] = super().__call__(name, value)
        return self._parsed[name, value]


class MailWriter:
    """Writes mails in plain text. The templates' first line is the subject."""

    def __init__(self, sender: str, public_url: str, clock: Clock) -> None:
        self._sender = sender
        self._clock = clock
        self._public_url = public_url.rstrip("/")
        self._policy = EmailPolicy(header_factory=_Headers())
        self._templates = Environment(
            loader=PackageLoader("dinnerkit.notifications", "mails"),
            undefined=StrictUndefined,
            autoescape=False,  # noqa: S701 - the mails are plain text
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._templates.filters |= {"money": money_in_words, "when": when_in_words}

    def write(self, template: str, *, to: str, key: str, values: Mapping[str, Any], unsubscribe: str = "") -> EmailMessage:
        """The mail to ``to``.

        Args:
            template: its name.
            to: an address.
            key: names its cause: the same cause has the same Message-ID, so that a repetition can be told.
            values: what the template shows.
            unsubscribe: the path of the page that ends such mails, by one click of the mail program (RFC 8058).
        """
        text = self._templates.get_template(f"{template}.txt").render(values, url=self._public_url)
        subject, _, body = text.partition("\n")
        mail = EmailMessage(self._policy)
        mail["Date"] = self._clock()
        mail["From"] = self._sender
        mail["To"] = Address(addr_spec=to)
        mail["Subject"] = " ".join(subject.split())
        mail["Message-ID"] = f"<{hashlib.sha256(f'{template}:{key}'.encode()).hexdigest()[:40]}@{self._host()}>"
        mail["Auto-Submitted"] = "auto-generated"
        if unsubscribe:
            mail["List-Unsubscribe"] = f"<{self._public_url}{unsubscribe}>"
            mail["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
        mail.set_content(body.strip() + "\n")
        return mail

    def _host(self) -> str:
        return parseaddr(self._sender)[1].rpartition("@")[2] or "localhost"


def money_in_words(money: Money) -> str:
    """``€35.00``; amounts are in the minor units of ISO 4217."""
    digits = "." + "0" * decimals(money.currency) if decimals(money.currency) else ""
    return format_currency(money.major, money.currency, f"¤#,##0{digits}", locale=_LOCALE, currency_digits=False)


def when_in_words(moment: datetime, timezone: str) -> str:
    """``Friday, 4 December 2026 at 19:30``, as the clocks at the place will show it."""
    return format_datetime(moment.astimezone(ZoneInfo(timezone)), "EEEE, d MMMM y 'at' HH:mm", locale=_LOCALE)

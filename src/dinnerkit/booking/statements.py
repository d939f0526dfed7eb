"""What a host has earned, been charged and been paid, as a table that any spreadsheet reads."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

from dinnerkit.events.seats import Seats
from dinnerkit.money import Money, decimals
from dinnerkit.payment.ledger.rules import Account
from dinnerkit.payment.ledger.service import Ledger

MEDIA_TYPE = "text/csv"
EARLIEST = datetime(2000, 1, 1, tzinfo=UTC)
"""Before any money moved."""

HEADER = ("date", "what", "dinner", "dinner_id", "booking_id", "amount", "currency", "balance", "entry")

WORDS = {
    "payment_succeeded": "A guest paid",
    "refund_requested": "Money goes back to a guest",
    "dispute_lost": "A guest's bank took the money back",
    "deposit_kept": "A deposit was kept",
    "payout": "Paid out to you",
    "payout_failed": "A payout came back",
}

_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")
"""What makes a spreadsheet take a cell for a formula (OWASP, CSV Injection)."""


@dataclass(frozen=True, slots=True)
class Line:
    """A line of a statement; ``balance`` is what is owed to the host after it."""

    at: datetime
    kind: str
    occasion: str | None
    reference: str | None
    money: Money
    balance: Money
    entry: str


class Statements:
    """Writes hosts' statements from the ledger."""

    def __init__(self, ledger: Ledger, seats: Seats) -> None:
        self._ledger = ledger
        self._seats = seats

    def lines(self, host_id: str, since: datetime, until: datetime) -> Iterator[Line]:
        """What changed what is owed to the host, from ``since`` until before ``until``, oldest first."""
        balances = self._ledger.owed_before(host_id, since)
        for entry in self._ledger.of_payee(host_id, since, until):
            amount = -entry.postings[Account.HOSTS]
            balances[entry.currency] = balances.get(entry.currency, 0) + amount
            money, balance = (Money(minor, entry.currency) for minor in (amount, balances[entry.currency]))
            yield Line(entry.at, entry.kind, entry.occasion, entry.reference, money, balance, entry.id)

    def csv(self, host_id: str, since: datetime, until: datetime) -> str:
        """The same as CSV with a header; amounts are decimal, and text that a spreadsheet would take for a formula gets an apostrophe."""
        out = io.StringIO()
        rows = csv.writer(out, lineterminator="\r\n")
        rows.writerow(HEADER)
        lines = list(self.lines(host_id, since, until))
        titles = self._seats.titles({line.occasion for line in lines if line.occasion})
        for line in lines:
            occasion = line.occasion or ""
            rows.writerow(
                (
                    line.at.isoformat(timespec="seconds").replace("+00:00", "Z"),
                    WORDS.get(line.kind, line.kind),
                    harmless(titles.get(occasion, "")),
                    harmless(occasion),
                    harmless(line.reference or ""),
                    decimal(line.money),
                    line.money.currency,
                    decimal(line.balance),
                    harmless(line.entry),
                )
            )
        return out.getvalue()


def harmless(text: str) -> str:
    """The text, such that no spreadsheet takes it for a formula."""
    return f"'{text}" if text.startswith(_FORMULA) else text


def decimal(money: Money) -> str:
    """``-35.00``: the amount in the currency's major unit, with as many decimals as it has, without rounding."""
    digits = decimals(money.currency)
    whole, rest = divmod(abs(money.amount), 10**digits)
    return f"{'-' if money.amount < 0 else ''}{whole}{f'.{rest:0{digits}}' if digits else ''}"

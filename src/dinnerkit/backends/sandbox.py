"""The sandbox gateway: a payment service of one SQLite file, which behaves like the real ones as far as bookings can tell.

It knows Stripe's test payment methods by name, asks for authentication, declines, refunds, keeps its own books apart from the app's, is
idempotent on keys, and sends signed webhooks a little later.
"""

from __future__ import annotations

import json
import secrets
import sqlite3
import time
import weakref
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, cast

from dinnerkit.backends.signatures import sign, verify
from dinnerkit.errors import Conflict, Invalid, NotFound, SettingError, Unavailable
from dinnerkit.ids import new_id
from dinnerkit.money import Money
from dinnerkit.ports.gateway import Charge, ChargeStatus, GatewayEvent, GatewayRefund, SignedWebhook
from dinnerkit.ports.urls import parse_url

SIGNATURE_HEADER = "Sandbox-Signature"

_LONGEST_DELAY = 86_400

METHODS: dict[str, tuple[ChargeStatus, str | None]] = {
    "pm_card_visa": ("succeeded", None),
    "pm_card_visa_debit": ("succeeded", None),
    "pm_card_mastercard": ("succeeded", None),
    "pm_card_amex": ("succeeded", None),
    "pm_card_authenticationRequired": ("action_required", None),
    "pm_card_chargeDeclined": ("declined", "generic_decline"),
    "pm_card_chargeDeclinedInsufficientFunds": ("declined", "insufficient_funds"),
    "pm_card_chargeDeclinedLostCard": ("declined", "lost_card"),
    "pm_card_chargeDeclinedStolenCard": ("declined", "stolen_card"),
    "pm_card_chargeDeclinedExpiredCard": ("declined", "expired_card"),
    "pm_card_chargeDeclinedIncorrectCvc": ("declined", "incorrect_cvc"),
    "pm_card_chargeDeclinedProcessingError": ("declined", "processing_error"),
}
"""Stripe's test payment methods (docs.stripe.com/testing), with what each leads to."""

_KINDS = {
    "succeeded": "payment_intent.succeeded",
    "declined": "payment_intent.payment_failed",
    "action_required": "payment_intent.requires_action",
    "cancelled": "payment_intent.canceled",
    "refunded": "charge.refunded",
}

_SCHEMA = """
create table if not exists secrets (name text primary key, value text not null);
create table if not exists charges (
  id text primary key, key text not null unique, amount integer not null, currency text not null, method text not null,
  status text not null, client_secret text not null unique, decline_code text, refunded integer not null default 0);
create table if not exists refunds (
  id text primary key, key text not null unique, charge text not null references charges, amount integer not null);
create table if not exists webhooks (
  id text primary key, body text not null, due_at real not null, acknowledged integer not null default 0);
create index if not exists webhooks_due on webhooks (acknowledged, due_at);
"""


class SandboxGateway:
    """A gateway that moves no real money; its state survives restarts and is shared by all processes that open the file."""

    name = "sandbox"

    def __init__(self, path: Path, webhook_delay: float = 1.0, secret: str | None = None) -> None:
        self._path = path
        self._delay = webhook_delay
        self._idle: list[sqlite3.Connection] = []
        weakref.finalize(self, _close, self._idle)
        with self._reading() as books:
            books.execute("pragma journal_mode = wal")
            books.executescript(_SCHEMA)
        with self._writing() as books:
            books.execute("insert or ignore into secrets values ('webhooks', ?)", (secret or secrets.token_hex(32),))
            (stored,) = books.execute("select value from secrets where name = 'webhooks'").fetchone()
        self._secret = secret or str(stored)

    def charge(self, *, key: str, money: Money, method: str, description: str) -> Charge:
        """Take the payment, or answer what the same key got before."""
        outcome = METHODS.get(method)
        if outcome is None:
            raise Invalid("the payment method is not known", fields={"payment_method": f"one of {', '.join(METHODS)}"})
        status, decline_code = outcome
        with self._writing() as books:
            row = _by(books, "key", key)
            if row is None:
                values = (
                    f"ch_{new_id()}",
                    key,
                    money.amount,
                    money.currency,
                    method,
                    status,
                    f"cs_{secrets.token_urlsafe(24)}",
                    decline_code,
                )
                books.execute("insert into charges values (?, ?, ?, ?, ?, ?, ?, ?, 0)", values)
                self._tell(books, values[0], status)
                row = _by(books, "key", key)
        return _charge(row)

    def retrieve(self, charge_id: str) -> Charge:
        """The payment as it is now."""
        with self._reading() as books:
            return _charge(_by(books, "id", charge_id))

    def find(self, key: str) -> Charge | None:
        """The payment that was made under ``key``."""
        with self._reading() as books:
            row = _by(books, "key", key)
        return _charge(row) if row else None

    def cancel(self, charge_id: str) -> Charge:
        """Give up a payment that has not succeeded."""
        with self._writing() as books:
            self._settle(books, _charge(_by(books, "id", charge_id)), "cancelled")
            return _charge(_by(books, "id", charge_id))

    def authenticate(self, client_secret: str, *, approve: bool) -> Charge:
        """Answer as the guest's bank: the payment succeeds or is declined."""
        with self._writing() as books:
            charge = _charge(_by(books, "client_secret", client_secret))
            if not self._settle(books, charge, "succeeded" if approve else "declined"):
                raise Conflict("this payment needs no authentication any more")
            return _charge(_by(books, "id", charge.id))

    def refund(self, *, key: str, charge_id: str, money: Money) -> GatewayRefund:
        """Give money back, or answer what the same key got before."""
        with self._writing() as books:
            row = books.execute("select * from refunds where key = ?", (key,)).fetchone()
            if row is None:
                row = self._refund(books, key, _by(books, "id", charge_id), money)
        return GatewayRefund(id=row["id"], key=key, status="succeeded", money=money)

    def verify(self, body: bytes, headers: Mapping[str, str]) -> GatewayEvent:
        """Check the signature, then read the notification."""
        verify(self._secret, body, {name.lower(): value for name, value in headers.items()}.get(SIGNATURE_HEADER.lower(), ""), time.time())
        try:
            event = json.loads(body)
            return GatewayEvent(str(event["id"]), str(event["type"]), str(event["charge"]))
        except (ValueError, KeyError, TypeError) as error:
            raise Invalid("the notification is not understood") from error

    def sign(self, body: bytes) -> dict[str, str]:
        """The headers that make ``body`` a webhook of this gateway's."""
        return {SIGNATURE_HEADER: sign(self._secret, body, int(time.time()))}

    def due_webhooks(self, limit: int = 100) -> Iterator[SignedWebhook]:
        """The webhooks whose time has come."""
        with self._reading() as books:
            query = "select id, body from webhooks where acknowledged = 0 and due_at <= ? order by due_at limit ?"
            rows = books.execute(query, (time.time(), limit)).fetchall()
        for row in rows:
            body = row["body"].encode()
            yield SignedWebhook(row["id"], body, self.sign(body))

    def acknowledge(self, webhook_id: str) -> None:
        """Don't send it again."""
        with self._writing() as books:
            books.execute("update webhooks set acknowledged = 1 where id = ?", (webhook_id,))

    def ping(self) -> None:
        """Read from the file."""
        with self._reading() as books:
            books.execute("select 1 from charges limit 1")

    def close(self) -> None:
        """Close the file."""
        _close(self._idle)

    def _settle(self, books: sqlite3.Connection, charge: Charge, status: str) -> bool:
        query = "update charges set status = ? where id = ? and status = 'action_required'"
        if books.execute(query, (status, charge.id)).rowcount == 0:
            return False
        self._tell(books, charge.id, status)
        return True

    def _refund(self, books: sqlite3.Connection, key: str, row: sqlite3.Row | None, money: Money) -> sqlite3.Row:
        charge = _charge(row)
        if money.amount <= 0:
            raise Invalid("a refund gives something back")
        query = (
            "update charges set refunded = refunded + ? where id = ? and status = 'succeeded' and currency = ? and refunded + ? <= amount"
        )
        if books.execute(query, (money.amount, charge.id, money.currency, money.amount)).rowcount == 0:
            raise Invalid("more would go back than is left of the payment")
        books.execute("insert into refunds values (?, ?, ?, ?)", (f"re_{new_id()}", key, charge.id, money.amount))
        self._tell(books, charge.id, "refunded")
        return cast("sqlite3.Row", books.execute("select * from refunds where key = ?", (key,)).fetchone())

    def _tell(self, books: sqlite3.Connection, charge_id: str, what: str) -> None:
        event_id = f"evt_{new_id()}"
        body = json.dumps({"id": event_id, "type": _KINDS[what], "charge": charge_id})
        books.execute("insert into webhooks values (?, ?, ?, 0)", (event_id, body, time.time() + self._delay))

    @contextmanager
    def _reading(self) -> Iterator[sqlite3.Connection]:
        """A connection that nobody else uses meanwhile. They are kept, as opening one costs more than a charge does."""
        try:
            books = self._connection()
            try:
                yield books
            except sqlite3.Error:
                books.close()
                raise
            except BaseException:
                self._idle.append(books)
                raise
            self._idle.append(books)
        except sqlite3.Error as error:
            raise Unavailable(f"gateway: {self._path}: {error}") from error

    def _connection(self) -> sqlite3.Connection:
        with suppress(IndexError):
            return self._idle.pop()
        books = sqlite3.connect(self._path, timeout=10, isolation_level=None, check_same_thread=False)
        books.row_factory = sqlite3.Row
        return books

    @contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        with self._reading() as books:
            books.execute("begin immediate")
            try:
                yield books
            except BaseException:
                books.execute("rollback")
                raise
            books.execute("commit")


def _close(connections: list[sqlite3.Connection]) -> None:
    while connections:
        connections.pop().close()


def _by(books: sqlite3.Connection, column: str, value: str) -> sqlite3.Row | None:
    row: Any = books.execute(f"select * from charges where {column} = ?", (value,)).fetchone()  # noqa: S608 - a column's name of ours
    return cast("sqlite3.Row | None", row)


def _charge(row: sqlite3.Row | None) -> Charge:
    if row is None:
        raise NotFound("the gateway knows no such payment")
    return Charge(
        id=row["id"],
        key=row["key"],
        status=row["status"],
        money=Money(row["amount"], row["currency"]),
        client_secret=row["client_secret"] if row["status"] == "action_required" else None,
        decline_code=row["decline_code"],
    )


def sandbox(url: str) -> SandboxGateway:
    """``sandbox://PATH?webhook_delay=SECONDS&secret=…``: the file is made where it is missing.

    Raises:
        SettingError: an option is wrong, or the folder can't be made.
    """
    parsed = parse_url(url).only("webhook_delay", "secret")
    try:
        delay = float(parsed.options.get("webhook_delay", "1"))
    except ValueError:
        delay = -1.0
    if not 0 <= delay <= _LONGEST_DELAY:
        raise SettingError(f"gateway: webhook_delay is a number of seconds from 0 to {_LONGEST_DELAY}")
    try:
        parsed.path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError as error:
        raise SettingError(f"gateway: {parsed.path.parent} can't be made: {error.strerror}") from error
    return SandboxGateway(parsed.path, delay, parsed.options.get("secret"))

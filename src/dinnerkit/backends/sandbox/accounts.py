"""The sandbox's accounts of hosts, and what is paid out to them. Every function works on books that are open."""

from __future__ import annotations

import sqlite3

from dinnerkit.errors import Invalid, NotFound, Unavailable
from dinnerkit.ids import new_id
from dinnerkit.money import Money
from dinnerkit.ports.gateway import AccountNotReady, HostAccount, Payout

_FUNDS = """
select (select coalesce(sum(amount - refunded), 0) from charges where status = 'succeeded' and currency = :currency)
  - (select coalesce(sum(disputes.amount), 0) from disputes join charges on charges.id = disputes.charge
     where disputes.status <> 'won' and currency = :currency)
  - (select coalesce(sum(amount), 0) from payouts where currency = :currency)
"""
"""What is there to pay out; what the sandbox keeps of each charge and for disputes is left to whoever runs the app."""


def open_account(books: sqlite3.Connection, *, key: str, host_id: str, country: str, email: str) -> HostAccount:
    """Open an account, or answer the one that the same key got before.

    Raises:
        Invalid: the country is none.
    """
    if not (len(country) == 2 and country.isascii() and country.isalpha() and country.isupper()):  # noqa: PLR2004 - ISO 3166-1's two
        raise Invalid("nobody is paid in that country", fields={"country": "two letters of ISO 3166-1, such as DE"})
    values = (f"acct_{new_id()}", key, host_id, country, email)
    books.execute("insert into accounts values (?, ?, ?, ?, ?, 0) on conflict (key) do nothing", values)
    (account_id,) = books.execute("select id from accounts where key = ?", (key,)).fetchone()
    return account(books, account_id)


def account(books: sqlite3.Connection, account_id: str) -> HostAccount:
    """The account of that id.

    Raises:
        NotFound: there is none.
    """
    row = books.execute("select ready from accounts where id = ?", (account_id,)).fetchone()
    if row is None:
        raise NotFound("the gateway knows no such account")
    return HostAccount(account_id, bool(row["ready"]), () if row["ready"] else ("external_account",))


def make_ready(books: sqlite3.Connection, account_id: str) -> bool:
    """Let the account take payouts; False where it does already."""
    return books.execute("update accounts set ready = 1 where id = ? and ready = 0", (account_id,)).rowcount == 1


def payout_by(books: sqlite3.Connection, column: str, value: str) -> Payout | None:
    """The payout that has this value in a unique column, or None."""
    return next(iter(payouts(books, f"{column} = ?", value)), None)


def payouts(books: sqlite3.Connection, where: str, *values: object) -> list[Payout]:
    """The payouts of which a condition holds, oldest first."""
    rows = books.execute(f"select * from payouts where {where} order by created_at, rowid", values)  # noqa: S608 - a condition of ours
    return [Payout(row["id"], row["key"], row["account"], "paid", Money(row["amount"], row["currency"])) for row in rows]


def pay_out(books: sqlite3.Connection, *, key: str, account_id: str, money: Money, now: float) -> Payout | None:
    """Send money to the account; None where the same key did so before.

    Raises:
        AccountNotReady: it can't take any yet.
        Invalid: it is nothing.
        NotFound: there is no such account.
        Unavailable: there is not enough money.
    """
    if payout_by(books, "key", key):
        return None
    if not account(books, account_id).ready:
        raise AccountNotReady("the host has not told the gateway yet where the money shall go")
    if money.amount <= 0:
        raise Invalid("a payout pays something")
    (funds,) = books.execute(_FUNDS, {"currency": money.currency}).fetchone()
    if funds < money.amount:
        raise Unavailable("there is not enough money at the gateway yet")
    values = (f"tr_{new_id()}", key, account_id, money.amount, money.currency, now)
    books.execute("insert into payouts values (?, ?, ?, ?, ?, ?)", values)
    return payout_by(books, "key", key)

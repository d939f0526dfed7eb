"""The sandbox's charges, and what goes back of them: refunds and disputes. Every function works on books that are open."""

from __future__ import annotations

import secrets
import sqlite3
from typing import Any, cast

from dinnerkit.backends.sandbox.methods import DISPUTES, METHODS, REFUNDS
from dinnerkit.errors import Invalid, NotFound
from dinnerkit.ids import new_id
from dinnerkit.money import Money
from dinnerkit.ports.gateway import Charge, Dispute, GatewayRefund, PaymentDisputed

_FEE_PERCENT_TENTHS, _FEE_FIXED = 15, 25
"""What the sandbox keeps: 1.5 % and 25 minor units, much as the real ones do."""

_DISPUTE_FEE = 1500
"""What it keeps for a dispute, in minor units, and gives back with one that is won."""

_REFUNDS = "select refunds.*, charges.currency from refunds join charges on charges.id = refunds.charge"
_DISPUTES = "select disputes.*, charges.currency from disputes join charges on charges.id = disputes.charge"


def by(books: sqlite3.Connection, column: str, value: str) -> sqlite3.Row | None:
    """The row of the charge that has this value in a unique column, or None."""
    row: Any = books.execute(f"select * from charges where {column} = ?", (value,)).fetchone()  # noqa: S608 - a column's name of ours
    return cast("sqlite3.Row | None", row)


def charge_of(row: sqlite3.Row | None) -> Charge:
    """The charge in a row.

    Raises:
        NotFound: there is no row.
    """
    if row is None:
        raise NotFound("the gateway knows no such payment")
    money = Money(row["amount"], row["currency"])
    fee = min(money.amount, (money.amount * _FEE_PERCENT_TENTHS + 500) // 1000 + _FEE_FIXED)
    return Charge(
        id=row["id"],
        key=row["key"],
        status=row["status"],
        money=money,
        client_secret=row["client_secret"] if row["status"] == "action_required" else None,
        decline_code=row["decline_code"],
        fee=Money(fee, money.currency) if row["status"] == "succeeded" else None,
    )


def new(books: sqlite3.Connection, *, key: str, money: Money, method: str, now: float) -> Charge:
    """Make a charge by one of :data:`METHODS`; the bank of some cards takes it back at once."""
    status, decline_code = METHODS[method]
    charge_id = f"ch_{new_id()}"
    secret = f"cs_{secrets.token_urlsafe(24)}"
    values = (charge_id, key, money.amount, money.currency, method, status, secret, decline_code, now)
    books.execute("insert into charges values (?, ?, ?, ?, ?, ?, ?, ?, 0, ?)", values)
    if method in DISPUTES:
        dispute = (f"dp_{new_id()}", charge_id, money.amount, DISPUTES[method], now)
        books.execute("insert into disputes values (?, ?, ?, 'open', ?, ?)", dispute)
    return charge_of(by(books, "id", charge_id))


def settle(books: sqlite3.Connection, charge: Charge, status: str) -> bool:
    """End a charge that waits for the guest; False where it does not."""
    query = "update charges set status = ? where id = ? and status = 'action_required'"
    return books.execute(query, (status, charge.id)).rowcount == 1


def refund_by_key(books: sqlite3.Connection, key: str) -> GatewayRefund | None:
    """The refund that was made under ``key``, or None."""
    row = books.execute(f"{_REFUNDS} where refunds.key = ?", (key,)).fetchone()
    return _refund(row) if row else None


def new_refund(books: sqlite3.Connection, *, key: str, charge_id: str, money: Money, now: float, delay: float) -> GatewayRefund:
    """Give money back; with some cards what becomes of it is known after ``delay`` seconds only.

    Raises:
        Invalid: it is nothing, or more than is left.
        NotFound: there is no such charge.
        PaymentDisputed: the guest's bank has taken it.
    """
    row = by(books, "id", charge_id)
    charge = charge_of(row)
    if money.amount <= 0:
        raise Invalid("a refund gives something back")
    if any(dispute.status != "won" for dispute in disputes(books, "disputes.charge = ?", charge_id)):
        raise PaymentDisputed("the guest's bank has taken this payment back")
    query = "update charges set refunded = refunded + ? where id = ? and status = 'succeeded' and currency = ? and refunded + ? <= amount"
    if books.execute(query, (money.amount, charge.id, money.currency, money.amount)).rowcount == 0:
        raise Invalid("more would go back than is left of the payment")
    status, becomes = REFUNDS.get(row["method"] if row else "", ("succeeded", None))
    values = (f"re_{new_id()}", key, charge.id, money.amount, status, becomes, now + delay if becomes else None, now)
    books.execute("insert into refunds values (?, ?, ?, ?, ?, ?, ?, ?)", values)
    return cast("GatewayRefund", refund_by_key(books, key))


def settle_refunds(books: sqlite3.Connection, now: float) -> list[GatewayRefund]:
    """Let the refunds whose time has come be what they become; those."""
    due = refunds(books, "refunds.becomes is not null and refunds.settles_at <= ?", now)
    for refund in due:
        books.execute("update refunds set status = becomes, becomes = null, settles_at = null where id = ?", (refund.id,))
    settled = [found for refund in due for found in refunds(books, "refunds.id = ?", refund.id)]
    for refund in settled:
        if refund.status == "failed":  # the money is here again, and can go back another way
            books.execute("update charges set refunded = refunded - ? where id = ?", (refund.money.amount, refund.charge_id))
    return settled


def refunds(books: sqlite3.Connection, where: str, *values: object) -> list[GatewayRefund]:
    """The refunds of which a condition holds, oldest first."""
    return [_refund(row) for row in books.execute(f"{_REFUNDS} where {where} order by refunds.rowid", values)]


def disputes(books: sqlite3.Connection, where: str, *values: object) -> list[Dispute]:
    """The disputes of which a condition holds, oldest first."""
    return [_dispute(row) for row in books.execute(f"{_DISPUTES} where {where} order by disputes.rowid", values)]


def _refund(row: sqlite3.Row) -> GatewayRefund:
    return GatewayRefund(row["id"], row["key"], row["status"], Money(row["amount"], row["currency"]), row["charge"])


def _dispute(row: sqlite3.Row) -> Dispute:
    money, fee = Money(row["amount"], row["currency"]), Money(0 if row["status"] == "won" else _DISPUTE_FEE, row["currency"])
    return Dispute(row["id"], row["charge"], row["status"], money, row["reason"], fee)

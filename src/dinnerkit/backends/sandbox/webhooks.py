"""What the sandbox tells: written down with the change that it tells of, sent a little later."""

from __future__ import annotations

import json
import sqlite3

from dinnerkit.errors import Invalid
from dinnerkit.ids import new_id
from dinnerkit.ports.gateway import GatewayEvent, Subject

KINDS = {
    "succeeded": "payment_intent.succeeded",
    "declined": "payment_intent.payment_failed",
    "action_required": "payment_intent.requires_action",
    "cancelled": "payment_intent.canceled",
    "refunded": "charge.refunded",
    "refund_settled": "refund.updated",
    "refund_failed": "refund.failed",
    "disputed": "charge.dispute.created",
    "dispute_closed": "charge.dispute.closed",
    "account_changed": "account.updated",
    "paid_out": "transfer.created",
}
"""Stripe's words for what happens."""

_SUBJECTS: tuple[tuple[str, Subject], ...] = (
    ("payment_intent.", "charge"),
    ("charge.refunded", "refund"),
    ("refund.", "refund"),
    ("charge.dispute.", "dispute"),
)
"""How the kinds begin that are about a part of a payment."""


def tell(books: sqlite3.Connection, what: str, due_at: float, *, charge: str | None = None, account: str | None = None) -> None:
    """Write down that something has happened to a charge or an account."""
    event_id = f"evt_{new_id()}"
    about = {name: value for name, value in (("charge", charge), ("account", account)) if value}
    body = json.dumps({"id": event_id, "type": KINDS[what]} | about)
    books.execute("insert into webhooks values (?, ?, ?, 0)", (event_id, body, due_at))


def understood(body: bytes) -> GatewayEvent:
    """What a notification tells.

    Raises:
        Invalid: it is none of ours.
    """
    try:
        event = json.loads(body)
        kind = str(event["type"])
        subject = next((subject for begin, subject in _SUBJECTS if kind.startswith(begin)), None)
        return GatewayEvent(str(event["id"]), kind, event.get("charge") or None, event.get("account") or None, subject)
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise Invalid("the notification is not understood") from error

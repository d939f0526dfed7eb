"""Mails about money that has gone another way than it should: to the host whose it is, and to the admins."""

from __future__ import annotations

from typing import Any

from dinnerkit.accounts.people import People
from dinnerkit.money import Money
from dinnerkit.notifications.writing import MailWriter
from dinnerkit.payment.messages import DisputeClosed, DisputeOpened, RefundFailed
from dinnerkit.ports.mailer import Mailer


class MoneyAlarms:
    """Sends them. Each is safe to repeat: a mail has the same Message-ID whenever it says the same to the same person."""

    def __init__(self, people: People, writer: MailWriter, mailer: Mailer) -> None:
        self._people = people
        self._writer = writer
        self._mailer = mailer

    def dispute_opened(self, told: DisputeOpened) -> None:
        """Say that a guest's bank has taken a payment back.

        Raises:
            Unavailable: a mail could not be handed over; some may have been.
        """
        money, reason = Money(told.amount, told.currency), told.reason.replace("_", " ")
        self._send("dispute_opened", told.dispute_id, told.payee, money=money, booking=told.reference, reason=reason)

    def dispute_closed(self, told: DisputeClosed) -> None:
        """Say whether the money is here again.

        Raises:
            Unavailable: a mail could not be handed over; some may have been.
        """
        money = Money(told.amount, told.currency)
        self._send("dispute_closed", told.dispute_id, told.payee, money=money, booking=told.reference, won=told.won)

    def refund_failed(self, told: RefundFailed) -> None:
        """Tell the admins of a refund that the gateway could not make.

        Raises:
            Unavailable: a mail could not be handed over; some may have been.
        """
        money = Money(told.amount, told.currency)
        self._send("refund_failed", f"{told.refund_id}:{told.attempt}", None, money=money, booking=told.reference, refund=told.refund_id)

    def _send(self, template: str, key: str, host: str | None, **values: Any) -> None:
        readers = {person.id: person for person in (*self._people.find([host] if host else []).values(), *self._people.admins())}
        for person in readers.values():
            mail = self._writer.write(template, to=person.email, key=f"{key}:{person.id}", values=values | {"name": person.name})
            self._mailer.send(mail)

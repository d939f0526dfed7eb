"""When hosts are paid: some time after their dinner, however often it was moved."""

from __future__ import annotations

from datetime import datetime, timedelta

import structlog

from dinnerkit.clock import Clock
from dinnerkit.errors import Unavailable
from dinnerkit.events.seat_errors import NoSuchEvent
from dinnerkit.events.seats import Seats
from dinnerkit.payment.payouts.service import DuePayout, PayoutService

log = structlog.get_logger(__name__)

_ASK_AGAIN = timedelta(hours=1)
"""A gateway that has not enough money yet keeps each refusal for a day, and wants a new key after every one."""


class HostPayouts:
    """Knows from the events when the money for each may go to its host."""

    def __init__(self, payouts: PayoutService, seats: Seats, clock: Clock, delay_hours: int) -> None:
        self._payouts = payouts
        self._seats = seats
        self._clock = clock
        self._delay = timedelta(hours=delay_hours)

    def expect(self, payment_id: str) -> None:
        """Have the dinner paid out that a successful payment is for; safe to repeat."""
        event = self._payouts.occasion_of(payment_id)
        if event is not None:
            self._payouts.expect(payment_id, self._due_at(event))

    def run(self) -> int:
        """Pay out what is due; how many payouts were looked at. Safe to run in several processes at once."""
        due = list(self._payouts.due())
        for payout in due:
            try:
                self._pay(payout)
            except Unavailable as error:
                log.warning("payout_not_sent", payout=payout.id, error=error.message)
                self._payouts.postpone(payout.id, self._clock() + _ASK_AGAIN)
        return len(due)

    def _pay(self, payout: DuePayout) -> None:
        due_at = self._due_at(payout.occasion)
        if due_at > self._clock():  # the host has moved it
            self._payouts.postpone(payout.id, due_at)
        else:
            self._payouts.pay(payout.id)

    def _due_at(self, event_id: str) -> datetime:
        try:
            return self._seats.facts(event_id).starts_at + self._delay
        except NoSuchEvent:
            return self._clock()

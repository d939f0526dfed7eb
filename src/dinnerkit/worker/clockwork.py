"""The clockwork: what is done again and again, by one worker of all."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

import structlog

from dinnerkit.analytics.service import AnalyticsService
from dinnerkit.booking.afterwards import Afterwards
from dinnerkit.booking.deposits import DepositSweep
from dinnerkit.booking.host_payouts import HostPayouts
from dinnerkit.booking.no_shows import NoShows
from dinnerkit.booking.reminders import Reminders
from dinnerkit.booking.sweep import BookingSweep
from dinnerkit.booking.waiting import WaitingList
from dinnerkit.delivery.lease import Lease
from dinnerkit.delivery.relay import Relay
from dinnerkit.delivery.schedules import JobDesk
from dinnerkit.delivery.service import DeliveryService
from dinnerkit.events.service import EventService
from dinnerkit.kit import Kit
from dinnerkit.payment.reconciliation.service import Reconciliation
from dinnerkit.payment.refunds import RefundService
from dinnerkit.payment.service import PaymentService
from dinnerkit.payment.webhooks import WebhookInbox
from dinnerkit.photos.working import PhotoWork
from dinnerkit.search.indexing import Indexing
from dinnerkit.search.people import PeopleIndexing

log = structlog.get_logger(__name__)

_LEASE_SECONDS = 10.0
_RENEWED_AFTER = 0.25
"""The share of the lease after which its holder asks for it anew."""

_ASKED_AGAIN_SECONDS = 1.0
"""How long others wait before they ask whether it is free."""


@dataclass(slots=True)
class Repeated:
    """Something that the clockwork does again and again.

    Attributes:
        apart: in a thread of its own, since it takes long or speaks with a gateway: one that hangs must not stop the clock.
        running: its last run, where that is apart.
    """

    name: str
    every: float
    run: Callable[[], object]
    apart: bool = False
    due: float = 0.0
    running: threading.Thread | None = None

    def attempt(self) -> None:
        """Run once; whatever fails now is tried again at the next turn."""
        try:
            self.run()
        except Exception as error:  # noqa: BLE001 - as said
            log.warning("clockwork_failed", job=self.name, error=type(error).__name__)

    def begin_apart(self) -> None:
        """Run once, beside the clock."""
        self.running = threading.Thread(target=self.attempt, name=f"dinnerkit-{self.name}", daemon=True)
        self.running.start()

    @property
    def goes_on(self) -> bool:
        """Whether its last run has not ended."""
        return self.running is not None and self.running.is_alive()


class Clockwork:
    """Runs in one worker at a time, whichever holds the lease; all that it does is safe to do twice all the same.

    Whoever holds the lease knows by its own clock until when, and does nothing later than that before it has asked again: one that was
    stopped, or lay in swap, does not go on beside its successor for longer than the one thing that it was doing.
    """

    def __init__(self, kit: Kit) -> None:
        self._lease = Lease(kit.database, "clockwork", _LEASE_SECONDS)
        self._ours_until = 0.0
        self._ask_at = 0.0
        self._repeated = [
            Repeated("relay", 0.25, kit.service(Relay).run),
            Repeated("webhooks", 0.25, kit.service(WebhookInbox).fetch_local),
            Repeated("holds", 1.0, kit.service(BookingSweep).run),
            Repeated("deliveries", 1.0, kit.service(DeliveryService).sweep),
            Repeated("schedules", 1.0, kit.service(JobDesk).run),
            Repeated("payments", 5.0, kit.service(PaymentService).sweep, apart=True),
            Repeated("waiting", 60.0, kit.service(WaitingList).call_the_roll),
            Repeated("reminders", 20.0, kit.service(Reminders).run),
            Repeated("afterwards", 60.0, kit.service(Afterwards).run),
            Repeated("no_shows", 300.0, kit.service(NoShows).run),
            Repeated("refunds", 60.0, kit.service(RefundService).sweep, apart=True),
            Repeated("payouts", 60.0, kit.service(HostPayouts).run, apart=True),
            Repeated("reconciliation", 600.0, kit.service(Reconciliation).daily, apart=True),
            Repeated("deposits", 60.0, kit.service(DepositSweep).run),
            Repeated("lists", 60.0, kit.service(EventService).delist_begun),
            Repeated("figures", 60.0, kit.service(AnalyticsService).count, apart=True),
            Repeated("photos", 3600.0, kit.service(PhotoWork).sweep, apart=True),
            Repeated("search", 30.0, kit.service(Indexing).ensure_built, apart=True),
            Repeated("people_search", 30.0, kit.service(PeopleIndexing).ensure_built, apart=True),
            Repeated("search_expiry", 60.0, kit.service(Indexing).expire, apart=True),
        ]

    def turn(self) -> None:
        """Do what is due, where that is ours to do."""
        now = time.monotonic()
        for job in self._repeated:
            if job.due > now or job.goes_on:
                continue
            if not self._leads():
                return
            job.due = now + job.every
            if job.apart:
                job.begin_apart()
            else:
                job.attempt()

    @property
    def goes_on(self) -> bool:
        """Whether something runs beside the clock."""
        return any(job.goes_on for job in self._repeated)

    def release(self) -> None:
        """Let another worker take over at once."""
        if not self._ours_until:
            return
        self._ours_until = 0.0
        try:
            self._lease.release()
        except Exception as error:  # noqa: BLE001 - it runs out by itself
            log.warning("lease_kept", error=type(error).__name__)

    def _leads(self) -> bool:
        now = time.monotonic()
        if now >= self._ask_at:
            self._ask(now)
        return time.monotonic() < self._ours_until

    def _ask(self, now: float) -> None:
        try:
            held = self._lease.hold()
        except Exception as error:  # noqa: BLE001 - without the database nobody takes it; it is ours as long as we know that it is
            log.warning("lease_unknown", error=type(error).__name__)
            self._ask_at = now + _ASKED_AGAIN_SECONDS
            return
        if held and not self._ours_until:
            log.info("clockwork_taken")
        self._ours_until = now + _LEASE_SECONDS if held else 0.0
        self._ask_at = now + (_LEASE_SECONDS * _RENEWED_AFTER if held else _ASKED_AGAIN_SECONDS)

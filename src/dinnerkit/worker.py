"""The background process: consumers of the queues, and the clockwork that finds what hints and crashes left undone."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Protocol

import structlog
from huey.api import Huey
from huey.consumer import Consumer

from dinnerkit.booking.afterwards import Afterwards
from dinnerkit.booking.deposits import DepositSweep
from dinnerkit.booking.host_payouts import HostPayouts
from dinnerkit.booking.no_shows import NoShows
from dinnerkit.booking.reminders import Reminders
from dinnerkit.booking.sweep import BookingSweep
from dinnerkit.booking.waiting import WaitingList
from dinnerkit.delivery.lease import Lease
from dinnerkit.delivery.relay import Relay
from dinnerkit.delivery.service import DeliveryService
from dinnerkit.errors import SettingError
from dinnerkit.events.service import EventService
from dinnerkit.kit import Kit
from dinnerkit.payment.reconciliation.service import Reconciliation
from dinnerkit.payment.refunds import RefundService
from dinnerkit.payment.service import PaymentService
from dinnerkit.payment.webhooks import WebhookInbox
from dinnerkit.ports.queue import QUEUES
from dinnerkit.search.indexing import Indexing

log = structlog.get_logger(__name__)

_TICK_SECONDS = 0.25
_LEASE_SECONDS = 10.0
_LONGEST_POLL_SECONDS = 1.0


class Stop(Protocol):
    """What tells the worker to stop: a threading.Event, or something alike."""

    def wait(self, timeout: float | None = None) -> bool:
        """Wait until it is time to stop, at most that many seconds; whether it is."""
        ...


class QuietConsumer(Consumer):  # type: ignore[misc]
    """A huey consumer that leaves the process's signals alone: several run in one process, which stops them itself."""

    def _set_signal_handlers(self) -> None:
        """The worker has its own."""


@dataclass(slots=True)
class _Job:
    """Something that the clockwork does again and again.

    Attributes:
        apart: in a thread of its own, since it speaks with a gateway: one that hangs must not stop the clock.
        running: its last run, where that is apart.
    """

    name: str
    every: float
    run: Callable[[], object]
    apart: bool = False
    due: float = 0.0
    running: Future[None] | None = None

    def attempt(self) -> None:
        """Run once; whatever fails now is tried again at the next turn."""
        try:
            self.run()
        except Exception as error:  # noqa: BLE001 - as said
            log.warning("clockwork_failed", job=self.name, error=type(error).__name__)


class Worker:
    """Runs deliveries from the named queues; one worker at a time runs the clockwork too.

    Args:
        kit: opened; stays open.
        queues: how many deliveries of each queue run side by side; queues that are not named don't run here.

    Raises:
        SettingError: there is no queue of a name, or a number is not positive.
    """

    def __init__(self, kit: Kit, queues: Mapping[str, int] = QUEUES) -> None:
        for name, concurrency in queues.items():
            if name not in QUEUES:
                raise SettingError(f"there is no queue {name!r}; there are {', '.join(QUEUES)}")
            if concurrency < 1:
                raise SettingError(f"queue {name}: at least 1 at a time, not {concurrency}")
        self._kit = kit
        self._queues = dict(queues)
        self._lease = Lease(kit.database, "clockwork", _LEASE_SECONDS, kit.clock)
        self._jobs = [
            _Job("relay", 0.25, kit.service(Relay).run),
            _Job("webhooks", 0.25, kit.service(WebhookInbox).fetch_local),
            _Job("holds", 1.0, kit.service(BookingSweep).run),
            _Job("deliveries", 1.0, kit.service(DeliveryService).sweep),
            _Job("payments", 5.0, kit.service(PaymentService).sweep, apart=True),
            _Job("waiting", 60.0, kit.service(WaitingList).call_the_roll),
            _Job("reminders", 20.0, kit.service(Reminders).run),
            _Job("afterwards", 60.0, kit.service(Afterwards).run),
            _Job("no_shows", 300.0, kit.service(NoShows).run),
            _Job("refunds", 60.0, kit.service(RefundService).sweep, apart=True),
            _Job("payouts", 60.0, kit.service(HostPayouts).run, apart=True),
            _Job("reconciliation", 600.0, kit.service(Reconciliation).daily, apart=True),
            _Job("deposits", 60.0, kit.service(DepositSweep).run),
            _Job("lists", 60.0, kit.service(EventService).delist_begun),
            _Job("search", 30.0, kit.service(Indexing).ensure_built, apart=True),
            _Job("search_expiry", 60.0, kit.service(Indexing).expire, apart=True),
        ]
        # Not of the clockwork's jobs: every worker renews the leases of what it runs itself.
        self._renewal = _Job("renewal", 10.0, kit.service(DeliveryService).renew)
        self._apart = ThreadPoolExecutor(sum(job.apart for job in self._jobs), "dinnerkit-clockwork")

    def run(self, stop: Stop) -> None:
        """Work until ``stop``; then what runs is finished first."""
        consumers = [self._consumer(self._kit.backends.queue.huey(name), count) for name, count in self._queues.items()]
        for consumer in consumers:
            consumer.start()
        log.info("worker_started", queues=self._queues)
        try:
            while not stop.wait(_TICK_SECONDS):
                self._tick()
        finally:
            for consumer in consumers:
                consumer.stop_flag.set()
            for consumer in consumers:
                consumer.stop(graceful=True)
            self._apart.shutdown()
            self._release()
            log.info("worker_stopped")

    def _tick(self) -> None:
        now = time.monotonic()
        if self._renewal.due <= now:
            self._renewal.due = now + self._renewal.every
            self._renewal.attempt()
        due = [job for job in self._jobs if job.due <= now]
        if not due or not self._is_leader():
            return
        for job in due:
            if job.running and not job.running.done():
                continue
            job.due = now + job.every
            if job.apart:
                job.running = self._apart.submit(job.attempt)
            else:
                job.attempt()

    def _is_leader(self) -> bool:
        try:
            return self._lease.hold()
        except Exception as error:  # noqa: BLE001 - without the database nobody leads, and the next turn asks again
            log.warning("lease_unknown", error=type(error).__name__)
            return False

    def _release(self) -> None:
        try:
            self._lease.release()
        except Exception as error:  # noqa: BLE001 - it runs out by itself
            log.warning("lease_kept", error=type(error).__name__)

    def _consumer(self, huey: Huey, concurrency: int) -> Consumer:
        return QuietConsumer(
            huey, workers=concurrency, periodic=False, initial_delay=0.05, max_delay=_LONGEST_POLL_SECONDS, check_worker_health=False
        )


def run_beside(worker: Worker) -> Callable[[], None]:
    """Run the worker in a thread of this process; the function that stops it and waits until it has."""
    stop = threading.Event()
    thread = threading.Thread(target=worker.run, args=(stop,), name="dinnerkit-worker")
    thread.start()

    def finish() -> None:
        stop.set()
        thread.join()

    return finish

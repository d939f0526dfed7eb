"""The worker: consumers of the named queues, and one clockwork among all workers."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from typing import Protocol

import structlog

from dinnerkit.delivery.service import DeliveryService
from dinnerkit.kit import Kit
from dinnerkit.queues import queue_shares
from dinnerkit.worker.clockwork import Clockwork
from dinnerkit.worker.consuming import QueueConsumer

log = structlog.get_logger(__name__)

_TICK_SECONDS = 0.25
_NOTED_SECONDS = 1.0
_RENEWED_SECONDS = 10.0


class Stop(Protocol):
    """What tells the worker to stop: a threading.Event, or something alike."""

    def wait(self, timeout: float | None = None) -> bool:
        """Wait until it is time to stop, at most that many seconds; whether it is."""
        ...


class Worker:
    """Runs jobs from the named queues; one worker at a time runs the clockwork too.

    Args:
        kit: opened; stays open.
        queues: how many jobs of each queue run side by side; queues that are not named don't run here. Default: as the settings say.

    Raises:
        SettingError: there is no queue of a name, or a number is not one from 1 to 256.
    """

    def __init__(self, kit: Kit, queues: Mapping[str, int] | None = None) -> None:
        self._shares = kit.settings.shares() if queues is None else queue_shares(f"{name}={number}" for name, number in queues.items())
        self._drain_seconds = kit.settings.drain_seconds
        self._deliveries = kit.service(DeliveryService)
        self._clockwork = Clockwork(kit)
        self._consumers = {name: QueueConsumer(kit.backends.queue.huey(name), number) for name, number in self._shares.items()}
        self._ended = threading.Event()

    def run(self, stop: Stop) -> bool:
        """Work until ``stop``, which may happen once; then take nothing more, and let what runs end.

        What runs longer than ``drain_seconds`` from then on is given up, and another worker begins it again. Whether there was none
        of it: if there was, its threads go on until the process ends, as it then should.
        """
        for consumer in self._consumers.values():
            consumer.start()
        keeping = threading.Thread(target=self._keep, name="dinnerkit-keeping", daemon=True)
        keeping.start()
        log.info("worker_started", queues=self._shares)
        try:
            with self._deliveries.dispatcher.told(self._wake):
                while not stop.wait(_TICK_SECONDS):
                    self._clockwork.turn()
        finally:
            all_ended = self._drained()
            self._ended.set()
            keeping.join()
            log.info("worker_stopped")
        return all_ended

    def _wake(self, queue: str) -> None:
        if queue in self._consumers:
            self._consumers[queue].wake()

    def _keep(self) -> None:
        """Renew the leases of what this worker runs, and write down what it ran, beside a clock that may be slow."""
        renewed = time.monotonic()
        while not self._ended.wait(_NOTED_SECONDS):
            self._note()
            if time.monotonic() - renewed >= _RENEWED_SECONDS:
                renewed = time.monotonic()
                self._attempt(self._deliveries.renew)
        self._note()

    def _note(self) -> None:
        self._attempt(self._deliveries.records.write)

    def _attempt(self, action: Callable[[], object]) -> None:
        try:
            action()
        except Exception as error:  # noqa: BLE001 - without the database; the next turn tries again
            log.warning("keeping_failed", error=type(error).__name__)

    def _drained(self) -> bool:
        until = time.monotonic() + self._drain_seconds
        for consumer in self._consumers.values():
            consumer.stop()
        while self._clockwork.goes_on and time.monotonic() < until:
            time.sleep(0.02)
        self._clockwork.release()
        if all(consumer.ended(until) for consumer in self._consumers.values()) and not self._clockwork.goes_on:
            return True
        self._attempt(self._give_back)
        return False

    def _give_back(self) -> None:
        log.warning("jobs_given_up", jobs=self._deliveries.give_back(), drain_seconds=self._drain_seconds)


def run_beside(worker: Worker) -> Callable[[], None]:
    """Run the worker in a thread of this process; the function that stops it and waits until it has."""
    stop = threading.Event()
    thread = threading.Thread(target=worker.run, args=(stop,), name="dinnerkit-worker")
    thread.start()

    def finish() -> None:
        stop.set()
        thread.join()

    return finish

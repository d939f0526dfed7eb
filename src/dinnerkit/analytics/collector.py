"""The figures of bookings, queues and dead letters for Prometheus, read when they are asked for."""

from __future__ import annotations

from collections.abc import Iterator

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from dinnerkit.analytics.service import AnalyticsService
from dinnerkit.delivery.relay import Relay
from dinnerkit.delivery.service import DeliveryService
from dinnerkit.payment.reconciliation.service import Reconciliation


class PlatformCollector(Collector):
    """Gauges over what all processes share; each process shows the same."""

    def __init__(self, analytics: AnalyticsService, relay: Relay, deliveries: DeliveryService, reconciliation: Reconciliation) -> None:
        self._analytics = analytics
        self._relay = relay
        self._deliveries = deliveries
        self._reconciliation = reconciliation

    def describe(self) -> Iterator[Metric]:
        """Nothing: to name the gauges takes no reading of the database when they are registered."""
        return iter(())

    def collect(self) -> Iterator[Metric]:
        """The gauges of this moment; the bookings are some minutes old at most."""
        figures = self._analytics.figures()
        bookings = GaugeMetricFamily("dinnerkit_bookings", "Bookings, by status.", labels=["status"])
        for status, count in sorted(figures.bookings.items()):
            bookings.add_metric([status], count)
        yield bookings
        yield GaugeMetricFamily("dinnerkit_events_upcoming", "Published events that have not begun.", figures.upcoming)
        yield GaugeMetricFamily("dinnerkit_seats_left", "Free seats of upcoming events.", figures.seats_left)
        hints = GaugeMetricFamily("dinnerkit_queue_tasks", "Tasks that wait on a queue.", labels=["queue"])
        for queue, count in self._hints().items():
            hints.add_metric([queue], count)
        yield hints
        yield from self._jobs()
        yield from self._reconciled()

    def _jobs(self) -> Iterator[Metric]:
        """What waits, what never came through, and what became of the rest; each queue is always there, so that alarms can be written."""
        backlog = GaugeMetricFamily("dinnerkit_queue_backlog", "Jobs that wait or run.", labels=["queue"])
        age = GaugeMetricFamily("dinnerkit_queue_age_seconds", "Age of the oldest job that waits or runs.", labels=["queue"])
        for queue, found in self._deliveries.backlog().items():
            backlog.add_metric([queue], found.jobs)
            age.add_metric([queue], found.age)
        dead = GaugeMetricFamily("dinnerkit_dead_letters", "Jobs that failed for good and wait for a person.", labels=["queue"])
        for queue, count in self._deliveries.dead_letter_counts().items():
            dead.add_metric([queue], count)
        ended = CounterMetricFamily("dinnerkit_jobs", "Jobs that finished or failed for good, and attempts again.", labels=["queue", "end"])
        for queue, totals in self._deliveries.records.totals().items():
            for end, count in totals.items():
                ended.add_metric([queue, end], count)
        yield from (backlog, age, dead, ended)
        yield GaugeMetricFamily("dinnerkit_outbox_age_seconds", "Age of the oldest message that no worker has taken.", self._relay.age())

    def _hints(self) -> dict[str, int]:
        """None while the queue can't be reached: the other figures are wanted most then."""
        try:
            return self._deliveries.dispatcher.waiting()
        except Exception:  # noqa: BLE001 - every driver has errors of its own; ``dinnerkit_backend_up`` tells
            return {}

    def _reconciled(self) -> Iterator[Metric]:
        last = self._reconciliation.last()
        if last is not None:
            at, left = last["at"].timestamp(), last["left"]
            yield GaugeMetricFamily("dinnerkit_reconciliation_mismatches", "What the last reconciliation could not repair.", left)
            yield GaugeMetricFamily("dinnerkit_reconciliation_timestamp_seconds", "When that was, since 1970.", at)

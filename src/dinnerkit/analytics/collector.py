"""The figures of bookings, queues and dead letters for Prometheus, read when they are asked for."""

from __future__ import annotations

from collections.abc import Iterator

from prometheus_client.core import GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from dinnerkit.analytics.service import AnalyticsService
from dinnerkit.delivery.service import DeliveryService
from dinnerkit.payment.reconciliation.service import Reconciliation


class PlatformCollector(Collector):
    """Gauges over what all processes share; each process shows the same."""

    def __init__(self, analytics: AnalyticsService, deliveries: DeliveryService, reconciliation: Reconciliation) -> None:
        self._analytics = analytics
        self._deliveries = deliveries
        self._reconciliation = reconciliation

    def describe(self) -> Iterator[Metric]:
        """Nothing: to name the gauges takes no reading of the database when they are registered."""
        return iter(())

    def collect(self) -> Iterator[Metric]:
        """The gauges of this moment; the bookings are at most a minute old."""
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
        waiting, age = self._deliveries.backlog()
        yield GaugeMetricFamily("dinnerkit_deliveries_waiting", "Deliveries that are not done.", waiting)
        yield GaugeMetricFamily("dinnerkit_deliveries_age_seconds", "Age of the delivery that waits longest.", age)
        yield GaugeMetricFamily("dinnerkit_dead_letters", "Deliveries that failed for good.", self._deliveries.dead_letter_count())
        yield from self._reconciled()

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

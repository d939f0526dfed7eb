"""Prometheus metrics of the requests, and the page that shows these and the collectors of other parts."""

from __future__ import annotations

import os
import weakref
from collections.abc import Iterable

import structlog
from flask import Response, request
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.metrics_core import Metric
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector

from dinnerkit.http.tallies import BulkHistogram, Tallies

MULTIPROCESS = "PROMETHEUS_MULTIPROC_DIR"
"""Where several worker processes share their counts. It must be set before prometheus_client is first imported, and the folder emptied
when the server starts; ``dinnerkit serve`` does both. Without it each process shows its own counts."""

BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0)


_log = structlog.stdlib.get_logger("dinnerkit.http")


class Metrics:
    """The metrics of one app, in a registry of its own."""

    def __init__(self, collectors: Iterable[Collector] = ()) -> None:
        """Make them; ``collectors`` are asked whenever the page is read, for figures that lie in the database, such as queue lengths."""
        self._collectors = tuple(collectors)
        self._registry = self._with_collectors()
        names = ("method", "route", "status")
        self._requests = Counter("dinnerkit_http_requests", "Answered requests.", names, registry=self._registry)
        self._counters: dict[tuple[str, str, int], tuple[Counter, Histogram]] = {}
        self._degraded = Counter("dinnerkit_degraded", "Answers given without a backend.", ("backend",), registry=self._registry)
        self._made = Counter("dinnerkit_lane_made", "Answers made for the fast lane.", ("route", "end"), registry=self._registry)
        self._seconds = BulkHistogram(
            "dinnerkit_http_request_seconds", "Time to the answer.", ("method", "route"), buckets=BUCKETS, registry=self._registry
        )
        self._tallies = Tallies(self._requests, self._seconds, BUCKETS)
        weakref.finalize(self, self._tallies.tell)

    def went_without(self, backend: str) -> None:
        """Count an answer that was given without a backend which should have had a part in it."""
        self._degraded.labels(backend).inc()

    def made_for_lane(self, route: str, *, kept: bool) -> None:
        """Count an answer that was made since the fast lane had none, and whether it has it now; all others it had."""
        self._made.labels(route, "kept" if kept else "passed_on").inc()

    def observe(self, response: Response, seconds: float) -> None:
        """Count an answer, under its route's template: ``/v1/events/<event_id>``."""
        route = request.url_rule.rule if request.url_rule else "unknown"
        method = request.method if request.method in _METHODS else "other"
        self.count(method, route, response.status_code, seconds)

    def count(self, method: str, route: str, status: int, seconds: float) -> None:
        """Count an answer to a request of one of the usual methods or ``other``, for the template of a route."""
        kind = (method, route, status)
        counters = self._counters.get(kind)
        if counters is None:
            counters = self._counters[kind] = (self._requests.labels(method, route, str(status)), self._seconds.labels(method, route))
        counters[0].inc()
        counters[1].observe(seconds)

    def count_kept(self, method: str, route: str, status: int, seconds: float) -> None:
        """The same for an answer of the fast lane: it is added up, and on the page within a fifth of a second."""
        self._tallies.count((method, route, status), seconds)

    def page(self) -> Response:
        """All of it in Prometheus's text format."""
        self._tallies.tell()
        registry = self._registry
        if os.environ.get(MULTIPROCESS):
            registry = self._with_collectors()
            MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
        return Response(generate_latest(registry), content_type=CONTENT_TYPE_LATEST)

    def _with_collectors(self) -> CollectorRegistry:
        registry = CollectorRegistry()
        for collector in self._collectors:
            registry.register(_Shielded(collector))
        return registry


class _Shielded(Collector):
    """A collector that is left out while it fails, so that the other metrics are still seen."""

    def __init__(self, collector: Collector) -> None:
        self._collector = collector

    def describe(self) -> list[Metric]:
        """Nothing, since to name them would be to collect them."""
        return []

    def collect(self) -> list[Metric]:
        """What the collector has to tell now."""
        try:
            return list(self._collector.collect())
        except Exception as error:  # noqa: BLE001 - a backend may fail in any way
            _log.warning("metrics_incomplete", collector=type(self._collector).__name__, error=type(error).__name__)
            return []


_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})

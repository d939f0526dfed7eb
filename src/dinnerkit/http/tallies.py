"""Counts that are added up in the process and told to Prometheus together, since each telling writes to files that processes share."""

from __future__ import annotations

import os
import threading
from bisect import bisect_left
from collections.abc import Sequence
from contextlib import suppress
from typing import TypeAlias

from prometheus_client import Counter, Histogram

Kind: TypeAlias = tuple[str, str, int]
"""Method, route and status of an answer."""

SECONDS = 0.2
"""So long after an answer it is counted at the latest."""


class BulkHistogram(Histogram):
    """A histogram that takes many observations at once."""

    def add(self, seconds: float, buckets: Sequence[int]) -> None:
        """Add observations of which ``buckets`` says how many lie in each bucket, ``seconds`` long together."""
        self._sum.inc(seconds)
        for bucket, number in zip(self._buckets, buckets, strict=True):
            if number:
                bucket.inc(number)


class Tallies:
    """Counts of answers, told :data:`SECONDS` after the first of them and whenever :meth:`tell` is called.

    Args:
        requests: is told how many there were, by method, route and status.
        seconds: is told how long they took, by method and route.
        bounds: of its buckets, all but the last one.
    """

    def __init__(self, requests: Counter, seconds: BulkHistogram, bounds: Sequence[float]) -> None:
        self._requests = requests
        self._seconds = seconds
        self._bounds = bounds
        self._lock = threading.Lock()
        self._process = 0
        """Whose the counts are; 0 where there are none."""
        self._counts: dict[Kind, tuple[list[int], list[float]]] = {}

    def count(self, kind: Kind, seconds: float) -> None:
        """Count an answer that took so long."""
        with self._lock:
            if self._process != os.getpid():
                self._begin()
            buckets, total = self._counts.get(kind) or self._counts.setdefault(kind, ([0] * (len(self._bounds) + 1), [0.0]))
            buckets[bisect_left(self._bounds, seconds)] += 1
            total[0] += seconds

    def _begin(self) -> None:
        self._counts.clear()  # in a forked child they are its parent's, who tells of them
        self._process = os.getpid()
        timer = threading.Timer(SECONDS, self.tell)
        timer.daemon = True
        with suppress(RuntimeError):  # no thread is to be had: they are told when the page is asked for, or at the end
            timer.start()

    def tell(self) -> None:
        """Tell all that was counted in this process."""
        with self._lock:
            counts = self._counts if self._process == os.getpid() else {}
            self._counts, self._process = {}, 0
        for (method, route, status), (buckets, (total,)) in counts.items():
            self._requests.labels(method, route, str(status)).inc(sum(buckets))
            self._seconds.labels(method, route).add(total, buckets)

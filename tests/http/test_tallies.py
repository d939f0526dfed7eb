"""Counts that are added up before they are told."""

from __future__ import annotations

import gc
import os
from collections.abc import Callable

import pytest
from prometheus_client import CollectorRegistry

from dinnerkit.http import tallies
from dinnerkit.http.metrics import BUCKETS, Metrics
from tests.waiting import until

TOOK = [0.0, 0.001, 0.0011, 0.05, 0.3, 5.0, 60.0]


def figures(metrics: Metrics) -> dict[str, float]:
    """What is told by now, without asking for it as the page does."""
    registry: CollectorRegistry = metrics._registry
    return {
        f"{sample.name}{sorted(sample.labels.items())}": sample.value
        for metric in registry.collect()
        for sample in metric.samples
        if not sample.name.endswith("_created")
    }


def count(count_one: Callable[[str, str, int, float], None]) -> None:
    for seconds in TOOK:
        count_one("GET", "/a", 200, seconds)
        count_one("GET", "/b", 304, 2 * seconds)


@pytest.fixture
def metrics(monkeypatch: pytest.MonkeyPatch) -> Metrics:
    monkeypatch.setattr(tallies, "SECONDS", 3600)
    return Metrics()


def test_what_is_added_up_is_told_as_if_it_had_been_told_one_by_one(metrics: Metrics) -> None:
    one_by_one = Metrics()
    count(one_by_one.count)
    count(metrics.count_kept)
    assert figures(metrics) == {}
    metrics.page()
    assert figures(metrics) == pytest.approx(figures(one_by_one))
    assert len(figures(metrics)) == 2 + 2 * (len(BUCKETS) + 3)
    metrics.page()
    assert figures(metrics) == pytest.approx(figures(one_by_one))


def test_it_is_told_soon_though_nobody_asks_and_again_and_again() -> None:
    metrics = Metrics()
    for number in (1, 2):
        metrics.count_kept("GET", "/a", 200, 0.1)
        until(lambda number=number: figures(metrics).get(SERIES) == number)


SERIES = "dinnerkit_http_requests_total[('method', 'GET'), ('route', '/a'), ('status', '200')]"


def test_it_is_told_when_it_ends() -> None:
    metrics = Metrics()
    metrics.count_kept("GET", "/a", 200, 0.1)
    requests = metrics._requests
    del metrics
    gc.collect()
    assert requests.labels("GET", "/a", "200")._value.get() == 1


def test_a_forked_child_does_not_tell_of_its_parents(metrics: Metrics, monkeypatch: pytest.MonkeyPatch) -> None:
    count(metrics.count_kept)
    monkeypatch.setattr(os, "getpid", lambda: -1)
    metrics.count_kept("GET", "/a", 200, 0.1)
    metrics._tallies.tell()
    assert figures(metrics)[SERIES] == 1

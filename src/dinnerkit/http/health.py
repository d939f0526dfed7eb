"""Whether the app lives, and whether it can work."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

import structlog
from flask import Response
from marshmallow import fields, validate
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from dinnerkit.http.blueprint import ApiBlueprint
from dinnerkit.http.conditional import private_json
from dinnerkit.http.metrics import Metrics
from dinnerkit.http.schemas import StrictSchema
from dinnerkit.http.services import service

_log = structlog.stdlib.get_logger("dinnerkit.http")


@dataclass(frozen=True, slots=True)
class Probe:
    """A way to reach a backend: ``ping`` raises when it can't be reached. Without a ``needed`` one the app can't work.

    One that is not ``watched`` is left out of the metrics: somebody else's service, which minds how often it is asked.
    """

    ping: Callable[[], object]
    needed: bool = True
    watched: bool = True


class Health:
    """The backends' probes, by name, and what else a person should look at: ``warnings`` gives one sentence for each thing."""

    def __init__(self, probes: Mapping[str, Probe], warnings: Callable[[], Sequence[str]] = tuple) -> None:
        self._probes = dict(probes)
        self._warnings = warnings

    def report(self) -> dict[str, Any]:
        """Try each backend, and say how all of it stands.

        ``{"status": "ready"|"degraded"|"unready", "backends": {name: {"state", "needed", "latency_ms"}}, "warnings": [sentence]}``
        """
        backends = {name: _tried(name, probe) for name, probe in self._probes.items()}
        down = [backend for backend in backends.values() if backend["state"] == "down"]
        if any(backend["needed"] for backend in down):
            return {"status": "unready", "backends": backends, "warnings": []}
        warnings = list(self._warnings())
        return {"status": "degraded" if down or warnings else "ready", "backends": backends, "warnings": warnings}

    def watched(self) -> dict[str, bool]:
        """Try each backend that is watched; whether it is up."""
        return {name: _tried(name, probe)["state"] == "up" for name, probe in self._probes.items() if probe.watched}


class BackendCollector(Collector):
    """Whether each backend can be reached, for Prometheus, tried when it is asked for."""

    def __init__(self, health: Health) -> None:
        self._health = health

    def describe(self) -> list[Metric]:
        """Nothing, since to name the gauge would be to try the backends."""
        return []

    def collect(self) -> list[Metric]:
        """One gauge."""
        up = GaugeMetricFamily("dinnerkit_backend_up", "Whether the backend can be reached.", labels=["backend"])
        for name, state in self._health.watched().items():
            up.add_metric([name], float(state))
        return [up]


def _tried(name: str, probe: Probe) -> dict[str, Any]:
    started = time.perf_counter()
    state = "up"
    try:
        probe.ping()
    except Exception as error:  # noqa: BLE001 - a backend may fail in any way, and is down then
        _log.warning("backend_down", backend=name, error=type(error).__name__)
        state = "down"
    return {"state": state, "needed": probe.needed, "latency_ms": round((time.perf_counter() - started) * 1000, 2)}


class BackendHealthSchema(StrictSchema):
    """One backend."""

    state = fields.String(required=True, validate=validate.OneOf(("up", "down")))
    needed = fields.Boolean(required=True)
    latency_ms = fields.Float(required=True)


class ReadinessSchema(StrictSchema):
    """Whether the app can work."""

    status = fields.String(required=True, validate=validate.OneOf(("ready", "degraded", "unready")))
    backends = fields.Dict(keys=fields.String(), values=fields.Nested(BackendHealthSchema), required=True)
    warnings = fields.List(fields.String(), required=True)


class LivenessSchema(StrictSchema):
    """That the app answers."""

    status = fields.String(required=True, validate=validate.Equal("alive"))


blueprint = ApiBlueprint("operations", __name__, description="Health, metrics and this documentation.", limited=False)


@blueprint.route("/health/live")
@blueprint.response(200, LivenessSchema)
def live() -> Response:
    """Say that the process answers."""
    return private_json({"status": "alive"})


@blueprint.route("/health/ready")
@blueprint.response(200, ReadinessSchema)
@blueprint.alt_response(503, schema=ReadinessSchema, description="A needed backend is down")
def ready() -> Response:
    """Name each backend, its state and how long it took to answer, and what a person should look at."""
    report = service(Health).report()
    return private_json(report, HTTPStatus.SERVICE_UNAVAILABLE if report["status"] == "unready" else HTTPStatus.OK)


@blueprint.route("/metrics")
@blueprint.response(200, {"type": "string"}, content_type="text/plain")
def metrics() -> Response:
    """Show the metrics in Prometheus's text format."""
    return service(Metrics).page()

"""Putting the lane in front of an app, where that is safe."""

from __future__ import annotations

import flask

from dinnerkit.clock import Clock
from dinnerkit.http.lane.answers import Answer
from dinnerkit.http.lane.direct import Direct
from dinnerkit.http.lane.lane import Lane
from dinnerkit.http.lane.personal import Personal
from dinnerkit.http.lane.purging import Purges
from dinnerkit.http.lane.routes import Routes
from dinnerkit.http.lane.shared import Shared
from dinnerkit.http.lane.shelf import Shelf
from dinnerkit.http.limits import RequestLimits
from dinnerkit.http.metrics import Metrics


def open_lane(
    app: flask.Flask,
    purges: Purges,
    limits: RequestLimits,
    metrics: Metrics,
    clock: Clock,
    most_bytes: int,
    shared: Shared | None = None,
    direct: Direct | None = None,
) -> None:
    """Put a lane in front of all routes that are marked and on the app by now; it keeps answers of so many bytes in each process."""
    inner = Personal(app.wsgi_app, Routes.of_somebody(app), direct, metrics) if direct is not None else app.wsgi_app
    lane = Lane(inner, Routes.of(app), Shelf[Answer](most_bytes), purges, limits, metrics, clock, shared, direct)
    app.wsgi_app = lane  # type: ignore[method-assign]

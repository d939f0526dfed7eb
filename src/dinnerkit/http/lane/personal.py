"""A WSGI layer that answers those who ask for what is theirs, ahead of Flask. It keeps nothing."""

from __future__ import annotations

import time
from collections.abc import Iterable

from dinnerkit.http.lane.answers import WHOLE
from dinnerkit.http.lane.direct import Direct
from dinnerkit.http.lane.lane import Environ, StartResponse, WsgiApp
from dinnerkit.http.lane.routes import Routes
from dinnerkit.http.metrics import Metrics


class Personal:
    """Answers a plain GET of a route that is marked :func:`~dinnerkit.http.lane.routes.personal`; everything else goes to the app.

    So does what is refused, fails, or is asked for without an access token.

    Args:
        app: the WSGI app.
        routes: those that are marked.
        direct: makes the answers.
        metrics: counts them.
    """

    def __init__(self, app: WsgiApp, routes: Routes, direct: Direct, metrics: Metrics) -> None:
        self._app = app
        self._routes = routes
        self._direct = direct
        self._metrics = metrics

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        """Answer a request."""
        found = self._routes.find(environ) if "HTTP_AUTHORIZATION" in environ and environ["REQUEST_METHOD"] == "GET" else None
        if found is None:
            return self._app(environ, start_response)
        began = time.perf_counter()
        route, key = found
        made = self._direct.make_personal(route, key.path, key.query, environ)
        if made is None:
            return self._app(environ, start_response)
        body, headers = made
        start_response(WHOLE, headers)
        self._metrics.count_kept("GET", route.rule, int(WHOLE[:3]), time.perf_counter() - began)
        return [body]

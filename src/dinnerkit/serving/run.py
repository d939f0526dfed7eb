"""Serving as one call: what ``dinnerkit serve`` and the end of ``dinnerkit demo`` do."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager

from dinnerkit.plugins import check_jobs, open_backend
from dinnerkit.ports.rates import rates_of
from dinnerkit.ports.urls import parse_url
from dinnerkit.secret_key import secret_key
from dinnerkit.serving.counts import shared_counts
from dinnerkit.serving.listener import listen, url_of
from dinnerkit.serving.supervisor import Supervisor
from dinnerkit.settings import PREFIX, Settings

_OF_THIS_MACHINE = frozenset({"embedded", "sqlite"})


def serve(settings: Settings, *, bind: str, workers: int, work: bool | None, ready: Callable[[str], None]) -> None:
    """Serve the app until SIGTERM or SIGINT, then let the running requests end.

    The processes that it starts read their settings from the environment, as ``settings`` must have been.

    Args:
        settings: the settings in force.
        bind: ``HOST:PORT``; port 0 takes a free one.
        workers: how many web worker processes.
        work: whether to run the background work too; None leaves it to :func:`runs_here`.
        ready: called once with the app's address, when it takes requests.

    Raises:
        Invalid: the address can't be bound, or a setting is wrong.
        Unavailable: a backend is down.
    """
    secret_key(settings)
    check_jobs(settings.plugin_jobs())
    rates_of(settings.rate_limit)
    with closing(listen(bind)) as listener, shared_counts(), _database_held(settings):
        address = url_of(listener)
        if "public_url" not in settings.origins:
            os.environ[f"{PREFIX}PUBLIC_URL"] = address
        background = runs_here(settings) if work is None else work
        Supervisor(listener, workers=workers, work=background, ready=lambda: ready(address)).run()


def runs_here(settings: Settings) -> bool:
    """Whether the queue or the database lives on this machine alone, so that nobody else would do the background work."""
    return bool({parse_url(settings.queue).scheme, parse_url(settings.database).scheme} & _OF_THIS_MACHINE)


@contextmanager
def _database_held(settings: Settings) -> Iterator[None]:
    """Keep the embedded database running, whatever processes come and go meanwhile."""
    if parse_url(settings.database).scheme != "embedded":
        yield
        return
    with closing(open_backend("database", settings.database)):
        yield

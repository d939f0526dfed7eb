"""Serving: gunicorn with gevent workers, and the supervisor that keeps it and its companions alive.

``dinnerkit serve`` is the supervisor. It binds the address, holds the embedded database open, and keeps two processes running: the gunicorn
master, whose workers make the app after they are forked, and where everything is on this machine also ``dinnerkit work``. None of them
outlives the supervisor. Only the command line knows this package.

The workers are a class of their own, which serves any app under gunicorn: ``gunicorn -k dinnerkit.serving.Worker app:app``.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from dinnerkit.serving.worker import Worker

__all__ = ["Worker"]


def __getattr__(name: str) -> Any:
    if name != "Worker":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return import_module(f"{__name__}.worker").Worker

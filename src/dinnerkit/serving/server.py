"""The gunicorn master: forks the workers, each of which makes an app of its own."""

from __future__ import annotations

import json
import os
import signal
import sys
from typing import Any

from flask import Flask
from gunicorn.app.base import BaseApplication
from gunicorn.glogging import Logger
from prometheus_client.multiprocess import mark_process_dead

from dinnerkit.app import create_app
from dinnerkit.errors import DinnerkitError, Unavailable
from dinnerkit.http.mount import EXTENSION_KEY
from dinnerkit.live.limits import Connections
from dinnerkit.serving.config import gunicorn_settings
from dinnerkit.serving.garbage import set_apart
from dinnerkit.serving.memory import give_back, give_back_regularly
from dinnerkit.serving.offload import GeventOffload
from dinnerkit.settings import Settings


class SharedLogger(Logger):  # type: ignore[misc]
    """Gunicorn's log lines, written where and how the rest of the process writes its own."""

    def setup(self, cfg: Any) -> None:
        """Leave all to the root logger, but for what is worth less than a warning."""
        self.error_log.handlers[:] = []
        self.error_log.propagate = True
        self.error_log.setLevel(self.LOG_LEVELS[cfg.loglevel])

    no_access_log = True

    def access(self, *_: Any) -> None:
        """Nothing: the app's metrics count requests."""


class Server(BaseApplication):  # type: ignore[misc]
    """Gunicorn, configured by code alone: it reads neither a command line nor a file nor GUNICORN_CMD_ARGS.

    Each worker tells on the pipe ``reports`` that it is ready, or why it can't be; the supervisor reads it.
    """

    def __init__(self, settings: Settings, *, workers: int, listener: int, reports: int) -> None:
        self._settings = settings
        self._reports = reports
        self._app: Flask
        self._offload: GeventOffload
        self._options = gunicorn_settings(
            workers=workers, listener=listener, log_level=settings.log_level, live_connections=settings.live_connections
        )
        super().__init__()

    def load_config(self) -> None:
        """Give gunicorn its settings."""
        for name, value in self._options.items():
            self.cfg.set(name, value)
        self.cfg.set("control_socket_disable", True)  # it would be at one path for all that run here
        self.cfg.set("logger_class", SharedLogger)
        self.cfg.set("pre_fork", lambda _server, _worker: set_apart())
        self.cfg.set("post_worker_init", self._begin)
        self.cfg.set("child_exit", lambda _server, worker: mark_process_dead(worker.pid))  # type: ignore[no-untyped-call]

    def load(self) -> Any:
        """Make this worker's app, after the fork, so that no connection or thread is shared between processes."""
        try:
            self._offload = GeventOffload()
            self._app = create_app(self._settings, offload=self._offload)
        except DinnerkitError as error:
            self._report(failed=error.message, down=isinstance(error, Unavailable))
            os.kill(os.getppid(), signal.SIGTERM)  # the supervisor says it, once; an exit code would make gunicorn add three lines
            sys.exit(0)
        return self._app

    def _begin(self, worker: Any) -> None:
        """Say that a worker is ready; its live connections, which never end by themselves, end when it is asked to."""
        services = self._app.extensions[EXTENSION_KEY].services
        services[Connections].stopping = lambda: not worker.alive
        give_back()
        give_back_regularly(self._offload)
        self._report(ready=worker.pid)

    def _report(self, **report: object) -> None:
        os.write(self._reports, json.dumps(report).encode() + b"\n")

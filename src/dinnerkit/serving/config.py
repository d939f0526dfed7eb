"""The settings that gunicorn runs with."""

from __future__ import annotations

from pathlib import Path
from typing import Any

GRACE_SECONDS = 30
"""How long requests that are running may take to end once the server was asked to stop."""


OTHERS = 200
"""How many connections a worker takes beside the live ones."""


def gunicorn_settings(*, workers: int, listener: int, log_level: str, live_connections: int) -> dict[str, Any]:
    """Settings by gunicorn's own names.

    Args:
        workers: how many worker processes.
        listener: the file descriptor of the listening socket.
        log_level: dinnerkit's; what gunicorn tells at "info" is shown only at "debug".
        live_connections: how many WebSockets each worker may hold.
    """
    memory = Path("/dev/shm")  # noqa: S108 - heartbeats are written each second, and a disk may stall
    return {
        "bind": f"fd://{listener}",
        "workers": workers,
        "worker_class": "dinnerkit.serving.Worker",
        "worker_connections": live_connections + OTHERS,
        "worker_tmp_dir": str(memory) if memory.is_dir() else None,
        "timeout": 60,
        "graceful_timeout": GRACE_SECONDS,
        "keepalive": 5,
        "max_requests": 1_000_000,  # a new worker costs 2 s of CPU and its visitors their live connections
        "max_requests_jitter": 200_000,
        "limit_request_line": 8190,
        "limit_request_fields": 64,
        "limit_request_field_size": 8190,
        "forwarded_allow_ips": "",  # the app's own trusted_proxies decides what X-Forwarded-* is believed
        "accesslog": None,
        "loglevel": "warning" if log_level == "info" else log_level,
        "proc_name": "dinnerkit",
    }

"""The parts of a journey's benchmark: the servers behind the app, the app itself, who visits it, and what all of them spend."""

from __future__ import annotations

import importlib.util
import json
import os
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from booking_cpu import publish_events
from serving_cpu import HERE, cpu_seconds, free_port, settings_for, started, variables

from dinnerkit import Kit, Settings
from dinnerkit.accounts.service import AccountService, NewUser
from dinnerkit.backends.database import embedded

PASSWORD = "only for this benchmark"  # noqa: S105

Request = dict[str, Any]
"""method, path, and perhaps headers and a body."""


@dataclass(frozen=True)
class Behind:
    """The servers that an app stands on."""

    database_url: str
    database_pid: int
    redis_port: int
    redis_pid: int


@dataclass(frozen=True)
class Asked:
    """What so many requests cost, in CPU of each part, and how long they took."""

    statuses: Mapping[int, int]
    seconds: float
    took: Sequence[float] = field(repr=False)
    web: float
    database: float
    redis: float

    def micros(self, cpu: float) -> float:
        return cpu / len(self.took) * 1e6

    def percentile(self, share: float) -> float:
        """Milliseconds."""
        return sorted(self.took)[int(share * (len(self.took) - 1))] * 1e3

    def only(self, *statuses: int) -> Asked:
        """Itself, if nothing else was answered."""
        if set(self.statuses) - set(statuses):
            raise RuntimeError(f"{dict(self.statuses)} where only {statuses} was to come")
        return self


@contextmanager
def behind(folder: Path) -> Iterator[Behind]:
    """A MongoDB and a Redis of our own, with their data under ``folder``."""
    redis = shutil.which("redis-server")
    if redis is None or importlib.util.find_spec("dinnerkit_redis") is None:
        raise SystemExit("this benchmark needs redis-server, and pip install -e plugins/dinnerkit-redis")
    port = free_port()
    (folder / "redis").mkdir()
    quiet = ("--save", "", "--appendonly", "no", "--loglevel", "warning", "--dir", str(folder / "redis"))
    with started("redis-server", [redis, "--port", str(port), *quiet], port, os.environ) as pid:
        database = embedded(f"embedded://{folder}/database")
        try:
            yield Behind(database.url, database.database.client.admin.command("serverStatus")["pid"], port, pid)
        finally:
            database.close()


def settings_of(stood_on: Behind, folder: Path) -> dict[str, str]:
    """The default app, with its counts, news, hints, sessions and shared answers in Redis, and nothing that stops a busy client."""
    redis = f"redis://127.0.0.1:{stood_on.redis_port}"
    patient = "?timeout=5"  # on a busy machine nothing is to be taken for an outage
    return settings_for(
        stood_on.database_url,
        folder,
        cache=f"{redis}/1{patient}",
        limiter=f"{redis}/2{patient}",
        bus=f"{redis}/3{patient}",
        queue=f"{redis}/4{patient}",
        sessions=f"{redis}/1{patient}",
        rate_limit="100000000 per 15 minutes",
    )


def fill(given: Mapping[str, str], events: int, visitors: int) -> tuple[list[str], list[str]]:
    """Published events, by id, and visitors with one password, by address."""
    addresses = [f"visitor-{number}@example.org" for number in range(visitors)]
    with Kit.open(Settings.load(given, environ={})) as kit:
        accounts = kit.service(AccountService)
        ids = publish_events(kit, events, price=0)
        for start in range(0, visitors, 50):
            accounts.import_users([NewUser(email=one, name="Vera", password=PASSWORD) for one in addresses[start : start + 50]])
    return ids, addresses


@contextmanager
def ours(given: Mapping[str, str], **more: str) -> Iterator[tuple[int, int]]:
    """``dinnerkit serve`` with one web worker, and the background work elsewhere, as (pid, port)."""
    port = free_port()
    environ = {name: value for name, value in os.environ.items() if not name.startswith("DINNERKIT_")} | variables({**given, **more})
    command = [sys.executable, "-m", "dinnerkit", "serve", "--bind", f"127.0.0.1:{port}", "--no-work"]
    with started("dinnerkit serve", command, port, environ, stdout=subprocess.DEVNULL) as pid:
        yield pid, port


def send(port: int, requests: Sequence[Request], connections: int, pace: float = 0.0) -> Asked:
    """Send them on so many connections, so many a second where there is a pace; its CPU is not looked at."""
    work = json.dumps({"port": port, "connections": connections, "requests": requests, "pace": pace})
    done = subprocess.run([sys.executable, "journey_load.py"], cwd=HERE, input=work, stdout=subprocess.PIPE, text=True, check=True)
    told = json.loads(done.stdout)
    statuses = Counter(status for status, _ in told["answers"])
    return Asked(statuses, told["seconds"], [took for _, took in told["answers"]], 0, 0, 0)


def spending(pid: int, stood_on: Behind, sent: Callable[[], Asked]) -> Asked:
    """What is sent, with what the web server and those behind it spend meanwhile."""
    pids = (pid, stood_on.database_pid, stood_on.redis_pid)
    before = [cpu_seconds(one) for one in pids]
    asked = sent()
    web, database, redis = (cpu_seconds(one) - was for one, was in zip(pids, before, strict=True))
    return replace(asked, web=web, database=database, redis=redis)


def ask(pid: int, port: int, stood_on: Behind, requests: Sequence[Request], connections: int, pace: float = 0.0) -> Asked:
    """The same as :func:`send`, with what is spent."""
    return spending(pid, stood_on, lambda: send(port, requests, connections, pace))


def get(path: str, **headers: str) -> Request:
    return {"method": "GET", "path": path, "headers": {name.replace("_", "-"): value for name, value in headers.items()}}


def login(address: str) -> Request:
    return {"method": "POST", "path": "/v1/auth/login", "body": {"email": address, "password": PASSWORD}}


def booking(event_id: str, token: str) -> Request:
    return {"method": "POST", "path": "/v1/bookings", "headers": {"Authorization": f"Bearer {token}"}, "body": {"event_id": event_id}}

"""What a request costs the web server's processes, and how long it takes on busy connections: our worker, gunicorn's own, and the floor."""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory

from booking_cpu import publish_events
from rich.console import Console
from rich.table import Table

from dinnerkit import Kit, Settings
from dinnerkit.backends.database import embedded

HERE = Path(__file__).parent
CONNECTIONS = 64
ROUNDS = 2
LISTED = "/v1/events?city=Lisbon&limit=20"
TEN_KB = "/v1/events?city=Lisbon&limit=14"
"""A list of about 10 kB."""
SECRET = "only for this benchmark, and for its data alone"  # noqa: S105


@dataclass
class Way:
    """One way to serve one app, and what was measured of it."""

    name: str
    app: str
    options: tuple[str, ...] = ()
    requests: int = 10_000
    path: str = LISTED
    headers: tuple[str, ...] = ()
    environ: Mapping[str, str] = field(default_factory=dict)
    connections: int = CONNECTIONS
    posts: Path | None = None
    cpu: float = 0.0
    took: list[float] = field(default_factory=list)

    @property
    def micros(self) -> float:
        return self.cpu / len(self.took) * 1e6

    def percentile(self, share: float) -> float:
        """Milliseconds."""
        return sorted(self.took)[int(share * (len(self.took) - 1))] * 1e3


def ways() -> list[Way]:
    ours = ("-k", "dinnerkit.serving.Worker")
    found = [Way("floor: gevent's sockets", "")]
    if importlib.util.find_spec("gunicorn_h1c") is not None:
        found.append(Way("10 kB, dinnerkit.serving.Worker", "bare", (*ours, "--http-parser", "fast")))
    return [
        *found,
        Way("10 kB, the same, Python parser", "bare", (*ours, "--http-parser", "python")),
        Way("10 kB, gunicorn -k gevent", "bare", ("-k", "gevent")),
        Way("GET /v1/events, dinnerkit.serving.Worker", "dinners()", ours, requests=1000),
        Way("GET /v1/events, gunicorn -k gevent", "dinners()", ("-k", "gevent"), requests=1000),
    ]


def processes(pid: int) -> list[list[str]]:
    """The state of a process and of all below it, each as /proc has it after the name."""
    states = {}
    for entry in Path("/proc").glob("[0-9]*/stat"):
        with suppress(FileNotFoundError, ProcessLookupError):  # it has ended meanwhile
            states[int(entry.parent.name)] = entry.read_text("utf-8").rpartition(")")[2].split()
    found, below = [states[pid]], {pid}
    while below:
        below = {one for one, state in states.items() if int(state[1]) in below}
        found += [states[one] for one in below]
    return found


def cpu_seconds(pid: int) -> float:
    """CPU time of a process and of all below it, those that have ended included: a worker is replaced after so many requests."""
    return sum(sum(map(int, state[11:15])) for state in processes(pid)) / os.sysconf("SC_CLK_TCK")


def resident(pid: int) -> int:
    """Bytes of memory that are resident in the largest of them: the worker, where a process starts one."""
    return max(int(state[21]) for state in processes(pid)) * os.sysconf("SC_PAGE_SIZE")


def settings_for(database_url: str, folder: str | Path, **more: str) -> dict[str, str]:
    """Those of the default app with its data in a folder; it limits nobody, unless ``more`` says otherwise."""
    given = {"database": database_url, "data": f"{folder}/data", "mail": f"folder://{folder}/mails"}
    return given | {"rate_limit": "off", "log_level": "warning", "secret_key": SECRET} | more


def variables(given: Mapping[str, str]) -> dict[str, str]:
    """The settings as environment variables."""
    return {f"DINNERKIT_{name.upper()}": value for name, value in given.items()}


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as free:
        return int(free.getsockname()[1])


@contextmanager
def started(
    name: str, command: Sequence[str], port: int, environ: Mapping[str, str], *, cwd: Path = HERE, stdout: int | None = None
) -> Iterator[int]:
    """The server of that command by its pid, once it answers at the port."""
    process = subprocess.Popen(command, cwd=cwd, env=environ, stdout=stdout)  # noqa: S603
    try:
        while not reachable(port):
            if process.poll() is not None:
                raise SystemExit(f"{name}: the server ended with {process.returncode}")
            time.sleep(0.05)
        yield process.pid
    finally:
        process.terminate()
        process.wait(60)


@contextmanager
def serving(way: Way, environ: Mapping[str, str]) -> Iterator[tuple[int, int]]:
    """The way's server as (pid, port), once it answers."""
    port = free_port()
    command = [sys.executable, "serving_apps.py", str(port)]
    if way.app:
        command = [sys.executable, "-m", "gunicorn", "--bind", f"127.0.0.1:{port}", "--keep-alive", "30", "--no-control-socket"]
        command += ["--log-level", "warning", *way.options, f"serving_apps:{way.app}"]
    with started(way.name, command, port, {**environ, **way.environ}) as pid:
        yield pid, port


def reachable(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=10).close()
    except ConnectionError:
        return False
    return True


def load(way: Way, port: int, requests: int) -> list[float]:
    """Seconds that each of so many requests took, or of the POSTs in the way's file."""
    command = [sys.executable, "serving_load.py", "--port", str(port), "--path", way.path]
    command += [part for header in way.headers for part in ("--header", header)]
    command += ["--connections", str(way.connections), "--requests", str(requests)]
    command += ["--posts", str(way.posts)] if way.posts else []
    done = subprocess.run(command, cwd=HERE, capture_output=True, text=True, check=True)  # noqa: S603
    return [float(one) for one in json.loads(done.stdout)]


def measure(way: Way, environ: Mapping[str, str]) -> None:
    with serving(way, environ) as (pid, port):
        load(way, port, way.requests // 10)  # warms up
        before = cpu_seconds(pid)
        way.took += load(way, port, way.requests)
        way.cpu += cpu_seconds(pid) - before


def main() -> None:
    """Measure each way in turn, several times over, so that what else the machine does hits all alike."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    measured = ways()
    with TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        database = embedded(f"embedded://{folder}/database")
        given = settings_for(database.url, folder)
        with Kit.open(Settings.load(given, environ={})) as kit:
            publish_events(kit, 30)
        environ = os.environ | variables(given)
        for _ in range(ROUNDS):
            for way in measured:
                measure(way, environ)
        database.close()
    tell("Serving", measured, options.json)


def tell(what: str, measured: list[Way], target: Path | None, connections: int | str = CONNECTIONS) -> None:
    """Print what was measured, as ratios to the first; write it as JSON too, where that is wanted."""
    table = Table(
        "", "CPU µs", "× floor", "p50 ms", "p99 ms", title=f"{what}: CPU of the server's processes a request, {connections} connections"
    )
    for way in measured:
        ratio = way.micros / measured[0].micros
        table.add_row(way.name, f"{way.micros:,.0f}", f"{ratio:.1f}", f"{way.percentile(0.5):.1f}", f"{way.percentile(0.99):.1f}")
    Console(width=110).print(table)
    if target is not None:
        target.parent.mkdir(parents=True, exist_ok=True)
        rows = {way.name: {"cpu_us": way.micros, "p50_ms": way.percentile(0.5), "p99_ms": way.percentile(0.99)} for way in measured}
        target.write_text(json.dumps({"title": table.title, "rows": rows}, indent=2) + "\n")


if __name__ == "__main__":
    main()

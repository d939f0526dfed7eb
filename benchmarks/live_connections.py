"""Many idle WebSockets on one web worker: the memory of each, and the CPU of a message to all and of a ping and its pong."""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

from booking_cpu import publish_events
from rich.console import Console
from rich.table import Table
from serving_cpu import HERE, SECRET, Way, cpu_seconds, resident, serving, settings_for, variables

from dinnerkit import Kit, Settings
from dinnerkit.accounts.documents import UserDocument
from dinnerkit.accounts.secrecy import Keys, SignedTokens
from dinnerkit.accounts.service import AccountService, NewUser
from dinnerkit.backends.database import embedded
from dinnerkit.booking.service import BookingService
from dinnerkit.clock import utcnow
from dinnerkit.ids import new_id
from dinnerkit.live.limits import PING_SECONDS
from dinnerkit.serving.config import OTHERS
from dinnerkit.storage import collection

EACH_USER, EACH_PROCESS = 10, 5000
ROUNDS = 5
_OTHER_FILES = 100
"""Of the worker, beside its live connections."""


def tokens_of(kit: Kit, count: int, secret: str = SECRET) -> list[str]:
    """Access tokens of so many users, none of whom has typed a password."""
    users = kit.service(AccountService).import_users([NewUser(email=f"{number}@example.org", name="Ada") for number in range(count)])
    now, session = utcnow(), new_id()
    entry = {"id": session, "key": "none", "secret": "none", "created_at": now, "expires_at": now + timedelta(hours=1)}
    collection(kit.database, UserDocument).update_many({"_id": {"$in": users}}, {"$set": {"sessions": [entry]}})
    signing = SignedTokens(Keys(secret), "access")
    return [signing.sign({"sub": user, "sid": session}, now=now, expires_at=now + timedelta(hours=1)) for user in users]


def allow_files(count: int) -> None:
    """Let this process, and those that it starts, open so many files at once."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft >= count:
        return
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (count, max(hard, count)))
    except ValueError:
        raise SystemExit(
            f"this machine lets a process open {hard:,} files, and these take {count:,}: fewer --connections, please"
        ) from None


def worker_of(master: int) -> int:
    """The one web worker of a server."""
    (found,) = Path(f"/proc/{master}/task/{master}/children").read_text("ascii").split()
    return int(found)


@contextmanager
def connected(port: int, event_id: str, tokens: Sequence[str]) -> Iterator[list[subprocess.Popen[str]]]:
    """Clients, each of whom watches the event and knows how it is."""
    clients = []
    try:
        for first in range(0, len(tokens), EACH_PROCESS):
            client = subprocess.Popen(
                [sys.executable, "live_clients.py"], cwd=HERE, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
            )
            clients.append(client)
            say(client, json.dumps({"port": port, "event": event_id, "first": first, "tokens": tokens[first : first + EACH_PROCESS]}))
        for client in clients:
            heard(client)
        yield clients
    finally:
        for client in clients:
            client.kill()
            client.wait()


def say(client: subprocess.Popen[str], line: str) -> None:
    assert client.stdin is not None  # noqa: S101
    client.stdin.write(f"{line}\n")
    client.stdin.flush()


def heard(client: subprocess.Popen[str]) -> None:
    assert client.stdout is not None  # noqa: S101
    if client.stdout.readline() != "heard\n":
        raise RuntimeError("a client has ended")


def measure(count: int, folder: str) -> dict[str, float]:
    """The figures, by name."""
    database = embedded(f"embedded://{folder}/database")
    given = settings_for(database.url, folder, live_connections=str(count + 1))
    environ = os.environ | variables(given)
    with (
        Kit.open(Settings.load(given, environ={})) as kit,
        serving(Way("", "dinners()", ("-k", "dinnerkit.serving.Worker", "--worker-connections", str(count + OTHERS))), environ) as run,
    ):
        (event_id,) = publish_events(kit, 1, price=0, seats=1000)
        tokens = tokens_of(kit, -(-count // EACH_USER) + 1)
        pid = worker_of(run[0])
        with connected(run[1], event_id, tokens[-1:]):  # what is imported and made once
            warm = resident(pid)
        with connected(run[1], event_id, (tokens[:-1] * EACH_USER)[:count]) as clients:
            each = (resident(pid) - warm) / count / 1024
            spent, took = [], []
            for number in range(ROUNDS):
                for client in clients:
                    say(client, "one more")
                before, began = cpu_seconds(pid), time.monotonic()
                kit.service(BookingService).reserve(f"guest-{number}", event_id, 1, booking_id=new_id())
                for client in clients:
                    heard(client)
                spent.append(cpu_seconds(pid) - before)
                took.append(time.monotonic() - began)
                time.sleep(0.5)
            before = cpu_seconds(pid)
            time.sleep(2 * PING_SECONDS)
            idle = (cpu_seconds(pid) - before) / 2
    database.close()
    return {
        "connections": count,
        "worker_mb": warm / 1024**2,
        "kb_each": each,
        "all_cpu_s": median(spent),
        "all_s": median(took),
        "message_us": median(spent) / count * 1e6,
        "ping_us": idle / count * 1e6,
    }


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--connections", type=int, default=20_000)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    allow_files(options.connections + _OTHER_FILES)
    with TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        found = measure(options.connections, folder)
    table = Table("", "", title=f"{options.connections:,} WebSockets on one worker, each watching one event")
    table.add_row("the worker without them", f"{found['worker_mb']:,.0f} MB")
    table.add_row("memory of each", f"{found['kb_each']:,.1f} kB")
    table.add_row("a message to all", f"{found['all_cpu_s']:.2f} s of CPU, {found['all_s']:.2f} s by the clock")
    table.add_row("the same, to one", f"{found['message_us']:,.0f} µs")
    table.add_row(f"a ping and its pong, in {PING_SECONDS} s, and all else while nothing happens", f"{found['ping_us']:,.0f} µs")
    Console(width=110).print(table)
    if options.json is not None:
        options.json.parent.mkdir(parents=True, exist_ok=True)
        options.json.write_text(json.dumps({"title": table.title, "rows": found}, indent=2) + "\n")


if __name__ == "__main__":
    main()

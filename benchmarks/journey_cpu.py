"""What each kind of request costs the web worker, MongoDB and Redis: the figures from which `dinnerkit capacity` counts."""

from __future__ import annotations

import argparse
import json
from itertools import product
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.request import Request as Asking
from urllib.request import urlopen

from journey import Asked, Behind, Request, ask, behind, booking, fill, get, login, ours, send, settings_of
from rich.console import Console
from rich.table import Table
from serving_cpu import TEN_KB

CONNECTIONS = 32
VISITORS, EVENTS = 60, 30


def token_of(port: int, address: str) -> str:
    asked = login(address)
    body = json.dumps(asked["body"]).encode()
    with urlopen(Asking(f"http://127.0.0.1:{port}{asked['path']}", body, {"Content-Type": "application/json"})) as answer:
        return str(json.load(answer)["access_token"])


def warmed(pid: int, port: int, stood_on: Behind, requests: list[Request], *statuses: int) -> Asked:
    """Measured after a tenth as many, which must be ones that can be sent twice."""
    send(port, requests[: len(requests) // 10], CONNECTIONS).only(*statuses)
    return ask(pid, port, stood_on, requests, CONNECTIONS).only(*statuses)


def own(path: str, tokens: list[str]) -> list[Request]:
    """Asked for by each of those who have the tokens."""
    return [get(path, Authorization=f"Bearer {token}") for token in tokens]


def measure(folder: Path) -> dict[str, Asked]:
    """By what is done."""
    found: dict[str, Asked] = {}
    with behind(folder) as stood_on:
        given = settings_of(stood_on, folder)
        events, visitors = fill(given, EVENTS, VISITORS)
        with ours(given) as (pid, port):
            etag = urlopen(f"http://127.0.0.1:{port}{TEN_KB}").headers["ETag"]
            found["GET list, kept"] = warmed(pid, port, stood_on, [get(TEN_KB)] * 8000, 200)
            found["GET event, kept"] = warmed(pid, port, stood_on, [get(f"/v1/events/{events[0]}")] * 8000, 200)
            found["GET list, kept, 304"] = warmed(pid, port, stood_on, [get(TEN_KB, If_None_Match=etag)] * 8000, 304)
            tokens = [token_of(port, visitor) for visitor in visitors[:30]]
            pairs = [booking(event_id, token) for event_id, token in product(events, tokens)]
            send(port, pairs[: 2 * len(tokens)], CONNECTIONS).only(201)
            found["GET one's own bookings, 2"] = warmed(pid, port, stood_on, own("/v1/bookings", tokens) * 60, 200)
            found["POST booking, free"] = ask(pid, port, stood_on, pairs[2 * len(tokens) :], CONNECTIONS).only(201)
            found["GET one's own bookings, 25"] = warmed(pid, port, stood_on, own("/v1/bookings?limit=25", tokens) * 60, 200)
            found["GET one's own profile"] = warmed(pid, port, stood_on, own("/v1/me", tokens) * 60, 200)
            found["POST login"] = ask(pid, port, stood_on, [login(visitor) for visitor in visitors[30:]] * 4, 8).only(200)
    return found


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--json", type=Path)
    target = parser.parse_args().json
    with TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        found = measure(Path(folder))
    title = f"A journey's requests: CPU µs of each part, {CONNECTIONS} connections"
    table = Table("", "web", "MongoDB", "Redis", "p50 ms", "p99 ms", title=title)
    rows = {}
    for name, asked in found.items():
        micros = [asked.micros(cpu) for cpu in (asked.web, asked.database, asked.redis)]
        table.add_row(name, *(f"{one:,.0f}" for one in micros), f"{asked.percentile(0.5):.1f}", f"{asked.percentile(0.99):.1f}")
        rows[name] = dict(zip(("web_us", "mongodb_us", "redis_us"), micros, strict=True))
    Console(width=110).print(table)
    if target is not None:
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(json.dumps({"title": title, "rows": rows}, indent=2) + "\n")


if __name__ == "__main__":
    main()

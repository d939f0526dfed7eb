"""What requests take beside usual while a backend's server is away: refused, hung, hanging up, or slow.

    python -m benchmarks.away_latency --asked 40
    python -m benchmarks.away_latency --search

One ``dinnerkit serve`` with one worker, its backends in Redis (or the search in Elasticsearch, with ``--search``) behind a proxy
each. Every question is asked so many times one after the other while all is well, and then while one of the backends is away. Needs the
embedded MongoDB, what the tests of dinnerkit-redis need, and for ``--search`` what those of dinnerkit-elasticsearch need.
"""

from __future__ import annotations

import argparse
import secrets
import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from rich.console import Console
from rich.table import Table

from dinnerkit import Kit, Settings
from dinnerkit.search.indexing import Indexing
from dinnerkit.testing import run_background, settings_for_tests
from dinnerkit.testing.proxy import Mode, Proxy
from dinnerkit.web.sessions import SESSION
from tests.fire.dinners import host_dinner
from tests.fire.serving import Client, Server, sign_in
from tests.services.elasticsearch import elasticsearch_node
from tests.services.redis import PASSWORD, redis_server

MODES: tuple[Mode, ...] = ("refuses", "hangs", "drops", "slow")
IN_REDIS = ("cache", "limiter", "bus", "sessions", "queue")
PAUSE_SECONDS, BACK_SECONDS = 0.02, 6.0
"""Between two questions; and after a backend is back, until everybody has noticed."""

Ask = Callable[[], float]


@contextmanager
def proxies(folder: Path, *, search: bool) -> Iterator[tuple[dict[str, Proxy], dict[str, str]]]:
    """The proxies by kind, and the URLs of the backends behind them."""
    with ExitStack() as started:
        if search:
            behind = dict.fromkeys(("search",), started.enter_context(elasticsearch_node())[1])
            scheme = "elasticsearch://127.0.0.1:{}"
        else:
            behind = dict.fromkeys(IN_REDIS, started.enter_context(redis_server(folder)))
            scheme = f"redis://:{PASSWORD}@127.0.0.1:{{}}/0"
        found = {kind: Proxy(port) for kind, port in behind.items()}
        for proxy in found.values():
            started.callback(proxy.close)
        yield found, {kind: scheme.format(proxy.port) for kind, proxy in found.items()}


def questions(address: str, token: str, dinners: list[str]) -> dict[str, Ask]:
    """What is asked, by a new connection each time: each tells how many seconds its answer took."""

    def get(path: str, **headers: str) -> Ask:
        return lambda: _timed(Client(address), "GET", path, None, **headers)

    return {
        "front page": get("/"),
        "the same with a session": get("/", Cookie=f"{SESSION}={secrets.token_urlsafe(32)}"),
        "list": get("/v1/events?city=M%C3%BCnchen"),
        "search": get("/v1/search/events?q=dumplings"),
        "booking": lambda: _timed(Client(address, token), "POST", "/v1/bookings", {"event_id": dinners.pop()}),
    }


def _timed(client: Client, method: str, path: str, body: dict[str, str] | None = None, **headers: str) -> float:
    began = time.perf_counter()
    answer = client.send(method, path, body, **headers)
    took = time.perf_counter() - began
    client.close()
    if answer.status >= 400:
        raise SystemExit(f"{method} {path} was answered with {answer.status}: {answer.body}")
    return took


def asked(ask: Ask, times: int) -> list[float]:
    """The seconds that each answer took."""
    found = []
    for _ in range(times):
        found.append(ask())
        time.sleep(PAUSE_SECONDS)
    return found


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--asked", type=int, default=40)
    parser.add_argument("--search", action="store_true", help="Elasticsearch is away, and nothing else")
    given = parser.parse_args()
    table = Table("away", "how", "question", "usual p50", "usual worst", "away p50", "away worst", "worst beside p50", title="ms")
    with TemporaryDirectory() as name, proxies(Path(name), search=given.search) as (found, urls):
        settings = settings_for_tests(f"embedded://{name}/db", Path(name), **urls, rate_limit="100000 per minute")
        with Kit.open(Settings(**settings)) as kit:
            kit.ensure_indexes()
            rounds = 2 * len(found) * len(MODES) * given.asked
            dinners = [host_dinner(kit, seats=4) for _ in range(rounds)]
            run_background(kit)
            kit.service(Indexing).ensure_built()
            [token] = sign_in(kit, ["ada"]).values()
            server = Server(settings, Path(name), "--workers", "1", "--no-work")
            try:
                everything = questions(server.address, token, dinners)
                for kind, proxy in found.items():
                    for mode in MODES:
                        usual = {question: asked(ask, given.asked) for question, ask in everything.items()}
                        proxy.turn(mode)
                        away = {question: asked(ask, given.asked) for question, ask in everything.items()}
                        proxy.turn("well")
                        time.sleep(BACK_SECONDS)
                        for question, seconds in away.items():
                            before = statistics.median(usual[question])
                            row = (before, max(usual[question]), statistics.median(seconds), max(seconds), max(seconds) - before)
                            table.add_row(kind, mode, question, *(f"{value * 1000:,.0f}" for value in row))
            finally:
                server.stop()
    Console(width=120).print(table)


if __name__ == "__main__":
    main()

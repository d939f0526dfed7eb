"""How long the search takes in MongoDB and in Elasticsearch, side by side, and what it costs their servers.

    python -m benchmarks.search_latency --events 100000

Each question is asked one after the other, in as many variants as it says, through the port and with patient time-outs; CPU time is that of
the server's process. Needs the embedded MongoDB, and what the tests of dinnerkit-elasticsearch need.
"""

from __future__ import annotations

import argparse
import os
import random
import string
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import accumulate
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from elasticsearch import Elasticsearch
from pymongo import MongoClient
from rich.console import Console
from rich.table import Table

from dinnerkit.backends.database import embedded
from dinnerkit.backends.search.mongo import DatabaseSearch
from dinnerkit.ports.search import Criteria, EventEntry, Order
from dinnerkit_elasticsearch import open_search
from tests.services.elasticsearch import elasticsearch_node

PATIENT_MS = 60_000
BEGINNING = datetime(2030, 1, 1, 18, tzinfo=UTC)
CITIES, CUISINES, WORDS = 60, 40, 6000
CENTRE = (48.2, 11.5)
_DAY = timedelta(days=1)


@dataclass(frozen=True)
class Town:
    """What the events are made of: words of which few are frequent, as in a language, and places around a centre."""

    words: Sequence[str]
    weights: Sequence[float]
    cities: Sequence[str]
    cuisines: Sequence[str]

    @classmethod
    def drawn(cls, rng: random.Random) -> Town:
        names = list(dict.fromkeys(_word(rng) for _ in range(WORDS + CITIES + CUISINES + 200)))
        rest = names[CITIES + CUISINES :][:WORDS]
        weights = list(accumulate(1 / (rank + 2) for rank in range(len(rest))))
        return cls(rest, weights, [name.title() for name in names[:CITIES]], [name.title() for name in names[CITIES : CITIES + CUISINES]])

    def text(self, rng: random.Random, count: int) -> str:
        return " ".join(rng.choices(self.words, cum_weights=self.weights, k=count))

    def entries(self, count: int, rng: random.Random) -> Iterator[EventEntry]:
        for number in range(count):
            city, cuisine = rng.choice(self.cities), rng.choice(self.cuisines)
            starts_at = BEGINNING + timedelta(hours=rng.randrange(24 * 365))
            yield EventEntry(
                id=f"e{number:07}",
                version=1,
                title=self.text(rng, rng.randint(2, 5)).capitalize(),
                description=self.text(rng, rng.randint(20, 80)),
                city=city,
                city_key=city.casefold(),
                cuisine=cuisine,
                cuisine_key=cuisine.casefold(),
                venue=self.text(rng, 2).title(),
                tags=(),
                tag_keys=(),
                starts_at=starts_at,
                month=f"{starts_at:%Y-%m}",
                price=rng.choice((0, 1500, 2500, 3500, 5000, 8000, 12_000)),
                lat=CENTRE[0] + rng.gauss(0, 2),
                lon=CENTRE[1] + rng.gauss(0, 3),
            )


def _word(rng: random.Random) -> str:
    return "".join(rng.choice("bdfghklmnprstvwz") + rng.choice("aeiou") for _ in range(rng.randint(1, 4))) + rng.choice("nrstlk")


def questions(town: Town, rng: random.Random) -> dict[str, Callable[[], Criteria]]:
    """What is looked for, drawn anew each time."""
    upcoming = {"starts_from": BEGINNING + timedelta(days=1)}

    def begun(count: int) -> str:
        return " ".join(rng.choice(town.words)[:2] for _ in range(count))

    def a_month(number: int) -> Criteria:
        """As the service asks for it: of the starts that may lie in it."""
        first, end = datetime(2030, number, 1, tzinfo=UTC), datetime(2030, number + 1, 1, tzinfo=UTC)
        return Criteria(starts_from=first - _DAY, starts_before=end + _DAY, month=f"{first:%Y-%m}")

    def slip() -> str:
        word = rng.choice([word for word in town.words[:2000] if len(word) > 5])
        at = rng.randrange(1, len(word) - 1)
        return word[:at] + rng.choice(string.ascii_lowercase) + word[at + 1 :]

    return {
        "everything": lambda: Criteria(**upcoming),
        "a month": lambda: a_month(rng.randint(2, 11)),
        "a rare word": lambda: Criteria(**upcoming, text=rng.choice(town.words[3000:])),
        "a usual word": lambda: Criteria(**upcoming, text=rng.choice(town.words[20:60])),
        "a usual word in a city": lambda: Criteria(
            **upcoming, text=rng.choice(town.words[20:60]), city_key=rng.choice(town.cities).casefold()
        ),
        "six of the commonest words": lambda: Criteria(**upcoming, text=" ".join(rng.sample(town.words[:12], 6))),
        "a two-letter beginning": lambda: Criteria(**upcoming, text=begun(1)),
        "ten two-letter beginnings": lambda: Criteria(**upcoming, text=begun(10)),
        "a word with a slip": lambda: Criteria(**upcoming, text=slip()),
        "within 20 km, nearest first": lambda: Criteria(**upcoming, near=CENTRE, radius_km=20, order=Order.DISTANCE),
        "within 500 km, nearest first": lambda: Criteria(**upcoming, near=CENTRE, radius_km=500, order=Order.DISTANCE),
        "within 500 km, soonest first": lambda: Criteria(**upcoming, near=CENTRE, radius_km=500, order=Order.STARTS_AT),
    }


def typed(town: Town, rng: random.Random) -> dict[str, Callable[[], str]]:
    """What is typed so far."""
    return {
        "completion of one letter": lambda: rng.choice("bdfghklmnprstvwz"),
        "completion of two letters": lambda: rng.choice(town.words)[:2],
        "completion of four letters": lambda: rng.choice([word for word in town.words if len(word) > 4])[:4],
        "completion of nothing known": lambda: f"{rng.choice(town.words)}qx",
    }


def cpu(pid: int) -> float:
    """Seconds of CPU time that a process has had."""
    ticks = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[11:13]
    return sum(map(int, ticks)) / os.sysconf("SC_CLK_TCK")


def asked(ask: Callable[[], object], pid: int, repeat: int) -> tuple[float, float, float]:
    """The median and the 99th hundredth of the latency, and the CPU time a question, in milliseconds."""
    for _ in range(max(5, repeat // 4)):
        ask()
    began, took = cpu(pid), []
    for _ in range(repeat):
        start = time.perf_counter()
        ask()
        took.append((time.perf_counter() - start) * 1000)
    took.sort()
    return took[len(took) // 2], took[min(len(took) - 1, round(len(took) * 0.99))], (cpu(pid) - began) * 1000 / repeat


def measured(search: Any, pid: int, count: int, repeat: int, only: str) -> dict[str, tuple[float, float, float]]:
    """Fill it, and ask it everything."""
    rng = random.Random(7)
    town = Town.drawn(rng)
    start, began = time.perf_counter(), cpu(pid)
    search.rebuild(town.entries(count, rng))
    rows = {"filling it, a thousand entries": ((time.perf_counter() - start) * 1e6 / count, 0.0, (cpu(pid) - began) * 1e6 / count)}
    rng = random.Random(8)
    for name, draw in questions(town, rng).items():
        if only in name:
            rows[name] = asked(lambda draw=draw: search.find(draw(), 20), pid, repeat)
    for name, letters in typed(town, rng).items():
        if only in name:
            rows[name] = asked(lambda letters=letters: search.suggest(letters(), 10), pid, repeat)
    return rows


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--events", type=int, default=100_000)
    parser.add_argument("--repeat", type=int, default=100)
    parser.add_argument("--only", default="", help="the questions with this in their names")
    parser.add_argument("--skip", default="", help="mongodb or elasticsearch")
    told = parser.parse_args()
    results: dict[str, dict[str, tuple[float, float, float]]] = {}
    if told.skip != "mongodb":
        with TemporaryDirectory() as folder, closing(embedded(f"embedded://{folder}")) as backend:
            client: MongoClient[dict[str, object]] = MongoClient(backend.url, tz_aware=True)
            built_in = DatabaseSearch(PATIENT_MS)
            built_in.use(client["benchmark"])
            results["MongoDB"] = measured(built_in, client.admin.command("serverStatus")["pid"], told.events, told.repeat, told.only)
            client.close()
    if told.skip != "elasticsearch":
        with elasticsearch_node("-XX:TieredStopAtLevel=4", "-Xmx1g") as (host, port):
            [node] = Elasticsearch(f"http://{host}:{port}").nodes.info(metric="process")["nodes"].values()
            with closing(open_search(f"elasticsearch://{host}:{port}?timeout_ms={PATIENT_MS}")) as search:
                results["Elasticsearch"] = measured(search, node["process"]["id"], told.events, told.repeat, told.only)
    table = Table("", *(f"{name}, {what}" for name in results for what in ("p50 ms", "p99", "CPU ms")), title=f"{told.events:,} events")
    for name in next(iter(results.values())):
        table.add_row(name, *(f"{value:.1f}" for rows in results.values() for value in rows[name]))
    Console(width=160).print(table)


if __name__ == "__main__":
    main()

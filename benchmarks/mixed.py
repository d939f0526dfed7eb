"""The mixed journey: what all kinds of requests together cost, and how long they take, at a part of what a server can do."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import cycle
from pathlib import Path
from typing import Any

from contenders import CONNECTIONS, LISTED, Contender
from journey import Behind, Request, ask, get, login, send

from dinnerkit.capacity import MIX

MOST_BUSY, MIXED_CONNECTIONS, MIXED_SECONDS = 0.8, 256, 10
SATURATING = 10_000
"""Requests by which it is found how many a second are answered."""


def journeys(measured: Sequence[Contender], stood_on: Behind, visitors: Sequence[str]) -> dict[str, Any]:
    """Each at a part of what it can do, and at that part of what the slowest of them can."""
    begun = {one.name: Journey(one, stood_on, visitors) for one in measured}
    slowest = MOST_BUSY * min(journey.most for journey in begun.values())
    return {
        name: {"saturation_rps": journey.most, "own_pace": journey.at(MOST_BUSY * journey.most), "same_pace": journey.at(slowest)}
        for name, journey in begun.items()
    }


class Journey:
    """The mixed journey of one contender: its requests, how many of them it answers a second, and how it fares at a pace."""

    def __init__(self, one: Contender, stood_on: Behind, visitors: Sequence[str]) -> None:
        self._one = one
        self._stood_on = stood_on
        self._of: dict[str, Iterator[Request]] = {
            "kept": cycle([get(LISTED.format(14)), get(f"/v1/events/{one.events[0]}")]),
            "not_modified": cycle([one.known()]),
            "uncached": cycle([get("/v1/bookings", Authorization=f"Bearer {token}") for token in one.tokens]),
            "booking": one.pairs,
            "login": cycle([login(visitor) for visitor in visitors]),
        }
        full = send(one.port, self._requests(SATURATING), CONNECTIONS)
        self.most = len(full.took) / full.seconds

    def at(self, pace: float) -> dict[str, Any]:
        """What so many requests a second cost and how long they take."""
        before, idle_before = _processors()
        asked = ask(self._one.pid, self._one.port, self._stood_on, self._requests(int(pace * MIXED_SECONDS)), MIXED_CONNECTIONS, pace)
        after, idle_after = _processors()
        return {
            "rps": pace,
            "cpu_us": asked.micros(asked.web),
            "p50_ms": asked.percentile(0.5),
            "p99_ms": asked.percentile(0.99),
            "slowest_ms": asked.percentile(1),
            "busy": 1 - (idle_after - idle_before) / (after - before),
            "statuses": dict(asked.statuses),
        }

    def _requests(self, count: int) -> list[Request]:
        """So many, of each kind its share."""
        due = dict.fromkeys(MIX, 0.0)
        found = []
        for _ in range(count):
            for kind, share in MIX.items():
                due[kind] += share
            kind = max(due, key=lambda name: due[name])
            due[kind] -= 1
            found.append(next(self._of[kind]))
        return found


def _processors() -> tuple[int, int]:
    """Ticks of all processors since the start, and those of them in which they had nothing to do, or waited for a disk."""
    ticks = [int(one) for one in Path("/proc/stat").read_text("ascii").split(maxsplit=9)[1:9]]
    return sum(ticks), ticks[3] + ticks[4]

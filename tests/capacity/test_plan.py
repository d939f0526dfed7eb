"""More load never takes less, every number can be counted by hand, and the bill is its lines."""

from __future__ import annotations

import math
from dataclasses import asdict, replace
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dinnerkit.capacity import KINDS, MIX, Load, Plan, plan, shipped_figures, shipped_prices
from dinnerkit.capacity.billing import bill_of
from dinnerkit.errors import Invalid

FIGURES, PRICES = shipped_figures(), shipped_prices()
SHARES = st.lists(st.integers(0, 1000), min_size=len(KINDS), max_size=len(KINDS)).filter(any)
LOADS = st.builds(
    lambda shares, **rest: Load(mix={kind: share / sum(shares) for kind, share in zip(KINDS, shares, strict=True)}, **rest),
    SHARES,
    users=st.integers(0, 5_000_000),
    rps=st.floats(0, 500_000),
    live=st.floats(0, 1),
    messages=st.floats(0, 60),
    utilisation=st.floats(0.05, 1),
    zones=st.integers(1, 5),
)


def counts(planned: Plan) -> dict[str, float]:
    """Everything that may only grow."""
    parts = {"app": planned.app, "database": planned.database, "redis": planned.redis}
    found = {f"{part}.{name}": value for part, row in parts.items() for name, value in asdict(row).items()}
    return found | {"sent": planned.sent_gb, "bill": planned.bill.cents}


@given(LOADS, st.integers(0, 1_000_000), st.floats(0, 100_000))
def test_more_people_or_requests_never_take_less(load: Load, people: int, requests: float):
    less = counts(plan(load, FIGURES, PRICES))
    more = counts(plan(replace(load, users=load.users + people, rps=load.rps + requests), FIGURES, PRICES))
    assert all(more[name] >= value or math.isclose(more[name], value) for name, value in less.items())


@given(LOADS)
def test_what_is_planned_carries_the_load_also_with_one_zone_away(load: Load):
    planned = plan(load, FIGURES, PRICES)
    app, server = planned.app, PRICES.servers["app"]
    busy = app.web_cores + app.work_cores + app.live_cores + app.router_cores
    slack = 1 + 1e-9
    assert busy <= app.servers * server.vcpus * load.utilisation * slack
    assert app.ram_gb <= app.servers * server.ram_gb * 0.75 * slack
    assert app.servers % load.zones == 0
    if load.zones > 1:
        left = app.servers - app.servers // load.zones
        assert busy <= left * server.vcpus * 0.9 * slack
        assert app.ram_gb <= left * server.ram_gb * slack
    assert load.sockets <= app.live_processes * FIGURES.live.connections
    assert planned.database.hot_gb <= planned.database.shards * PRICES.servers["mongodb"].ram_gb * 0.5 * slack
    assert planned.redis.cores <= planned.redis.primaries * load.utilisation * slack


@given(LOADS)
def test_the_bill_is_the_sum_of_its_lines_in_whole_cents(load: Load):
    bill = plan(load, FIGURES, PRICES).bill
    assert bill.cents == sum(line.cents for line in bill.lines)
    assert all(isinstance(line.cents, int) and line.cents >= 0 for line in bill.lines)


def test_traffic_is_paid_by_tiers():
    def traffic(gb: float) -> int:
        return bill_of(PRICES, [], stored_gb=0, sent_gb=gb, connections=0).lines[-1].cents

    assert traffic(10_000) == 90_000
    assert traffic(10_240) == 92_160
    assert traffic(10_241) == 92_160 + 9  # 8.5 cents, rounded up
    assert traffic(200_000) == 92_160 + 348_160 + 716_800 + 232_000


def test_the_numbers_are_those_that_one_counts_by_hand():
    load = Load(users=100_000, rps=10_000, mix={**dict.fromkeys(KINDS, 0.0), "kept": 0.9, "login": 0.1}, live=0.5, messages=6)
    costs = {kind: replace(cost, web_us=100, mongodb_us=0, redis_us=10, bytes=1000) for kind, cost in FIGURES.requests.items()}
    costs["login"] = replace(costs["login"], web_us=20_000, mongodb_us=800)
    figures = replace(
        FIGURES,
        requests=costs,
        process=replace(FIGURES.process, rss_mb=100, mongodb_pool=50, mongodb_ms=15),
        live=replace(FIGURES.live, connections=20_000, kb_each=10, message_us=40, ping_us=50, ping_seconds=25),
    )
    planned = plan(load, figures, PRICES)
    assert planned.app.web_cores == pytest.approx(9_000 * 100e-6 + 1_000 * 20_000e-6)
    assert planned.app.web_processes == math.ceil(20.9 / 0.6)
    assert planned.app.live_cores == pytest.approx(50_000 * 6 / 60 * 40e-6 + 50_000 / 25 * 50e-6)
    assert planned.app.live_processes == 3
    assert planned.app.ram_gb == pytest.approx((38 * 100 + 50_000 * 10 / 1000) / 1000)
    assert planned.app.servers == 6  # (20.9 + .3 + .24) / .6 / 8 is 4.5
    assert (planned.database.cores, planned.database.shards) == (pytest.approx(0.8), 1)
    assert planned.database.connections == math.ceil(max(38, 1_000 * 0.015 / 0.6))
    assert planned.database.connections_most == 38 * 50
    assert (planned.redis.primaries, planned.redis.servers) == (1, 2)
    assert planned.sent_gb == pytest.approx(10_000 * 1000 * 0.25 * 730 * 3600 / 1e9)


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"mix": {**MIX, "kept": 0.9}}, "the shares of the mix are 1.12 together, and not 1"),
        ({"mix": {"kept": 1.0}}, "the mix has a share for each of"),
        ({"mix": {**MIX, "kept": math.nan}}, "kept: nan is not between 0 and 1"),
        ({"users": -1}, "users: -1 is not between"),
        ({"rps": math.inf}, "rps: inf is not between"),
        ({"utilisation": 0}, "utilisation: 0 is not between"),
        ({"zones": 0}, "zones: 0 is not between"),
    ],
)
def test_a_load_that_makes_no_sense_is_refused(wrong: dict[str, Any], said: str):
    with pytest.raises(Invalid, match=said):
        Load(**({"users": 1, "rps": 1.0} | wrong))


def test_prices_are_exact():
    assert PRICES.servers["app"].hour == Decimal("0.3264")

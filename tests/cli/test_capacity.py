"""``capacity``."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import dinnerkit.capacity
from tests.cli.running import Run

SHIPPED = Path(dinnerkit.capacity.__file__).parent


def test_it_tells_servers_their_formulas_the_bill_and_what_was_assumed(run: Run):
    ended = run("capacity", "--users", "1000000", "--rps", "100000")
    assert (ended.code, ended.err) == (0, "")
    for said in ("app servers", "WebSocket processes", "MongoDB: shards", "Redis: primaries", "of 27,300", "Assumed:", "× 730 h ×", "2026"):
        assert said in ended.out


def test_for_programs_it_is_json_and_own_prices_count(run: Run, tmp_path: Path):
    shipped = json.loads(run("capacity", "--users", "5000", "--rps", "900", "--json").out)
    dearer = (SHIPPED / "prices.toml").read_text("utf-8").replace("hour = 0.3264", "hour = 0.6528").replace('"USD"', '"EUR"')
    (tmp_path / "dear.toml").write_text(dearer, "utf-8")
    own = json.loads(run("capacity", "--users", "5000", "--rps", "900", "--prices", "dear.toml", "--json").out)
    lines = [{line["what"]: line["cents"] for line in found["bill"]["lines"]} for found in (shipped, own)]
    assert abs(lines[1]["app servers"] - 2 * lines[0]["app servers"]) <= 1
    assert (own["bill"]["currency"], own["app"]) == ("EUR", shipped["app"])
    assert shipped["bill"]["cents"] == sum(lines[0].values())


def test_figures_of_ones_own_benchmark_replace_the_shipped_ones(run: Run, tmp_path: Path):
    names = ("GET list, kept", "GET list, kept, 304", "GET one's own bookings, 2", "POST booking, free", "POST login")
    rows = {name: {"web_us": 1000.0, "mongodb_us": 10, "redis_us": 1} for name in names}
    (tmp_path / "bench").mkdir()
    (tmp_path / "bench" / "journey_cpu.json").write_text(json.dumps({"rows": rows}), "utf-8")
    found = json.loads(run("capacity", "--users", "0", "--rps", "1000", "--figures", "bench", "--json").out)
    assert found["app"]["web_cores"] == pytest.approx(1.0)
    assert any("journey_cpu of bench" in line for line in found["assumptions"])
    (tmp_path / "live_connections.json").write_text(
        json.dumps({"rows": {"connections": 10, "kb_each": 1, "message_us": 1, "ping_us": 1}}), "utf-8"
    )
    found = json.loads(run("capacity", "--users", "95", "--rps", "1", "--figures", "live_connections.json", "--json").out)
    assert found["app"]["live_processes"] == 10


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("x = [", "own.toml: "),
        ("", "own.toml: date is missing"),
        ('date = "d"\nsource = "s"\ncurrency = "c"\n', "own.toml: [servers] is missing"),
    ],
)
def test_prices_that_cant_be_used_are_one_line_and_exit_code_2(run: Run, tmp_path: Path, content: str, said: str):
    (tmp_path / "own.toml").write_text(content, "utf-8")
    ended = run("capacity", "--users", "1", "--rps", "1", "--prices", "own.toml")
    assert (ended.code, ended.out, ended.err.count("\n")) == (2, "", 1)
    assert said in ended.err


@pytest.mark.parametrize(
    ("was", "now", "said"),
    [
        ("kept]\nweb_us = ", "kept]\nweb_us = -", "requests.kept: web_us: -"),
        ("kept]\n", "kept]\nextra = 1\n", "requests.kept: unknown extra"),
        ("kb_each", "#", "live: kb_each is missing"),
        ("rss_mb = ", "rss_mb = nan #", "process: rss_mb: "),
        ("[stored]", "[other]", "unknown other"),
    ],
)
def test_figures_that_cant_be_used_name_what_is_wrong(run: Run, tmp_path: Path, was: str, now: str, said: str):
    shipped = (SHIPPED / "figures.toml").read_text("utf-8")
    assert was in shipped
    (tmp_path / "own.toml").write_text(shipped.replace(was, now, 1), "utf-8")
    ended = run("capacity", "--users", "1", "--rps", "1", "--figures", "own.toml")
    assert (ended.code, ended.err.count("\n")) == (2, 1)
    assert said in ended.err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--users", "1", "--rps", "1", "--login", "0.5"), "the shares of the mix are"),
        (("--users", "-1", "--rps", "1"), "--users"),
        (("--users", "1", "--rps", "nan"), "rps: nan"),
        (("--users", "1", "--rps", "1", "--figures", "nowhere"), "nowhere: No such file"),
        (("--users", "1", "--rps", "1", "--figures", "."), "no figures of journey_cpu.json or live_connections.json"),
        (("--users", "1"), "Missing option '--rps'"),
    ],
)
def test_what_makes_no_sense_is_one_line_and_exit_code_2(run: Run, arguments: tuple[str, ...], said: str):
    ended = run("capacity", *arguments)
    assert (ended.code, ended.out, ended.err.count("\n")) == (2, "", 1)
    assert said in ended.err

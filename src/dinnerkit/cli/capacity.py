"""``dinnerkit capacity``."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from dinnerkit.capacity import (
    KINDS,
    MIX,
    Bill,
    Figures,
    Load,
    Plan,
    Prices,
    plan,
    read_figures,
    read_prices,
    shipped_figures,
    shipped_prices,
)
from dinnerkit.capacity.telling import assumptions, steps
from dinnerkit.cli.output import say_table

_BUDGET = 27_300
_SERVERS = 50
_WHAT = {
    "kept": "answers that the fast lane has",
    "not_modified": "the same, as a 304",
    "uncached": "answers that are made anew",
    "booking": "bookings",
    "login": "sign-ins with a password",
}
_MIX_HELP = "Share of requests that are {}."


def _mix_options(command: Callable[..., None]) -> Callable[..., None]:
    for kind in reversed(KINDS):
        name = f"--{kind.replace('_', '-')}"
        add = click.option(name, type=click.FloatRange(0, 1), default=MIX[kind], show_default=True, help=_MIX_HELP.format(_WHAT[kind]))
        command = add(command)
    return command


@click.command("capacity")
@click.option("--users", type=click.IntRange(0), required=True, help="People who are connected at the same time.")
@click.option("--rps", type=click.FloatRange(0), required=True, help="Requests a second, at the busiest moment.")
@_mix_options
@click.option("--live", type=click.FloatRange(0, 1), default=1.0, show_default=True, help="Share of the people who hold a WebSocket.")
@click.option("--messages", type=click.FloatRange(0), default=1.0, show_default=True, help="What each WebSocket is sent a minute.")
@click.option("--accounts", type=click.FloatRange(0), default=10.0, show_default=True, help="Accounts for each who is connected.")
@click.option("--bookings", type=click.FloatRange(0), default=12.0, show_default=True, help="Bookings that are kept of each account.")
@click.option("--mean", type=click.FloatRange(0, 1), default=0.25, show_default=True, help="The month's mean, as a share of that moment.")
@click.option("--utilisation", type=click.FloatRange(0, 1), default=0.6, show_default=True, help="How busy processors may be.")
@click.option("--zones", type=click.IntRange(1, 1000), default=3, show_default=True, help="Zones, of which one may be away.")
@click.option("--processes-per-pod", type=click.IntRange(1, 1000), default=4, show_default=True, help="Processes that are deployed as one.")
@click.option("--budget", type=click.IntRange(0), default=_BUDGET, show_default=True, help="What a month may cost.")
@click.option("--figures", "figures_at", metavar="PATH", type=click.Path(path_type=Path), help="Your own, in TOML or by nox -s bench.")
@click.option("--prices", "prices_at", metavar="FILE", type=click.Path(path_type=Path), help="Your own prices, in TOML.")
@click.option("--json", "as_json", is_flag=True, help="For programs.")
def command(budget: int, figures_at: Path | None, prices_at: Path | None, as_json: bool, **load: Any) -> None:
    """Count the servers and the bill that a load takes.

    It is arithmetic on measured figures: what each kind of request costs in CPU, what a process and a WebSocket take in memory. Ours come
    with dinnerkit, with their date and machine; --figures takes those of your own machine. Every formula and assumption is shown.
    """
    figures = read_figures(figures_at) if figures_at else shipped_figures()
    prices = read_prices(prices_at) if prices_at else shipped_prices()
    wanted = Load(mix={kind: load.pop(kind) for kind in KINDS}, **load)
    planned = plan(wanted, figures, prices)
    if as_json:
        click.echo(json.dumps(_as_json(planned, wanted, figures, prices, budget), indent=2))
    else:
        _show(planned, wanted, figures, prices, budget)


def _show(planned: Plan, load: Load, figures: Figures, prices: Prices, budget: int) -> None:
    app = planned.app
    click.echo(f"{load.users:,} people, {load.rps:,.0f} requests a second\n")
    say_table(steps(planned, load, figures, prices))
    click.echo(f"\nA month, in {planned.bill.currency}\n")
    say_table([(line.what, f"{line.cents / 100:>12,.2f}", line.how) for line in planned.bill.lines])
    click.echo(f"\n{_verdict(planned.bill, budget)}; {app.servers:,} app servers ({_SERVERS} are meant to do).\n")
    click.echo("Assumed:")
    for line in assumptions(load, figures, prices):
        click.echo(f"- {line}")


def _verdict(bill: Bill, budget: int) -> str:
    total, left = bill.cents / 100, budget - bill.cents / 100
    return f"In all {total:,.2f} of {budget:,}: {abs(left):,.2f} {'left' if left >= 0 else 'too much'}"


def _as_json(planned: Plan, load: Load, figures: Figures, prices: Prices, budget: int) -> dict[str, Any]:
    bill = planned.bill
    return {
        "load": {**asdict(load), "mix": dict(load.mix)},
        "app": {**asdict(planned.app), "processes": planned.app.processes},
        "database": asdict(planned.database),
        "redis": asdict(planned.redis),
        "traffic_gb": planned.sent_gb,
        "bill": {
            "currency": bill.currency,
            "lines": [asdict(line) for line in bill.lines],
            "cents": bill.cents,
            "budget_cents": budget * 100,
        },
        "steps": [{"what": what, "value": value, "how": how} for what, value, how in steps(planned, load, figures, prices)],
        "assumptions": assumptions(load, figures, prices),
    }

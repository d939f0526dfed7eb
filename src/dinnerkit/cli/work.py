"""``dinnerkit work``."""

from __future__ import annotations

import re
import signal
import threading

import click

from dinnerkit.kit import Kit
from dinnerkit.ports.queue import QUEUES
from dinnerkit.serving.lifeline import end_with
from dinnerkit.serving.logs import configure_logs
from dinnerkit.settings import Settings
from dinnerkit.worker import Worker

_MOST = 256


def _shares(ctx: click.Context, parameter: click.Parameter, values: tuple[str, ...]) -> dict[str, int]:
    """``NAME=CONCURRENCY`` each: a named queue, and how many of its tasks run side by side."""
    shares = {}
    for value in values:
        match = re.fullmatch(r"(\w+)=(\d{1,4})", value)
        if match is None or match[1] not in QUEUES or not 1 <= int(match[2]) <= _MOST:
            names = ", ".join(QUEUES)
            why = f"{value!r} is not NAME=CONCURRENCY, with a queue ({names}) and a number from 1 to {_MOST}"
            raise click.BadParameter(why, ctx, parameter)
        shares[match[1]] = int(match[2])
    return shares


@click.command("work")
@click.option(
    "--queue",
    "queues",
    metavar="NAME=CONCURRENCY",
    multiple=True,
    callback=_shares,
    help="A queue to work on, and how many of its tasks run side by side; may be repeated. Default: all queues.",
)
@click.option("--parent", type=int, hidden=True, help="End with this process.")
def command(queues: dict[str, int], parent: int | None) -> None:
    """Run the background work: mails, payments, seating, sweeps.

    SIGTERM, or Ctrl-C, lets the running tasks end and then exits with 0; a second one ends it at once.
    """
    if parent is not None:
        end_with(parent)
    settings = Settings.load()
    configure_logs(settings)
    stop = threading.Event()

    def ask_to_stop(number: int, _frame: object) -> None:
        signal.signal(number, signal.SIG_DFL)
        stop.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, ask_to_stop)
    kit = Kit.open(settings)
    try:
        Worker(kit, queues or QUEUES).run(stop)
    finally:
        kit.close()

"""``dinnerkit work``."""

from __future__ import annotations

import os
import signal
import sys
import threading

import click

from dinnerkit.errors import SettingError
from dinnerkit.kit import Kit
from dinnerkit.queues import MOST_AT_ONCE, queue_shares
from dinnerkit.serving.lifeline import end_with
from dinnerkit.serving.logs import configure_logs
from dinnerkit.settings import Settings
from dinnerkit.worker import Worker


def _shares(ctx: click.Context, parameter: click.Parameter, values: tuple[str, ...]) -> dict[str, int]:
    """``NAME`` or ``NAME=CONCURRENCY`` each: a named queue, and how many of its jobs run side by side."""
    try:
        return queue_shares(values)
    except SettingError as error:
        raise click.BadParameter(error.message, ctx, parameter) from error


@click.command("work")
@click.option(
    "--queue",
    "queues",
    metavar="NAME[=CONCURRENCY]",
    multiple=True,
    callback=_shares,
    help=f"A queue to work on, and how many of its jobs run side by side (1 to {MOST_AT_ONCE}); may be repeated. "
    "Default: those of DINNERKIT_QUEUES, else all.",
)
@click.option("--parent", type=int, hidden=True, help="End with this process.")
def command(queues: dict[str, int], parent: int | None) -> None:
    """Run the background work: mails, payments, seating, sweeps.

    SIGTERM, or Ctrl-C, lets the running jobs end, for DINNERKIT_DRAIN_SECONDS at most, and then exits with 0; a second one ends it at
    once. What could not end is run again by another worker.
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
        all_ended = Worker(kit, queues or None).run(stop)
    finally:
        kit.close()
    if not all_ended:
        sys.stderr.flush()
        os._exit(0)  # at the usual end the interpreter might wait for the jobs that were given up

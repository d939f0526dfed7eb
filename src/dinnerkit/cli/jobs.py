"""``dinnerkit jobs``."""

from __future__ import annotations

import json
from typing import Any

import click

from dinnerkit.cli.moments import moment_shown
from dinnerkit.cli.output import say_table
from dinnerkit.delivery.jobs import MOST_SHOWN, STATES, Jobs, State
from dinnerkit.delivery.service import DeliveryService
from dinnerkit.kit import Kit
from dinnerkit.queues import QUEUES
from dinnerkit.settings import Settings

_as_json = click.option("--json", "as_json", is_flag=True, help="One JSON object a line.")


@click.group("jobs")
def command() -> None:
    """See what the background work does, queue by queue."""


@command.command("queues")
@_as_json
def queues(as_json: bool) -> None:
    """List the queues: what waits or runs, the age of the oldest, and what became of the rest."""
    with Kit.open(Settings.load()) as kit:
        found = Jobs(kit.service(DeliveryService)).queues()
    if as_json:
        for queue in found:
            click.echo(json.dumps(queue))
        return
    names = ("name", "backlog", "age_seconds", "dead_letters", "finished", "failed", "retried")
    rows = [tuple(str(queue[name]) for name in names) for queue in found]
    say_table([("QUEUE", "BACKLOG", "OLDEST (S)", "DEAD LETTERS", "FINISHED", "FAILED", "RETRIED"), *rows])


@command.command("list")
@click.option("--queue", type=click.Choice(list(QUEUES)), help="The jobs of this queue alone. Default: of all.")
@click.option("--state", type=click.Choice(STATES), default="waiting", show_default=True, help="What became of them.")
@click.option("--limit", type=click.IntRange(1, MOST_SHOWN), default=20, show_default=True, help="So many of each queue at most.")
@_as_json
def list_jobs(queue: str | None, state: State, limit: int, as_json: bool) -> None:
    """List jobs: the oldest that wait or run, or the last that finished or failed for good.

    Of each queue the last 100 that finished are known, and the last 50 that failed.
    """
    with Kit.open(Settings.load()) as kit:
        jobs = Jobs(kit.service(DeliveryService))
        found = [{"queue": name} | job for name in ([queue] if queue else QUEUES) for job in jobs.of(name, state, limit)]
    if as_json:
        for job in found:
            click.echo(json.dumps(job, default=moment_shown))
    elif found:
        rows = [(job["queue"], _when(job), job["handler"], str(job["attempts"]), job["error"] or "", job["id"]) for job in found]
        say_table([("QUEUE", "NEXT" if state == "waiting" else "SINCE", "JOB", "ATTEMPTS", "ERROR", "ID"), *rows])
    else:
        click.echo(f"none is {state}")


def _when(job: dict[str, Any]) -> str:
    return moment_shown(job.get("next_at") or job["ended_at"] or job["created_at"])

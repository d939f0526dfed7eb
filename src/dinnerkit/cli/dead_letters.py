"""``dinnerkit dead-letters``."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import click

from dinnerkit.cli.moments import moment_shown
from dinnerkit.cli.output import say_table
from dinnerkit.delivery.service import DeliveryService
from dinnerkit.kit import Kit
from dinnerkit.queues import QUEUES
from dinnerkit.settings import Settings
from dinnerkit.storage import Row

_PAGE = 100
_ERROR_SHOWN = 80

_of_queue = click.option("--queue", type=click.Choice(list(QUEUES)), help="Those of this queue alone.")


@click.group("dead-letters")
def command() -> None:
    """Look after what could not be delivered."""


@command.command("list")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line, with the data of each.")
@_of_queue
def list_letters(as_json: bool, queue: str | None) -> None:
    """List the dead letters, oldest first."""
    with Kit.open(Settings.load()) as kit:
        letters = _all(kit.service(DeliveryService), queue)
        if as_json:
            for letter in letters:
                click.echo(_json(letter))
            return
        rows = [(letter["_id"], moment_shown(letter["died_at"]), letter["handler"], letter["error"][:_ERROR_SHOWN]) for letter in letters]
    if rows:
        say_table([("ID", "DIED", "HANDLER", "ERROR"), *rows])
    else:
        click.echo("none: everything was delivered")


@command.command("show")
@click.argument("letter_id", metavar="ID")
def show(letter_id: str) -> None:
    """Show a dead letter with its data and its whole error, in JSON."""
    with Kit.open(Settings.load()) as kit:
        click.echo(_json(kit.service(DeliveryService).dead_letter(letter_id), indent=2))


@command.command("retry")
@click.argument("letter_id", metavar="[ID]", required=False)
@click.option("--all", "every", is_flag=True, help="All that there are now.")
@_of_queue
def retry(letter_id: str | None, every: bool, queue: str | None) -> None:
    """Deliver a dead letter again, with all its attempts before it; a worker does it."""
    with Kit.open(Settings.load()) as kit:
        deliveries = kit.service(DeliveryService)
        chosen = _chosen(deliveries, letter_id, every=every, queue=queue)
        for letter in chosen:
            deliveries.retry(letter)
    click.echo(f"{len(chosen)} will be delivered again")


@command.command("discard")
@click.argument("letter_id", metavar="[ID]", required=False)
@click.option("--all", "every", is_flag=True, help="All that there are now.")
@_of_queue
def discard(letter_id: str | None, every: bool, queue: str | None) -> None:
    """Forget a dead letter."""
    with Kit.open(Settings.load()) as kit:
        deliveries = kit.service(DeliveryService)
        chosen = _chosen(deliveries, letter_id, every=every, queue=queue)
        for letter in chosen:
            deliveries.discard(letter)
    click.echo(f"{len(chosen)} forgotten")


def _chosen(deliveries: DeliveryService, letter_id: str | None, *, every: bool, queue: str | None) -> list[str]:
    if every == (letter_id is not None) or (queue and not every):
        raise click.UsageError("name one dead letter, or all of them with --all, or --all --queue NAME")
    return [letter["_id"] for letter in _all(deliveries, queue)] if letter_id is None else [letter_id]


def _all(deliveries: DeliveryService, queue: str | None) -> Iterator[Row]:
    after = None
    while letters := deliveries.dead_letters(limit=_PAGE, after=after, queue=queue):
        yield from letters
        after = (letters[-1]["died_at"], letters[-1]["_id"])


def _json(letter: Row, **options: Any) -> str:
    shown = {"id": letter["_id"]} | {name: value for name, value in letter.items() if name != "_id"}
    return json.dumps(shown, default=moment_shown, ensure_ascii=False, **options)

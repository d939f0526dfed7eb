"""``dinnerkit search``."""

from __future__ import annotations

import click

from dinnerkit.kit import Kit
from dinnerkit.search.indexing import Indexing
from dinnerkit.settings import Settings


@click.group("search")
def command() -> None:
    """Look after the search index."""


@command.command("rebuild")
def rebuild() -> None:
    """Make the index anew from the events. Safe to repeat, also while the app runs: nothing is missing meanwhile."""
    with Kit.open(Settings.load()) as kit:
        count = kit.service(Indexing).rebuild()
    click.echo(f"the index has {count} {'event' if count == 1 else 'events'}")

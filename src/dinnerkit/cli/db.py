"""``dinnerkit db``."""

from __future__ import annotations

import click

from dinnerkit.kit import Kit
from dinnerkit.settings import Settings


@click.group("db")
def command() -> None:
    """Prepare the database."""


@command.command("init")
def init() -> None:
    """Create the indexes that are missing. Safe to repeat, also while the app runs."""
    with Kit.open(Settings.load()) as kit:
        names = kit.ensure_indexes()
    click.echo(f"the database has its {len(names)} indexes")

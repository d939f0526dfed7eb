"""``dinnerkit db``."""

from __future__ import annotations

from contextlib import closing

import click

from dinnerkit.errors import SettingError
from dinnerkit.kit import Kit
from dinnerkit.plugins import open_backend
from dinnerkit.ports.urls import parse_url
from dinnerkit.settings import Settings
from dinnerkit.shards import SHARD_KEYS, shell_lines, spread


@click.group("db")
def command() -> None:
    """Prepare the database."""


@command.command("init")
@click.option("--sharded", is_flag=True, help="Spread the collections over the shards of a cluster too; its URL names a mongos.")
@click.option("--print", "told", is_flag=True, help="With --sharded: print the commands for mongosh, and do nothing.")
def init(sharded: bool, told: bool) -> None:
    """Create the indexes that are missing. Safe to repeat, also while the app runs."""
    if told and not sharded:
        raise click.UsageError("--print goes with --sharded")
    settings = Settings.load()
    if sharded and parse_url(settings.database).scheme == "embedded":
        raise SettingError("database: an embedded MongoDB is no sharded cluster; DINNERKIT_DATABASE names a mongos")
    if told:
        with closing(open_backend("database", settings.backend_url("database"))) as backend:
            click.echo("\n".join(shell_lines(backend.database.name)))
        return
    with Kit.open(settings) as kit:
        names = kit.ensure_indexes()
        click.echo(f"the database has its {len(names)} indexes")
        if sharded:
            done = spread(kit.database)
            click.echo(f"{len(SHARD_KEYS)} collections are spread over the shards; new: {', '.join(done) or 'none'}")

"""``dinnerkit search``."""

from __future__ import annotations

import click

from dinnerkit.kit import Kit
from dinnerkit.search.indexing import Indexing
from dinnerkit.search.people import PeopleIndexing
from dinnerkit.settings import Settings


@click.group("search")
def command() -> None:
    """Look after the search index."""


@command.command("rebuild")
def rebuild() -> None:
    """Make the index anew from the events, and from the people who agreed. Safe to repeat, also while the app runs: nothing is missing."""
    with Kit.open(Settings.load()) as kit:
        count = kit.service(Indexing).rebuild()
        click.echo(f"the index has {count} {'event' if count == 1 else 'events'}")
        people = kit.service(PeopleIndexing).rebuild()
        if people is not None:
            click.echo(f"and {people} {'person who agreed' if people == 1 else 'people who agreed'} to be found")

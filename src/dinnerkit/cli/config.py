"""``dinnerkit config``."""

from __future__ import annotations

import click

from dinnerkit.cli.output import say_table
from dinnerkit.settings import Settings


@click.command("config")
def command() -> None:
    """Show the settings in force, and where each came from.

    Secrets, and passwords in URLs, are masked. A wrong setting ends with exit code 2 and says which.
    """
    shown = Settings.load().shown()
    say_table([("SETTING", "FROM", "VALUE"), *((name, origin, value) for name, (value, origin) in shown.items())])

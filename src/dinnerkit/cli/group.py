"""The root of the command line, which imports a command only when it is called."""

from __future__ import annotations

import os
from importlib import import_module

import click

COMMANDS = {
    "demo": "Try it all out: real data, real services, one command.",
    "serve": "Serve the app over HTTP.",
    "work": "Run the background work: mails, payments, seating, sweeps.",
    "match": "Seat the people of FILE at tables; needs no server.",
    "capacity": "Count the servers and the bill that a load takes.",
    "config": "Show the settings in force, and where each came from.",
    "plugins": "List the backends that are installed, and the packages with jobs of their own.",
    "new-plugin": "Write a package with a backend of your own to begin with.",
    "check": "Reach every backend, and say what is wrong with them or the settings.",
    "ledger": "Prove the ledger, and write statements from it.",
    "reconcile": "Compare payments, payouts and ledger with what the gateway says.",
    "disputes": "Look after payments that guests' banks have taken back.",
    "refunds": "Look after refunds that the gateway could not make.",
    "jobs": "See what the background work does, queue by queue.",
    "dead-letters": "Look after what could not be delivered.",
    "db": "Prepare the database.",
    "search": "Look after the search index.",
    "user": "Make users.",
}
"""The commands in the order of their listing; each is ``command`` in the module of its name, with ``_`` for ``-``."""


def module_of(command: str) -> str:
    """The module of a command."""
    return command.replace("-", "_")


class LazyGroup(click.Group):
    """A group whose commands are imported when they are called, so that ``match`` need not pay for Flask."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The names of the commands."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command of that name, imported now."""
        if cmd_name not in COMMANDS:
            return None
        command: click.Command = import_module(f"dinnerkit.cli.{module_of(cmd_name)}").command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the commands without importing them."""
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))


def _debug(ctx: click.Context, parameter: click.Parameter, value: bool) -> None:
    if value:
        os.environ["DINNERKIT_DEBUG"] = "1"


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(package_name="dinnerkit", prog_name="dinnerkit", message="%(prog)s %(version)s")
@click.option("--traceback", is_flag=True, expose_value=False, callback=_debug, help="Show where an error came from.")
def root() -> None:
    """Dinners among strangers: booking, payment, and seating people who are likely to enjoy each other.

    Settings are read from DINNERKIT_… variables, or from the TOML file that DINNERKIT_SETTINGS names; none is needed to start.
    """

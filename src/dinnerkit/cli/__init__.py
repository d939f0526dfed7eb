"""The ``dinnerkit`` command: one module for each subcommand, imported when it is called.

Exit codes: 0 it worked; 1 a backend is down, or a check found something wrong; 2 the usage, a setting or the input is wrong; 3 an error
that is dinnerkit's own fault; 130 interrupted.
"""

from __future__ import annotations

import os
from collections.abc import Sequence

import click

from dinnerkit.cli.group import root
from dinnerkit.cli.output import say_error
from dinnerkit.errors import DinnerkitError, Unavailable

__all__ = ["main"]

DOWN, WRONG, BUG, INTERRUPTED = 1, 2, 3, 130


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command line and return its exit code; what goes wrong is one line on stderr.

    Args:
        arguments: instead of the process's own.
    """
    try:
        code = root.main(args=arguments, prog_name="dinnerkit", standalone_mode=False)
    except Exception as error:
        if os.environ.get("DINNERKIT_DEBUG") and not isinstance(error, (click.ClickException, click.Abort)):
            raise
        line, code = _explained(error)
        say_error(line)
    return code or 0


def _explained(error: Exception) -> tuple[str, int]:
    match error:
        case click.Abort():
            return "interrupted", INTERRUPTED
        case click.UsageError():
            where = error.ctx.command_path if error.ctx else "dinnerkit"
            return f"{error.format_message()} (see: {where} --help)", WRONG
        case click.ClickException():
            return error.format_message(), WRONG
        case DinnerkitError():
            fields = [f"{name}: {why}" for name, why in error.details.get("fields", {}).items()]
            return " ".join([error.message, *fields]), DOWN if isinstance(error, Unavailable) else WRONG
        case _:
            return f"unexpected {type(error).__name__}: {error} (DINNERKIT_DEBUG=1 shows where)", BUG

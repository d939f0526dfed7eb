"""What the commands print: results to stdout, everything else to stderr."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import click


def say_error(line: str) -> None:
    """One line on stderr that says what went wrong."""
    click.echo(f"dinnerkit: {' '.join(line.split())}", err=True)


def say_table(rows: Iterable[Sequence[str]]) -> None:
    """Rows of text on stdout, in columns; the last column may be of any length."""
    table = [list(row) for row in rows]
    if not table:
        return
    widths = [max(len(cell) for cell in column) for column in zip(*table, strict=True)]
    for row in table:
        click.echo("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())

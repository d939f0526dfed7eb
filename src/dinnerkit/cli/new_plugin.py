"""``dinnerkit new-plugin``."""

from __future__ import annotations

import shlex
from pathlib import Path

import click

from dinnerkit.scaffold import KINDS, PluginName, write


@click.command("new-plugin")
@click.argument("kind", type=click.Choice(list(KINDS)))
@click.argument("name")
@click.option("--folder", type=click.Path(path_type=Path), help="Where to write it; default: ./dinnerkit-NAME.")
def command(kind: str, name: str, folder: Path | None) -> None:
    """Write a package with a backend of your own to begin with.

    The backend is of that kind, is chosen by URLs NAME://…, keeps everything in memory, and passes the contract of its kind at once. The
    package has the tests that say so, and can be installed, checked by mypy and ruff, and published. Then let your store take the place of
    the memory.
    """
    named = PluginName(name)
    where = folder or Path(named.distribution)
    write(kind, named, where)
    click.echo(f"{where} is a {KINDS[kind].noun} in memory that passes its contract. Now:")
    click.echo(f'  cd {shlex.quote(str(where))} && python -m venv .venv && .venv/bin/pip install -e ".[dev]" && .venv/bin/pytest')
    click.echo(f"  and replace the body of src/{named.module}/{kind}.py")

"""``dinnerkit plugins``."""

from __future__ import annotations

import click

from dinnerkit.cli.output import say_table
from dinnerkit.plugins import Backend, installed
from dinnerkit.ports.urls import parse_url
from dinnerkit.settings import BACKENDS, Settings


@click.command("plugins")
def command() -> None:
    """List the backends that are installed.

    One line each: its kind, its URL scheme, the package that brings it, whether the settings choose it, and whether it works or why not.
    A scheme that the settings choose and nothing brings is listed as missing.
    """
    settings = Settings.load()
    chosen = {kind: parse_url(getattr(settings, kind)).scheme for kind in BACKENDS}
    found = list(installed())
    rows = [_row(backend, chosen) for backend in found]
    have = {(backend.kind, backend.scheme) for backend in found}
    rows += [(kind, f"{scheme}://", "-", "chosen", "missing") for kind, scheme in chosen.items() if (kind, scheme) not in have]
    say_table([("KIND", "SCHEME", "PACKAGE", "CHOSEN", "STATE"), *rows])


def _row(backend: Backend, chosen: dict[str, str]) -> tuple[str, ...]:
    state = f"{backend.state}: {backend.why}" if backend.why else backend.state
    mark = "chosen" if chosen[backend.kind] == backend.scheme else "-"
    return backend.kind, f"{backend.scheme}://", backend.distribution, mark, state

"""``dinnerkit plugins``."""

from __future__ import annotations

import json
import sys
from contextlib import redirect_stdout
from dataclasses import asdict
from typing import Any

import click

from dinnerkit.cli.output import say_table
from dinnerkit.plugins import JOBS, Backend, installed, shown_name
from dinnerkit.ports.contracts import CONTRACTS
from dinnerkit.ports.urls import parse_url
from dinnerkit.settings import BACKENDS, Settings


@click.command("plugins")
@click.option("--json", "as_json", is_flag=True, help="As JSON, with what each is called in full.")
def command(as_json: bool) -> None:
    """List the backends that are installed, and the packages with jobs of their own.

    One line each: its kind, its URL scheme or name, the package that brings it, the version of its kind's contract that it was built for,
    whether the settings choose it, and whether it works or why not; in brackets what it can do beyond what all of its kind can. What the
    settings choose and nothing brings is listed as missing.
    """
    settings = Settings.load()
    chosen = {(kind, parse_url(getattr(settings, kind)).scheme) for kind in BACKENDS} | {(JOBS, name) for name in settings.plugin_jobs()}
    with redirect_stdout(sys.stderr):  # what plugins print while they are imported is none of the listing
        found = list(installed())
    rows = [_told(backend, chosen) for backend in found]
    have = {(backend.kind, backend.scheme) for backend in found}
    rows += [_missing(kind, scheme) for kind, scheme in sorted(chosen - have)]
    if as_json:
        click.echo(json.dumps(rows, indent=2, ensure_ascii=False))
    else:
        say_table([("KIND", "SCHEME", "PACKAGE", "VERSION", "CONTRACT", "CHOSEN", "STATE"), *(_row(row) for row in rows)])


def _told(backend: Backend, chosen: set[tuple[str, str]]) -> dict[str, Any]:
    return {
        **asdict(backend),
        "why": _one_line(backend.why),
        "present_contract": CONTRACTS.get(backend.kind),
        "remark": _remark(backend),
        "chosen": (backend.kind, backend.scheme) in chosen,
    }


def _missing(kind: str, scheme: str) -> dict[str, Any]:
    nothing = Backend(kind, scheme, "", "", "broken")
    return {**_told(nothing, {(kind, scheme)}), "state": "missing"}


def _remark(backend: Backend) -> str:
    present = CONTRACTS.get(backend.kind)
    if backend.contract is None or present is None or backend.contract == present:
        return ""
    if backend.contract < present:
        return f"built for contract {backend.contract}, and {present} is in force: look for a newer {backend.distribution}"
    return f"built for contract {backend.contract}, and this dinnerkit has {present}: look for a newer dinnerkit"


def _row(told: dict[str, Any]) -> tuple[str, ...]:
    can = ", ".join(told["capabilities"])
    state = ": ".join(part for part in (told["state"], told["why"] or told["remark"]) if part)
    return (
        told["kind"],
        shown_name(told["kind"], told["scheme"]),
        told["distribution"] or "-",
        told["version"] or "-",
        str(told["contract"] or "-"),
        "chosen" if told["chosen"] else "-",
        f"{state} ({can})" if can else state,
    )


def _one_line(text: str) -> str:
    return " ".join(text.split())

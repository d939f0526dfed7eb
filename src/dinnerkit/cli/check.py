"""``dinnerkit check``."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial

import click

from dinnerkit.cli.output import say_table
from dinnerkit.errors import DinnerkitError
from dinnerkit.plugins import check_jobs, open_backend
from dinnerkit.ports.bus import UsesDatabase
from dinnerkit.ports.rates import rates_of
from dinnerkit.ports.urls import mask_url
from dinnerkit.secret_key import secret_key
from dinnerkit.settings import BACKENDS, OTHER_URLS, Settings


@click.command("check")
@click.pass_context
def command(ctx: click.Context) -> None:
    """Reach every backend, and say what is wrong with them or the settings.

    One line each on stdout. Ends with 0 where all answer, with 1 where one does not. An embedded database is started for it.
    """
    settings = Settings.load()
    parts: dict[str, Callable[[], object]] = {
        "secret_key": partial(secret_key, settings),
        "rate_limit": partial(rates_of, settings.rate_limit),
        "jobs": partial(check_jobs, settings.plugin_jobs()),
    }
    urls = {name: settings.backend_url(name) for name in (*BACKENDS, *OTHER_URLS) if getattr(settings, name)}
    for name, url in urls.items():
        parts[name] = partial(_reach, name if name in BACKENDS else "database", url)
    found = {name: _tried(reach) for name, reach in parts.items()}
    rows = []
    for name, (wrong, millis) in found.items():
        where = mask_url(urls.get(name, ""))
        rows.append((name, "down" if wrong else "ok", f"{millis:.0f} ms", wrong or where))
    say_table([("PART", "STATE", "TIME", "DETAIL"), *rows])
    if any(wrong for wrong, _ in found.values()):
        ctx.exit(1)


def _reach(kind: str, url: str) -> None:
    backend = open_backend(kind, url)
    if isinstance(backend, UsesDatabase):
        return  # what there is to reach is the database
    try:
        if kind == "cache":
            backend.set("dinnerkit.check", b"1", 10)
            backend.delete("dinnerkit.check")
        else:
            backend.ping()
    finally:
        if hasattr(backend, "close"):
            backend.close()


def _tried(reach: Callable[[], object]) -> tuple[str, float]:
    """What is wrong, or nothing, and how many milliseconds it took to know."""
    started = time.perf_counter()
    wrong = ""
    try:
        reach()
    except DinnerkitError as error:
        wrong = error.message
    except Exception as error:  # noqa: BLE001 - drivers have errors of their own, and the other parts are to be tried too
        wrong = f"{type(error).__name__}: {error}"
    return " ".join(wrong.split()), (time.perf_counter() - started) * 1000

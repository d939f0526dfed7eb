"""``dinnerkit demo``."""

from __future__ import annotations

import os
from contextlib import closing
from pathlib import Path

import click

from dinnerkit.demo import LOGINS, World, demo_settings, environment, run
from dinnerkit.serving.listener import listen, url_of
from dinnerkit.serving.logs import configure_logs
from dinnerkit.serving.run import serve

_FOLDER = Path("dinnerkit-demo")


@click.command("demo")
@click.option(
    "--data", metavar="DIR", type=click.Path(file_okay=False, path_type=Path), default=_FOLDER, show_default=True, help="Where it lives."
)
@click.option("--bind", metavar="HOST:PORT", default="127.0.0.1:8000", show_default=True, help="Where to listen; port 0 takes a free one.")
@click.option("--exit", "only_summary", is_flag=True, help="End after the summary, and don't serve.")
def command(data: Path, bind: str, only_summary: bool) -> None:
    """Try it all out: real data, real services, one command.

    Loads real people's answers, has them book, pay, cancel and wait by the real services, seats a night in each city, prints what came of
    it, and serves the result. No card, no mail and no network is used. A second run goes on with the same data.
    """
    others = {}
    if not only_summary:
        with closing(listen(bind)) as listener:  # now, rather than after a minute
            others = {} if bind.endswith(":0") else {"public_url": url_of(listener)}
    settings = demo_settings(data, os.environ, **others)
    configure_logs(settings)
    world = run(settings)
    if only_summary:
        return
    os.environ.pop("DINNERKIT_SETTINGS", None)
    os.environ.update(environment(settings))
    serve(settings, bind=bind, workers=1, work=True, ready=lambda address: _welcome(address, world))


def _welcome(address: str, world: World) -> None:
    best = world.figures.best
    click.echo(f"dinnerkit is serving at {address}")
    click.echo(f"  the dinners       {address}/")
    click.echo(f"  a night's tables  {address}/nights/{best.night} ({best.name}: who sits with whom, and why)")
    click.echo(f"  the API           {address}/docs")
    click.echo(f"  sign in as        {', '.join(LOGINS.values())}")
    click.echo(f"  the password      {world.password}")
    if world.stale:
        click.echo("All of its dinners are over by now; remove the folder to have new ones.", err=True)
    click.echo("Ctrl-C ends it; the same command goes on with it.", err=True)

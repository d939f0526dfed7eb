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


@click.command("demo")
@click.option(
    "--data", type=click.Path(path_type=Path, file_okay=False), default="dinnerkit-demo", show_default=True, help="Where it lives."
)
@click.option("--bind", metavar="HOST:PORT", default="127.0.0.1:8000", show_default=True, help="Where to listen; port 0 takes a free one.")
@click.option("--exit", "leave", is_flag=True, help="End after the summary, without serving.")
def command(data: Path, bind: str, leave: bool) -> None:
    """Try it all out: real data, real services, one command.

    Starts everything, moves 2,400 real respondents of a personality test into 12 cities, and lets them book, pay, cancel, wait, and sit
    down together; then prints what came of it, and serves it. Needs no setting and no network. No card and no mail is real.

    A second run goes on with the same data, also after one that was killed. Remove the folder to start anew.
    """
    public = {}
    if not leave:
        with closing(listen(bind)) as listener:  # rather now than after the work
            public = {} if bind.endswith(":0") else {"public_url": url_of(listener)}
    settings = demo_settings(data, os.environ, **public)
    configure_logs(settings)
    world = run(settings)
    if leave:
        return
    os.environ.update(environment(settings))
    serve(settings, bind=bind, workers=1, work=True, ready=lambda address: _say_where(address, world))


def _say_where(address: str, world: World) -> None:
    best = world.figures.best
    lines = [
        f"dinnerkit is serving at {address}",
        f"  the dinners       {address}/",
        f"  a seated night    {address}/nights/{best.night}  ({best.name}: who sits with whom, and why)",
        f"  the API           {address}/docs",
        f"  sign in as        {', '.join(LOGINS.values())}",
        f"  password          {world.password}",
    ]
    if world.stale:
        lines.append("All dinners of this demo are over; remove its folder to start anew.")
    lines.append("Ctrl-C ends it; the same command goes on with the same data.")
    click.echo("\n".join(lines))

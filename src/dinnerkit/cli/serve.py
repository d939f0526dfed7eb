"""``dinnerkit serve``."""

from __future__ import annotations

import click

from dinnerkit.serving.logs import configure_logs
from dinnerkit.serving.run import serve
from dinnerkit.settings import Settings


@click.command("serve")
@click.option("--bind", metavar="HOST:PORT", default="127.0.0.1:8000", show_default=True, help="Where to listen; port 0 takes a free one.")
@click.option("--workers", type=click.IntRange(1, 1024), metavar="N", default=1, show_default=True, help="How many web worker processes.")
@click.option("--work/--no-work", default=None, help="Run the background work too. Default: only if the queue or the database is embedded.")
def command(bind: str, workers: int, work: bool | None) -> None:
    """Serve the app over HTTP.

    One line on stdout tells when it takes requests. SIGTERM, or Ctrl-C, lets the running requests end (30 s at most) and then exits with 0;
    a second one ends it at once. Web workers and background work that die are started again, and none of them outlives this process.

    Take one worker for each core once cache and limiter are servers; in the memory of several processes, rate limits count each by itself.
    """
    settings = Settings.load()
    configure_logs(settings)
    serve(settings, bind=bind, workers=workers, work=work, ready=lambda address: click.echo(f"dinnerkit is serving at {address}"))

"""``python -m dinnerkit.serving``: the gunicorn master, as the supervisor starts it."""

# ruff: noqa: E402 - everything else must be imported after gevent's patch
from gevent import monkey

monkey.patch_all()

import argparse

from dinnerkit.serving.lifeline import end_with
from dinnerkit.serving.memory import keep_together
from dinnerkit.serving.spared import spared, without
from dinnerkit.settings import Settings


def main() -> None:
    """Serve until asked to stop."""
    parser = argparse.ArgumentParser(prog="python -m dinnerkit.serving")
    for name in ("workers", "listener", "reports", "parent"):
        parser.add_argument(f"--{name}", type=int, required=True)
    given = parser.parse_args()
    end_with(given.parent)
    keep_together()
    settings = Settings.load()
    with without(spared(settings)):
        from dinnerkit.serving.logs import configure_logs  # noqa: PLC0415
        from dinnerkit.serving.server import Server  # noqa: PLC0415
    configure_logs(settings)
    Server(settings, workers=given.workers, listener=given.listener, reports=given.reports).run()


main()

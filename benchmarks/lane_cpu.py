"""What an answer of the fast lane costs the web server's processes, with the rate limit, the metrics and all headers in force."""

from __future__ import annotations

import argparse
import importlib.util
import os
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.request import urlopen

from booking_cpu import publish_events
from serving_cpu import ROUNDS, TEN_KB, Way, measure, serving, settings_for, tell, variables

from dinnerkit import Kit, Settings
from dinnerkit.backends.database import embedded


def ways(event_id: str, etag: str, folder: str) -> list[Way]:
    parser = "fast" if importlib.util.find_spec("gunicorn_h1c") is not None else "python"
    ours = ("-k", "dinnerkit.serving.Worker", "--http-parser", parser)
    detail = f"/v1/events/{event_id}"
    slow = {"DINNERKIT_LANE": "off"}
    made = [
        Way("10 kB by the worker, no app", "bare", ours),
        Way("GET list, kept", "dinners()", ours, path=TEN_KB),
        Way("GET list, kept, gzip", "dinners()", ours, path=TEN_KB, headers=("Accept-Encoding: gzip",)),
        Way("GET list, kept, 304", "dinners()", ours, path=TEN_KB, headers=(f"If-None-Match: {etag}",)),
        Way("GET event, kept", "dinners()", ours, path=detail),
        Way("GET list, kept, no head the same", "dinners()", ours, path=TEN_KB, headers=("X-Trace: {number}",)),
        Way("the same, 304", "dinners()", ours, path=TEN_KB, headers=("X-Trace: {number}", f"If-None-Match: {etag}")),
        Way("GET list, lane off", "dinners()", ours, path=TEN_KB, requests=1000, environ=slow),
        Way("GET event, lane off", "dinners()", ours, path=detail, requests=1000, environ=slow),
    ]
    for number, way in enumerate(made):
        counts = Path(folder) / f"counts-{number}"
        counts.mkdir()
        way.environ = {**way.environ, "PROMETHEUS_MULTIPROC_DIR": str(counts)}
    return made


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    with TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        database = embedded(f"embedded://{folder}/database")
        given = settings_for(database.url, folder, rate_limit="100000000 per 15 minutes")
        with Kit.open(Settings.load(given, environ={})) as kit:
            event_id = publish_events(kit, 30)[0]
        environ = os.environ | variables(given)
        with serving(Way("", "dinners()", ("-k", "dinnerkit.serving.Worker")), environ) as (_, port):
            etag = urlopen(f"http://127.0.0.1:{port}{TEN_KB}").headers["ETag"]
        measured = ways(event_id, etag, folder)
        for _ in range(ROUNDS):
            for way in measured:
                measure(way, environ)
        database.close()
    tell("Fast lane", measured, options.json)


if __name__ == "__main__":
    main()

"""wrk, a client that costs the machine little: for reads that are asked for as fast as they are answered."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from dataclasses import dataclass
from urllib.error import HTTPError
from urllib.request import Request as Asking
from urllib.request import urlopen

from journey import Asked, Request
from serving_cpu import HERE

SECONDS = 3


@dataclass(frozen=True)
class Others:
    """Paths that differ by a number.

    Attributes:
        first: the number in place of ``{number}``; it grows by one.
        turns: what is left of it by this is in place of ``{turn}``.
    """

    first: int
    turns: int


def drive(port: int, request: Request, status: int, connections: int, others: Others | None = None, seconds: int = SECONDS) -> Asked:
    """GETs on so many connections for so long, all answered with that status; the CPU is not looked at.

    Raises:
        RuntimeError: some were not answered, or with an error, or the first one with another status.
    """
    program = shutil.which("wrk")
    if program is None:
        raise SystemExit("this benchmark needs wrk")
    first = others.first if others else 0
    turn = first % others.turns if others else 0
    url = f"http://127.0.0.1:{port}{request['path'].replace('{number}', str(first)).replace('{turn}', str(turn))}"
    headers = {"Accept": "*/*", "Accept-Language": "en", **request["headers"]}
    found = _status(url, headers)
    if found != status:
        raise RuntimeError(f"{found} where {status} was to come")
    command = [program, "--threads", "1", "--connections", str(connections), "--duration", f"{seconds}s", "--script", str(HERE / "wrk.lua")]
    command += [part for name, value in headers.items() for part in ("--header", f"{name}: {value}")]
    differing = {"FIRST": str(first), "PATTERN": request["path"], "TURNS": str(others.turns)} if others else {}
    done = subprocess.run([*command, url], env=os.environ | differing, capture_output=True, text=True, check=True)  # noqa: S603
    told = json.loads(done.stderr)
    if told["errors"]:
        raise RuntimeError(f"{told['errors']} requests failed: {done.stdout}")
    took = [seconds for seconds, times in told["took"] for _ in range(times)]
    return Asked({status: len(took)}, told["seconds"], took, 0, 0, 0)


def _status(url: str, headers: dict[str, str]) -> int:
    try:
        with urlopen(Asking(url, headers=headers)) as answer:  # noqa: S310 - of the server that was started for this
            return int(answer.status)
    except HTTPError as error:
        return error.code

"""From what a mongod wrote before it died to one line that says why, and what to do."""

from __future__ import annotations

import json
import re
import signal
from collections.abc import Iterator
from typing import Any

PORT_TAKEN = "the port is taken"

_KNOWN: tuple[tuple[str, str], ...] = (
    (r"Address already in use", PORT_TAKEN),
    (r"No space left on device|Disk quota exceeded", "the disk is full; free some space"),
    (r"Too many open files", "too many open files; raise the limit (ulimit -n)"),
    (r"Read-only file system", "the file system is read-only"),
    (r"Wrong mongod version|UPGRADE PROBLEM|WiredTiger under any compatibility version|unsupported WiredTiger file version",
     "its data was written by another version of MongoDB, which this one can't read; use that version, or move the data away"),
    (r"Unable to lock the lock file|DBPathInUse", "another mongod is using its data"),
    (r"database corruption detected|WT_TRY_SALVAGE|__desc_read.*smaller than allocation size|start?ing MongoDB with --repair",
     "its data is damaged; restore it from a backup, or try mongod --repair"),
)  # fmt: skip
"""Regular expressions of what mongod says, and what it means to whoever runs dinnerkit; the first that matches tells the cause."""

_LOADER = re.compile(r"^.*(?:error while loading shared libraries|Library not loaded|version `GLIBC\w*_[\d.]+' not found).*$", re.MULTILINE)
_NOISE = {"Fatal assertion", "\n\n***aborting after fassert() failure\n\n", "Writing fatal message"}


def why_it_died(output: str, exit_code: int | None) -> str:
    """The cause of a mongod's death in one line, without a full stop.

    Args:
        output: what it wrote to its log, its standard output and its standard error.
        exit_code: as :class:`subprocess.Popen` gives it, negative for a signal; None if unknown.
    """
    loader = _LOADER.search(output)
    if loader:
        return f"a shared library is missing ({loader[0].strip()}); install the system package that has it, or another MongoDB"
    last = _last_trouble(output)
    for pattern, meaning in _KNOWN:
        if re.search(pattern, output):
            return f"{meaning} (mongod says: {last})" if last and meaning != PORT_TAKEN else meaning
    if exit_code == -signal.SIGILL:
        return "this processor lacks instructions that mongod was built for (MongoDB needs AVX on x86-64)"
    if exit_code == -signal.SIGKILL:
        return "it was killed; perhaps the machine is short of memory"
    return f"mongod says: {last}" if last else f"mongod ended {_how(exit_code)} and said nothing"


def _last_trouble(output: str) -> str:
    """The last fatal or error line that says something, else the last line at all."""
    best, rank = "", 0
    for entry in _entries(output):
        said = _said(entry)
        if entry["s"] in "FE" and said and rank <= (2 if entry["s"] == "F" else 1):
            best, rank = said, 2 if entry["s"] == "F" else 1
    if best:
        return best
    plain = [line for line in output.splitlines() if line.strip() and not line.startswith("{")]
    return _one_line(plain[-1]) if plain else ""


def _entries(output: str) -> Iterator[dict[str, Any]]:
    for line in output.splitlines():
        if line.startswith('{"t":'):
            try:
                yield json.loads(line)
            except ValueError:  # cut off when the process died
                continue


def _said(entry: dict[str, Any]) -> str:
    message = entry.get("msg", "")
    if message in _NOISE:
        return ""
    attributes = entry.get("attr", {})
    inner = attributes.get("error") or attributes.get("message") or ""
    if message == "WiredTiger error message":
        inner, message = attributes.get("message", ""), "storage engine"
    if isinstance(inner, dict):
        inner = ", ".join(str(inner[key]) for key in ("errmsg", "msg", "error_str") if key in inner)
    return _one_line(f"{message}: {inner}" if inner else message)


def _one_line(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= 300 else f"{line[:299]}…"  # noqa: PLR2004 - enough to recognise it by


def _how(exit_code: int | None) -> str:
    if exit_code is None:
        return "unexpectedly"
    if exit_code < 0:
        return f"by signal {signal.Signals(-exit_code).name}"
    return f"with exit code {exit_code}"

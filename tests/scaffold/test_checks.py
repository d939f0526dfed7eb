"""New plugins are clean by their own settings of ruff and mypy, with short names and with long ones; `nox -s types` has both tools."""

from __future__ import annotations

import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

from dinnerkit.scaffold import KINDS
from dinnerkit.scaffold.naming import LONGEST_NAME
from tests.scaffold.installing import made

needs_tools = pytest.mark.skipif(not (find_spec("ruff") and find_spec("mypy")), reason="ruff and mypy come with the dev extra")


@needs_tools
@pytest.mark.parametrize("name", ["a", "b" * (LONGEST_NAME - len("-sessions"))], ids=["short", "long"])
def test_every_new_plugin_is_formatted_and_linted(tmp_path: Path, name: str):
    made(tmp_path, KINDS, name)
    for command in (["check", "--output-format", "concise"], ["format", "--check"]):
        done = ran(tmp_path, "ruff", *command, "--no-cache", ".")
        assert done.returncode == 0, done.stdout


@needs_tools
def test_every_new_plugin_is_typed(tmp_path: Path):
    """All in one run, since most of the time goes for dinnerkit itself; the queue's settings are the others' and one more."""
    packages = made(tmp_path, KINDS)
    for package in packages:
        shutil.copytree(package / "src", tmp_path / "all/src", dirs_exist_ok=True)
        (tmp_path / "all/tests").mkdir(exist_ok=True)
        shutil.copy(package / "tests/test_contract.py", tmp_path / f"all/tests/test_{package.name.partition('-')[2]}.py")
    shutil.copy(tmp_path / "own-queue/pyproject.toml", tmp_path / "all/pyproject.toml")
    done = ran(tmp_path / "all", "mypy", "--cache-dir", str(tmp_path / "cache"))
    assert done.returncode == 0, done.stdout


def ran(folder: Path, *command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-m", *command], cwd=folder, capture_output=True, text=True, check=False)

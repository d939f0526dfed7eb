"""The page "Write a backend in thirty minutes" does what it says, and the example is what it leads to."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from dinnerkit.cli import main
from tests.scaffold.installing import installed_as, run_tests

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/write-a-backend.md").read_text("utf-8")
EXAMPLE = ROOT / "examples/plugin"
FILES = dict(re.findall(r"^<!-- file: ([^\n]+) -->\n```python\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL))
WRITTEN_ANEW = {*FILES, "README.md"}


@pytest.fixture(scope="module")
def scaffolded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the first command of the page writes."""
    folder = tmp_path_factory.mktemp("page")
    (command,) = re.findall(r"^dinnerkit (new-plugin .+)$", PAGE, re.MULTILINE)
    before = Path.cwd()
    os.chdir(folder)
    try:
        assert main(command.split()) == 0
    finally:
        os.chdir(before)
    return folder / "dinnerkit-sqlite"


def test_the_example_is_what_the_command_writes_but_for_what_the_page_replaces(scaffolded: Path):
    for path in sorted(path for path in scaffolded.rglob("*") if path.is_file()):
        name = str(path.relative_to(scaffolded))
        ours, theirs = (EXAMPLE / name).read_text("utf-8"), path.read_text("utf-8")
        if name in WRITTEN_ANEW:
            assert ours != theirs, name
        else:
            assert unbound(ours) == unbound(theirs), name


def test_the_page_shows_the_example_as_it_is():
    assert set(FILES) == {"src/dinnerkit_sqlite/cache.py", "tests/test_contract.py"}
    for name, text in FILES.items():
        assert text == (EXAMPLE / name).read_text("utf-8"), name


def test_who_does_what_the_page_says_has_a_cache_that_keeps_its_contract(scaffolded: Path):
    for name, text in FILES.items():
        (scaffolded / name).write_text(text, "utf-8")
    folder = scaffolded.parent
    environ = installed_as(folder, [scaffolded])
    ended = run_tests(folder, [scaffolded])
    assert ended.returncode == 0, ended.stdout
    checked = subprocess.run(
        [sys.executable, "-m", "dinnerkit", "check"],
        cwd=folder,
        env={
            **environ,
            "DINNERKIT_CACHE": "sqlite://cache.db",
            "DINNERKIT_DATABASE": "mongodb://127.0.0.1:9/?serverSelectionTimeoutMS=100",
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert re.search(r"^cache +ok", checked.stdout, re.MULTILINE), checked.stdout + checked.stderr


def test_who_breaks_it_as_the_page_says_is_told_what_the_page_shows(scaffolded: Path):
    (said,) = re.findall(r"^ContractBroken: (.+)$", PAGE, re.MULTILINE)
    body = FILES["src/dinnerkit_sqlite/cache.py"]
    deletes = 'file.execute("delete from kept where key = ?", (key,)).rowcount > 0'
    assert body.count(deletes) == 1
    (scaffolded / "src/dinnerkit_sqlite/cache.py").write_text(body.replace(deletes, "False"), "utf-8")
    (scaffolded / "tests/test_contract.py").write_text(FILES["tests/test_contract.py"], "utf-8")
    installed_as(scaffolded.parent, [scaffolded])
    ended = run_tests(scaffolded.parent, [scaffolded], "-k", "deleted_is_gone")
    assert ended.returncode == 1
    assert f"ContractBroken: {said}" in ended.stdout


def unbound(text: str) -> str:
    """Without the bound on dinnerkit, which is of the release that wrote it."""
    return re.sub(r'"dinnerkit>=[^"]+"', '"dinnerkit"', text)

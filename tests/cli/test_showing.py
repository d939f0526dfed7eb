from __future__ import annotations

import json
from importlib.metadata import version
from pathlib import Path

import pytest

from tests.cli.running import Run


def columns(out: str) -> list[list[str]]:
    return [line.split() for line in out.splitlines()]


def test_config_shows_each_value_and_where_it_came_from(run: Run, tmp_path: Path):
    (tmp_path / "dinnerkit.toml").write_text('hold_seconds = 300\nmail = "folder://mails"\n')
    ended = run("config", DINNERKIT_SETTINGS="dinnerkit.toml", DINNERKIT_HOLD_SECONDS="60")
    assert ended.code == 0
    rows = columns(ended.out)
    assert ["hold_seconds", "the", "environment", "60"] in rows
    assert ["mail", "dinnerkit.toml", "folder://mails"] in rows
    assert ["offer_seconds", "default", "86400"] in rows


def test_config_masks_secrets_and_the_passwords_in_urls(run: Run):
    ended = run("config", DINNERKIT_SECRET_KEY="hunter2-hunter2-hunter2", DINNERKIT_DATABASE="mongodb://ada:lovelace@db/dinners")
    assert "hunter2" not in ended.out
    assert "lovelace" not in ended.out
    assert "mongodb://ada:***@db/dinners" in ended.out


def test_plugins_lists_what_is_installed_and_marks_what_is_chosen(run: Run):
    ended = run("plugins")
    assert ended.code == 0
    rows = columns(ended.out)
    ours = ["dinnerkit", version("dinnerkit")]
    assert ["database", "embedded://", *ours, "-", "chosen", "works"] in rows
    assert ["database", "mongodb://", *ours, "-", "-", "works"] in rows
    assert ["cache", "disk://", *ours, "1", "-", "works"] in rows
    assert ["bus", "database://", *ours, "1", "chosen", "works", "(uses-database)"] in rows


def test_plugins_names_a_chosen_scheme_that_nothing_brings(run: Run):
    assert ["cache", "redis://", "-", "-", "-", "chosen", "missing"] in columns(run("plugins", DINNERKIT_CACHE="redis://localhost").out)


BAD = {
    "absent": None,
    "breaks": "1 / 0",
    "leaves": "import sys\nprint('bye')\nsys.exit(3)",
    "hollow": "",
    "talks": "print('here I am')\ndef talks(url): ...",
    "older": "from dinnerkit.ports.contracts import built_for\n@built_for(0, dict)\ndef older(url): ...",
    "newer": "from dinnerkit.ports.contracts import built_for\n@built_for(99, dict)\ndef newer(url): ...",
    "memory": "1 / 0",
}


@pytest.fixture
def bad_plugins(tmp_path: Path) -> str:
    """A folder with plugins of all sorts, as pip would leave them; for PYTHONPATH."""
    place = tmp_path / "site"
    for name, source in BAD.items():
        folder = place / f"dinnerkit_{name}-1.0.dist-info"
        folder.mkdir(parents=True)
        (folder / "METADATA").write_text(f"Metadata-Version: 2.1\nName: dinnerkit-{name}\nVersion: 1.0\n")
        (folder / "entry_points.txt").write_text(f"[dinnerkit.cache]\n{name} = dinnerkit_{name}:{name}\n")
        if source is not None:
            (place / f"dinnerkit_{name}.py").write_text(f"{source}\n")
    (place / "dinnerkit_garbled-1.0.dist-info").mkdir()
    (place / "dinnerkit_garbled-1.0.dist-info/entry_points.txt").write_text("[dinnerkit.cache]\ngarbled\n")
    return str(place)


def test_plugins_says_in_a_line_what_is_wrong_with_each(run: Run, bad_plugins: str):
    ended = run("plugins", PYTHONPATH=bad_plugins)
    assert ended.code == 0
    (heading, *lines) = ended.out.splitlines()
    package, state = heading.index("PACKAGE"), heading.index("STATE")
    told = {line[package:].split()[0].removeprefix("dinnerkit-"): line[state:] for line in lines if " 1.0 " in line}
    assert "No module named 'dinnerkit_absent'" in told["absent"]
    assert told["breaks"].endswith("can't be imported: ZeroDivisionError: division by zero")
    assert told["leaves"].endswith("can't be imported: SystemExit: 3")
    assert "AttributeError" in told["hollow"]
    assert told["talks"] == "works"
    assert told["memory"] == "claimed twice: by dinnerkit, dinnerkit-memory"
    assert told["older"] == "works: built for contract 0, and 1 is in force: look for a newer dinnerkit-older"
    assert told["newer"] == "works: built for contract 99, and this dinnerkit has 1: look for a newer dinnerkit"


def test_plugins_as_json_tells_the_same_in_full_and_nothing_else(run: Run, bad_plugins: str):
    ended = run("plugins", "--json", PYTHONPATH=bad_plugins, DINNERKIT_LIMITER="redis://localhost")
    told = {(one["kind"], one["scheme"]): one for one in json.loads(ended.out)}
    assert told["cache", "older"] == {
        "kind": "cache",
        "scheme": "older",
        "distribution": "dinnerkit-older",
        "version": "1.0",
        "target": "dinnerkit_older:older",
        "state": "works",
        "why": "",
        "remark": "built for contract 0, and 1 is in force: look for a newer dinnerkit-older",
        "contract": 0,
        "present_contract": 1,
        "capabilities": [],
        "chosen": False,
    }
    assert told["bus", "database"]["capabilities"] == ["uses-database"]
    assert (told["limiter", "redis"]["state"], told["limiter", "redis"]["chosen"]) == ("missing", True)
    assert told["cache", "leaves"]["why"].endswith("SystemExit: 3")


def test_an_app_that_uses_none_of_them_does_not_notice(run: Run, bad_plugins: str):
    unreached = "mongodb://127.0.0.1:9/?serverSelectionTimeoutMS=100"
    ended = run("check", PYTHONPATH=bad_plugins, DINNERKIT_CACHE="disk://cache", DINNERKIT_DATABASE=unreached)
    found = {row[0]: row[1] for row in columns(ended.out)[1:]}
    assert (found["cache"], found["queue"], found["mail"]) == ("ok", "ok", "ok")
    assert ended.err == ""

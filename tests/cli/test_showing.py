from __future__ import annotations

from pathlib import Path

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
    assert ["database", "embedded://", "dinnerkit", "chosen", "works"] in rows
    assert ["database", "mongodb://", "dinnerkit", "-", "works"] in rows
    assert ["mail", "folder://", "dinnerkit", "-", "works"] in rows


def test_plugins_names_a_chosen_scheme_that_nothing_brings(run: Run):
    assert ["cache", "redis://", "-", "chosen", "missing"] in columns(run("plugins", DINNERKIT_CACHE="redis://localhost").out)


def test_plugins_says_why_a_plugin_is_broken_or_claimed_twice(run: Run, tmp_path: Path):
    found = tmp_path / "dinnerkit_broken-1.0.dist-info"
    found.mkdir()
    (found / "METADATA").write_text("Metadata-Version: 2.1\nName: dinnerkit-broken\nVersion: 1.0\n")
    (found / "entry_points.txt").write_text("[dinnerkit.cache]\nbroken = no_such_module:cache\nmemory = no_such_module:cache\n")
    out = run("plugins", PYTHONPATH=str(tmp_path)).out
    (broken,) = [line for line in out.splitlines() if "broken://" in line]
    assert "dinnerkit-broken" in broken
    assert "No module named 'no_such_module'" in broken
    assert out.count("claimed twice: by dinnerkit, dinnerkit-broken") == 2

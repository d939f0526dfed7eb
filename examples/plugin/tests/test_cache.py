"""What is this cache's own, beside what every cache owes."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import pytest

from dinnerkit.errors import SettingError, Unavailable
from dinnerkit_sqlite.cache import SqliteCache, open_cache


def test_what_was_set_outlives_the_process(tmp_path: Path) -> None:
    with closing(SqliteCache(tmp_path / "cache.db")) as cache:
        cache.set("a", 1, 600)
    with closing(SqliteCache(tmp_path / "cache.db")) as cache:
        assert cache.get("a") == 1


def test_it_keeps_about_as_many_values_as_it_is_told_to(tmp_path: Path) -> None:
    with closing(SqliteCache(tmp_path / "cache.db", most=10)) as cache:
        for number in range(200):
            cache.set(str(number), number, 600 + number)
        kept = [number for number in range(200) if cache.get(str(number)) is not None]
    assert kept == list(range(190, 200))


def test_nobody_else_can_read_the_file(tmp_path: Path) -> None:
    with closing(SqliteCache(tmp_path / "cache.db")):
        assert (tmp_path / "cache.db").stat().st_mode & 0o077 == 0


def test_a_file_that_is_no_database_any_more_is_unavailable(tmp_path: Path) -> None:
    with closing(SqliteCache(tmp_path / "cache.db")) as cache:
        cache.close()
        for call in (lambda: cache.get("a"), lambda: cache.set("a", 1), lambda: cache.delete("a"), cache.clear):
            with pytest.raises(Unavailable):
                call()


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("sqlite://cache.db?values=none", "a positive number, not 'none'"),
        ("sqlite://cache.db?value=1", "no option 'value'"),
        ("sqlite:///proc/cache.db", "can't be used"),
        ("sqlite://.", "can't be used"),
        ("sqlite://letter", "file is not a database"),
    ],
)
def test_a_url_that_makes_no_sense_is_refused(
    url: str, why: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "letter").write_text("Dear all, " * 100)
    with pytest.raises(SettingError, match=why):
        open_cache(url)

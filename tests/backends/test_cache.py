"""The caches beside their contract: what lies on the disk, what is refused, and what becomes of those who use one that fails."""

from __future__ import annotations

import pickle
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from dinnerkit.analytics.service import AnalyticsService
from dinnerkit.backends.cache import DiskCache, disk, memory
from dinnerkit.errors import SettingError, Unavailable
from dinnerkit.kit import Kit
from dinnerkit.ports.cache import ShieldedCache
from dinnerkit.settings import Settings
from dinnerkit.testing import settings_for_tests


class Failing:
    """A cache whose store can't be reached, for as long as it is said."""

    def __init__(self) -> None:
        self.well, self.tries = False, 0

    def get(self, key: str) -> Any:
        self.tries += 1
        if not self.well:
            raise Unavailable("no answer")
        return "found"

    def set(self, key: str, value: Any, timeout: int | None = None) -> bool:
        return bool(self.get(key))

    def delete(self, key: str) -> bool:
        return bool(self.get(key))

    def clear(self) -> bool:
        return True


def test_a_pickle_that_lies_on_the_disk_is_not_loaded(tmp_path: Path) -> None:
    class Bomb:
        def __reduce__(self) -> tuple[Any, ...]:
            return Path.touch, (tmp_path / "exploded",)

    cache = disk(f"disk://{tmp_path}/cache")
    assert isinstance(cache, DiskCache)
    cache.set("a", "b", 600)
    file = Path(cache._get_filename("a"))
    file.write_bytes(file.read_bytes()[:4] + pickle.dumps(Bomb()))
    assert cache.get("a") is None
    assert not (tmp_path / "exploded").exists()


def test_what_is_on_the_disk_outlives_the_process_and_is_its_owners_alone(tmp_path: Path) -> None:
    disk(f"disk://{tmp_path}/deep/cache").set("a", [1], 600)
    assert disk(f"disk://{tmp_path}/deep/cache").get("a") == [1]
    (folder,) = (tmp_path / "deep/cache").iterdir()
    assert folder.stat().st_mode & 0o077 == 0


def test_a_folder_that_was_there_keeps_its_files_and_its_mode(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    (tmp_path / "photo").write_text("of the sea")
    cache = disk(f"disk://{tmp_path}?values=2")
    for number in range(9):
        cache.set(str(number), number, 600)
    cache.clear()
    assert (tmp_path / "photo").read_text() == "of the sea"
    assert tmp_path.stat().st_mode & 0o777 == 0o755


def opened(place: Path) -> DiskCache:
    cache = disk(f"disk://{place}")
    assert isinstance(cache, DiskCache)
    return cache


CALLS: list[Callable[[DiskCache], Any]] = [
    lambda cache: cache.get("a"),
    lambda cache: cache.set("a", "b", 60),
    lambda cache: cache.delete("a"),
]


@pytest.mark.parametrize("call", [*CALLS, DiskCache.clear], ids=["get", "set", "delete", "clear"])
def test_a_folder_that_is_gone_is_no_empty_one(tmp_path: Path, call: Callable[[DiskCache], Any]) -> None:
    cache = opened(tmp_path / "cache")
    shutil.rmtree(tmp_path / "cache")
    with pytest.raises(Unavailable, match="cache: the folder can't be used: FileNotFoundError"):
        call(cache)


@pytest.mark.parametrize("call", [*CALLS, DiskCache.clear], ids=["get", "set", "delete", "clear"])
def test_a_file_that_can_not_be_used_is_said(tmp_path: Path, call: Callable[[DiskCache], Any]) -> None:
    cache = opened(tmp_path / "cache")
    Path(cache._get_filename("a")).mkdir()
    with pytest.raises(Unavailable, match="cache: the folder can't be used"):
        call(cache)
    assert not list(Path(cache._path).glob("*.__wz_cache"))


def test_what_is_refused_is_tried_once(tmp_path: Path) -> None:
    tries = []

    def refuse() -> None:
        tries.append(1)
        raise PermissionError

    with pytest.raises(PermissionError):
        opened(tmp_path)._run_safely(refuse)
    assert len(tries) == 1


def test_of_more_values_than_it_may_have_some_are_forgotten(tmp_path: Path) -> None:
    for cache in (memory("memory://?values=10"), disk(f"disk://{tmp_path}/cache?values=10")):
        for number in range(50):
            cache.set(str(number), number, 600)
        assert sum(cache.get(str(number)) is not None for number in range(50)) <= 11
        assert cache.get("49") == 49


@pytest.mark.parametrize("url", ["memory://?values=0", "memory://?values=many", "memory://?size=3", "disk:///tmp/x?values=-1"])
def test_options_that_make_no_sense_are_refused(url: str) -> None:
    with pytest.raises(SettingError, match=r"values is a positive number|has no option"):
        (memory if url.startswith("memory") else disk)(url)


def test_a_folder_that_can_not_be_made_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(SettingError, match="can't be made"):
        disk(f"disk://{tmp_path}/file/cache")


def test_a_cache_that_fails_is_empty_and_is_left_alone() -> None:
    failing = Failing()
    shielded = ShieldedCache(failing)
    assert [shielded.get("a") for _ in range(5)] == [None] * 5
    shielded.set("a", "b", 60)
    assert failing.tries == 1
    failing.well = True
    while shielded.get("a") is None:
        pass
    assert failing.tries == 2


def test_what_is_no_value_is_the_programs_fault_and_not_the_caches() -> None:
    shielded = ShieldedCache(memory("memory://"))
    with pytest.raises(TypeError):
        shielded.set("a", object(), 60)
    shielded.set("a", "b", 60)
    assert shielded.get("a") == "b"


def test_the_figures_come_from_the_cache_and_without_it_from_the_database(database_url: str, tmp_path: Path) -> None:
    settings = Settings(**settings_for_tests(database_url, tmp_path, cache=f"disk://{tmp_path}/cache"))
    with Kit.open(settings) as kit:
        figures = kit.service(AnalyticsService).figures()
        assert kit.backends.cache.get("analytics.figures")["upcoming"] == figures.upcoming
        kit.backends.cache.set("analytics.figures", {**kit.backends.cache.get("analytics.figures"), "upcoming": 7}, 60)
        assert kit.service(AnalyticsService).figures().upcoming == 7
        kit.backends.cache.set("analytics.figures", {"of": "another version"}, 60)
        assert kit.service(AnalyticsService).figures() == figures
        failing = AnalyticsService(kit.database, ShieldedCache(Failing()), kit.clock)
        assert failing.figures() == figures

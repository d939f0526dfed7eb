from __future__ import annotations

import json
import pickle
import sqlite3
import subprocess
import sys
import textwrap
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from huey.registry import Message

from dinnerkit.backends.sqlite_queue import SqliteQueue, sqlite
from dinnerkit.errors import SettingError, Unavailable
from dinnerkit.ports.json_tasks import JsonTasks


@pytest.fixture
def queue(tmp_path: Path) -> Any:
    opened = SqliteQueue(tmp_path / "queue.db")
    yield opened
    opened.close()


def bound(queue: SqliteQueue, name: str = "default") -> tuple[Any, Any, list[str]]:
    """The named queue, a task on it, and what the task was run with."""
    huey = queue.huey(name)
    ran: list[str] = []

    def deliver(delivery: str) -> None:
        ran.append(delivery)

    return huey, huey.task(name="deliver")(deliver), ran


def test_what_lies_in_the_file_is_json_and_no_pickle(queue: SqliteQueue, tmp_path: Path) -> None:
    bound(queue)[1]("delivery-1")
    with closing(sqlite3.connect(tmp_path / "queue.db")) as file:
        ((data,),) = file.execute("select data from task").fetchall()
    read = json.loads(data)
    assert (read["name"], read["args"], read["kwargs"]) == (f"{__name__}.deliver", ["delivery-1"], {})


def test_a_pickle_in_the_file_is_not_run(queue: SqliteQueue, tmp_path: Path) -> None:
    class Bomb:
        def __reduce__(self) -> tuple[Any, ...]:
            return Path.touch, (tmp_path / "exploded",)

    huey, _, ran = bound(queue)
    huey.storage.enqueue(pickle.dumps(Bomb()))
    with pytest.raises(ValueError, match=r"decode|JSON|Expecting"):
        huey.dequeue()
    assert not (tmp_path / "exploded").exists()
    assert ran == []


def test_what_is_written_is_read_again_the_same() -> None:
    message = Message("id-1", "deliver", None, 3, 10, 5, ("x", 1, None, True), {"a": [1.5]}, None, None, None)
    read = JsonTasks().deserialize(JsonTasks().serialize(message))
    assert (read.id, read.name, read.retries, tuple(read.args), read.kwargs) == ("id-1", "deliver", 3, message.args, {"a": [1.5]})


def test_processes_share_the_tasks(queue: SqliteQueue, tmp_path: Path) -> None:
    script = """
        import sys
        from pathlib import Path
        from dinnerkit.backends.sqlite_queue import SqliteQueue
        huey = SqliteQueue(Path(sys.argv[1])).huey("default")

        def deliver(delivery):
            print(delivery, flush=True)

        deliver.__module__ = sys.argv[2]
        huey.task(name="deliver")(deliver)
        while task := huey.dequeue():
            huey.execute(task)
    """
    _, task, _ = bound(queue)
    for number in range(100):
        task(f"delivery-{number}")
    command = [sys.executable, "-c", textwrap.dedent(script), str(tmp_path / "queue.db"), __name__]
    processes = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(3)]
    ran = [line for process in processes for line in process.communicate()[0].split()]
    assert sorted(ran) == sorted(f"delivery-{number}" for number in range(100))


def test_a_file_that_is_no_database_is_unavailable(tmp_path: Path) -> None:
    (tmp_path / "queue.db").write_text("this is no database, and long enough to tell" * 10)
    queue = SqliteQueue(tmp_path / "queue.db")
    with pytest.raises(Unavailable, match="queue"):
        queue.ping()
    queue.close()


def test_the_url_makes_the_folder_and_refuses_what_it_does_not_know(tmp_path: Path) -> None:
    opened = sqlite(f"sqlite://{tmp_path}/deep/queue.db")
    opened.ping()
    opened.close()
    assert (tmp_path / "deep" / "queue.db").exists()
    with pytest.raises(SettingError, match="has no option"):
        sqlite(f"sqlite://{tmp_path}/queue.db?timeout=1")
    (tmp_path / "file").touch()
    with pytest.raises(SettingError, match="can't be made"):
        sqlite(f"sqlite://{tmp_path}/file/queue.db")

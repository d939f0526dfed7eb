"""``dinnerkit work``: real processes, stopped and killed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from itertools import groupby
from pathlib import Path
from typing import Any

import pytest
from pymongo.database import Database

from dinnerkit.accounts.service import AccountService
from dinnerkit.kit import Kit
from dinnerkit.settings import Settings
from tests.cli.running import Ended
from tests.waiting import DEADLINE, until

WORKING = Path(__file__).with_name("working_process.py")


class Workers:
    """Processes of ``working_process.py`` with this test's database, and what they have left in their folder."""

    def __init__(self, environ: dict[str, str], folder: Path) -> None:
        self.folder, self.mails = folder, Path(environ["DINNERKIT_DATA"]) / "mail"
        self._environ = os.environ | environ | {"DINNERKIT_LOG_FORMAT": "json"}
        self._started: list[subprocess.Popen[bytes]] = []

    def start(self, *arguments: str, **environ: str) -> subprocess.Popen[bytes]:
        command = [sys.executable, str(WORKING), str(self.folder), *arguments]
        with (self.folder / f"log-{len(self._started)}").open("wb") as log:
            self._started.append(subprocess.Popen(command, env=self._environ | environ, stderr=log, stdout=log, cwd=self.folder))
        return self._started[-1]

    def begun(self, worker: subprocess.Popen[bytes]) -> bool:
        return (self.folder / f"begun-{worker.pid}").exists()

    def open(self) -> None:
        (self.folder / "open").touch()

    def turns(self) -> list[int]:
        """The pids of those who ran the relay, in turn."""
        found = self.folder / "turns"
        return [int(pid) for pid in found.read_text().split()] if found.exists() else []

    def log(self, number: int) -> str:
        return (self.folder / f"log-{number}").read_text()

    def kill_all(self) -> None:
        for worker in self._started:
            worker.kill()
            worker.wait()


@pytest.fixture
def workers(served_environ: dict[str, str], tmp_path: Path) -> Iterator[Workers]:
    found = Workers(served_environ, tmp_path)
    yield found
    found.kill_all()


def register(environ: dict[str, str], *names: str) -> None:
    with Kit.open(Settings.load(environ=environ)) as kit:
        for name in names:
            kit.service(AccountService).register(email=f"{name}@example.org", password="wicker harbour oblong", name=name)


def test_sigterm_lets_what_runs_end_and_takes_nothing_more(
    served_environ: dict[str, str], workers: Workers, database: Database[dict[str, Any]]
) -> None:
    register(served_environ, "ada", "ben")
    worker = workers.start("--queue", "emails=1", "--queue", "default")
    until(lambda: workers.begun(worker), "a mail is being sent")
    worker.send_signal(signal.SIGTERM)
    until(lambda: database["leases"].count_documents({"_id": "clockwork"}) == 0, "it has heard, and lets another lead")
    assert worker.poll() is None
    workers.open()
    assert worker.wait(DEADLINE) == 0
    assert len(list(workers.mails.glob("*.eml"))) == 1
    assert sorted(row["state"] for row in database["deliveries"].find({"queue": "emails"})) == ["done", "pending"]
    assert '"queues": {"emails": 1, "default": 2}' in workers.log(0)
    assert database["job_records"].find_one({"_id": "emails"})["totals"] == {"finished": 1}  # type: ignore[index]


def test_what_a_killed_worker_had_and_what_another_gave_up_is_run_again(
    served_environ: dict[str, str], workers: Workers, database: Database[dict[str, Any]]
) -> None:
    register(served_environ, "ada")
    first = workers.start()
    until(lambda: workers.begun(first), "a mail is being sent")
    first.kill()
    first.wait()
    second = workers.start(DINNERKIT_DRAIN_SECONDS="1")
    until(lambda: workers.begun(second), "the second has it, after the lease of the first")
    second.send_signal(signal.SIGTERM)
    assert second.wait(DEADLINE) == 0, "it ends, though its job does not"
    assert '"event": "jobs_given_up"' in workers.log(1)
    (given_up,) = database["deliveries"].find({"queue": "emails"})
    assert (given_up["state"], given_up["attempts"]) == ("pending", 2)
    assert not list(workers.mails.glob("*.eml"))
    workers.open()
    workers.start()
    until(lambda: list(workers.mails.glob("*.eml")), "the third sends it")
    until(lambda: database["deliveries"].count_documents({"queue": "emails", "state": "done", "attempts": 3}), "it is done")


def test_of_three_workers_one_runs_the_clockwork_and_another_after_it_is_killed_or_stopped(workers: Workers) -> None:
    three = {worker.pid: worker for worker in (workers.start(), workers.start(), workers.start())}
    until(lambda: len(workers.turns()) > 4, "one leads")
    until(lambda: all('"event": "worker_started"' in workers.log(number) for number in range(3)), "all work")
    first = workers.turns()[-1]
    three[first].kill()
    until(lambda: workers.turns()[-1] != first, "another leads")
    second = workers.turns()[-1]
    three[second].send_signal(signal.SIGSTOP)
    try:
        until(lambda: workers.turns()[-1] != second, "the last one leads")
    finally:
        three[second].send_signal(signal.SIGCONT)
    third, seen = workers.turns()[-1], len(workers.turns())
    until(lambda: len(workers.turns()) > seen + 8, "two seconds pass, in which the second could have gone on")
    assert [pid for pid, _ in groupby(workers.turns())] == [first, second, third]


def test_a_queue_in_the_settings_that_there_is_not_is_one_line_and_exit_code_2(run: Callable[..., Ended]) -> None:
    ended = run("work", DINNERKIT_QUEUES="emails=2 letters")
    assert (ended.code, ended.out) == (2, "")
    assert ended.err.startswith("dinnerkit: queues: there is no queue 'letters'; there are emails, payments")

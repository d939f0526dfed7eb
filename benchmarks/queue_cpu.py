"""What background jobs cost: a real ``dinnerkit work`` while it idles and while it empties a backlog, and how long a lone mail waits."""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from statistics import mean
from tempfile import TemporaryDirectory
from typing import Any

from rich.console import Console
from rich.table import Table

from dinnerkit import Kit, Settings
from dinnerkit.accounts.messages import VerificationRequested
from dinnerkit.accounts.service import AccountService, NewUser
from dinnerkit.clock import utcnow
from dinnerkit.delivery.outbox import Outbox
from dinnerkit.ids import new_id
from dinnerkit.messages import Message
from dinnerkit.payment.messages import DisputeFeeChanged

_EACH = 2000
_IDLE_SECONDS = 20.0
_LONE_MAILS = 20
_LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)
_TICKS = os.sysconf("SC_CLK_TCK")


class Cost:
    """The CPU seconds of processes, and the wall seconds, since it was made."""

    def __init__(self, *pids: int) -> None:
        self._pids = pids
        self._cpu = [_cpu_seconds(pid) for pid in pids]
        self._began = time.monotonic()

    def told(self) -> tuple[float, ...]:
        """Wall seconds, then the CPU seconds of each process."""
        return (time.monotonic() - self._began, *(_cpu_seconds(pid) - was for pid, was in zip(self._pids, self._cpu, strict=True)))


def _cpu_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text("utf-8").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS


def _memory_mb(pid: int) -> float:
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text("utf-8").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("Pss:")) / 1024


def _threads(pid: int) -> int:
    return len(list(Path(f"/proc/{pid}/task").iterdir()))


def _mongod(folder: str) -> int:
    """The pid of the embedded database of that folder."""
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and (entry / "comm").read_text("utf-8").strip() == "mongod" and folder in _command(entry):
            return int(entry.name)
    raise RuntimeError("there is no mongod")


def _command(entry: Path) -> str:
    return (entry / "cmdline").read_bytes().decode(errors="replace")


def _until(condition: Callable[[], object]) -> None:
    while not condition():
        time.sleep(0.02)


def _send(kit: Kit, users: Sequence[str], message: Callable[[str], Message]) -> None:
    """Leave one message in the outbox of each user, as a use case would."""
    outbox = Outbox(utcnow)
    for user in users:
        kit.database["users"].update_one({"_id": user}, {"$push": outbox.push(message(user))})


def _empty(kit: Kit, done: int) -> None:
    """Wait until so many jobs are done."""
    _until(lambda: kit.database["deliveries"].count_documents({"done_at": {"$gt": _LONG_AGO}}, hint="done") >= done)


def measure(kit: Kit, folder: str, environ: dict[str, str]) -> dict[str, Any]:
    """The figures, by name."""
    people = kit.service(AccountService).import_users([NewUser(email=f"u{number}@example.org", name="Ada") for number in range(_EACH)])
    command = [sys.executable, "-m", "dinnerkit", "work"]
    log = (Path(folder) / "work.log").open("wb")
    worker = subprocess.Popen(command, env=environ, stdout=log, stderr=log)  # noqa: S603 - this Python, this package
    found: dict[str, Any] = {}
    try:
        _until(lambda: kit.database["leases"].count_documents({}))
        time.sleep(3)
        pids = worker.pid, _mongod(folder)
        found["memory, idle: MB (Pss)"], found["threads, idle"] = _memory_mb(worker.pid), _threads(worker.pid)
        cost = Cost(*pids)
        time.sleep(_IDLE_SECONDS)
        wall, own, database = cost.told()
        found["idle: CPU of the worker, ms a second"] = own / wall * 1000
        found["idle: CPU of mongod, ms a second"] = database / wall * 1000
        done = 0
        waits = []
        for user in people[:_LONE_MAILS]:
            began = time.monotonic()
            _send(kit, [user], lambda user: VerificationRequested(user_id=user, request_id=new_id()))
            done += 1
            _empty(kit, done)
            waits.append(time.monotonic() - began)
        found["a lone mail: ms until it is sent, mean"] = mean(waits) * 1000
        kinds: dict[str, Callable[[str], Message]] = {
            "emails": lambda user: VerificationRequested(user_id=user, request_id=new_id()),
            "payments": lambda user: DisputeFeeChanged(payment_id=user, dispute_id=user, amount=0, currency="EUR"),
        }
        for name, message in kinds.items():
            cost = Cost(*pids)
            _send(kit, people, message)
            done += _EACH
            _empty(kit, done)
            wall, own, database = cost.told()
            found[f"{name}: jobs a second"] = _EACH / wall
            found[f"{name}: CPU of the worker, ms a job"] = own / _EACH * 1000
            found[f"{name}: CPU of mongod, ms a job"] = database / _EACH * 1000
        found["memory, worked: MB (Pss)"], found["threads, worked"] = _memory_mb(worker.pid), _threads(worker.pid)
        worker.terminate()
        began = time.monotonic()
        worker.wait()
        found["SIGTERM to its end, ms"] = (time.monotonic() - began) * 1000
    finally:
        worker.kill()
        worker.wait()
        log.close()
    return found


def main() -> None:
    """Measure on an embedded database in a folder that is removed afterwards."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--json", type=Path)
    target = parser.parse_args().json
    with TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        values = {"data": folder, "mail": f"folder://{folder}/mails", "rate_limit": "off"}
        environ = os.environ | {f"DINNERKIT_{name.upper()}": value for name, value in values.items()}
        with Kit.open(Settings.load(values, environ={})) as kit:
            found = measure(kit, folder, environ)
    table = Table("", "", title=f"Background work: {_EACH} mails, then {_EACH} of the ledger's")
    for name, value in found.items():
        table.add_row(name, f"{value:,.2f}")
    Console(width=100).print(table)
    if target is not None:
        target.write_text(json.dumps(found, indent=2) + "\n")


if __name__ == "__main__":
    main()

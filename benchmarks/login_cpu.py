"""What signing in costs the server's CPU beside argon2 itself, and how long other requests wait beside eight who sign in all the time."""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

from booking_cpu import publish_events
from serving_cpu import HERE, ROUNDS, Way, cpu_seconds, load, serving, settings_for, tell, variables

from dinnerkit import Kit, Settings
from dinnerkit.accounts.passwords import Passwords
from dinnerkit.accounts.service import AccountService, NewUser
from dinnerkit.backends.database import embedded
from dinnerkit.ports.offload import inline

PASSWORD = "a password for this benchmark alone"  # noqa: S105
AT_ONCE = 8
THREADS = max(2, len(os.sched_getaffinity(0)))
"""As :class:`dinnerkit.serving.offload.GeventOffload` has."""
LOGINS = 160
PASSED_BY = 400
"""Other requests, by four connections."""


def register(kit: Kit, passwords: Passwords, file: Path) -> None:
    """Users with a password, and the requests by which each of them signs in once a round."""
    emails = [f"guest-{number}@example.org" for number in range(LOGINS)]
    kit.service(AccountService).import_users([NewUser(email=email, name="Gus") for email in emails])
    kit.database["users"].update_many({"email": {"$in": emails}}, {"$set": {"password": passwords.hash(PASSWORD)}})
    file.write_text("".join(json.dumps({"headers": {}, "body": {"email": email, "password": PASSWORD}}) + "\n" for email in emails))


def hashing(passwords: Passwords) -> tuple[list[float], float]:
    """Seconds that each check of a password took, on as many threads as the server has for them, and the CPU of all."""
    kept = passwords.hash(PASSWORD)

    def check(_: int) -> float:
        began = time.perf_counter()
        passwords.matches(kept, PASSWORD)
        return time.perf_counter() - began

    with ThreadPoolExecutor(THREADS) as pool:
        list(pool.map(check, range(THREADS)))  # after which they have their memory
        before = time.process_time()
        took = list(pool.map(check, range(LOGINS)))
        return took, time.process_time() - before


@contextmanager
def signing_in(port: int, posts: Path) -> Iterator[None]:
    """Eight who sign in, again and again."""
    command = [sys.executable, "serving_load.py", "--port", str(port), "--path", "/v1/auth/login"]
    command += ["--connections", str(AT_ONCE), "--posts", str(posts)]
    busy = subprocess.Popen(command, cwd=HERE, stdout=subprocess.DEVNULL)  # noqa: S603
    try:
        yield
        if busy.poll() is not None:
            raise RuntimeError("they had all signed in before the other requests were answered: make more of them")
    finally:
        busy.terminate()
        busy.wait(60)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    passwords = Passwords(inline)
    ours = ("-k", "dinnerkit.serving.Worker")
    argon2 = Way(f"argon2 itself, {THREADS} at once", "")
    first = Way(f"POST login, {AT_ONCE} at once, for the first time", "dinners()", ours, path="/v1/auth/login", connections=AT_ONCE)
    again = Way(f"POST login, {AT_ONCE} at once, a quarter of an hour later", "dinners()", ours, path=first.path, connections=AT_ONCE)
    alone = Way("GET event, nobody signs in", "dinners()", ours, connections=4)
    beside = Way(f"GET event beside {AT_ONCE} who sign in", "dinners()", ours, connections=4)
    with TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        database = embedded(f"embedded://{folder}/database")
        given = settings_for(database.url, folder, lane="off")
        posts, many = Path(folder) / "posts", Path(folder) / "many-posts"
        with Kit.open(Settings.load(given, environ={})) as kit:
            register(kit, passwords, posts)
            event_id = publish_events(kit, 1)[0]
        many.write_text(posts.read_text() * 20)
        alone.path = beside.path = f"/v1/events/{event_id}"
        first.posts = again.posts = posts
        environ = os.environ | variables(given)
        attempts = database.database["attempts"]
        for _ in range(ROUNDS):
            took, cpu = hashing(passwords)
            argon2.took += took
            argon2.cpu += cpu
            with serving(first, environ) as (pid, port):
                load(first, port, 0)  # warms up
                attempts.delete_many({})
                for way in (first, again):
                    before = cpu_seconds(pid)
                    way.took += load(way, port, 0)
                    way.cpu += cpu_seconds(pid) - before
                    attempts.update_many({}, {"$set": {"until": datetime.now(UTC)}})
                before = cpu_seconds(pid)
                alone.took += load(alone, port, PASSED_BY)
                alone.cpu += cpu_seconds(pid) - before
                with signing_in(port, many):
                    beside.took += load(beside, port, PASSED_BY)
        database.close()
    tell("Signing in", [argon2, first, again, alone, beside], options.json, "8 or 4")


if __name__ == "__main__":
    main()

"""The member of a replica set that takes writes is killed while many book."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import NamedTuple
from uuid import uuid4

from dinnerkit import Kit, Settings
from dinnerkit.testing import settings_for_tests
from tests.fire.dinners import host_dinner
from tests.fire.serving import Client, Server, sign_in
from tests.services.replica_set import replica_set
from tests.waiting import DEADLINE

GUESTS, CONNECTIONS, BEFORE = 240, 12, 40
"""How many book, how many at once, and how many have their seats when the member is killed."""

ALONE_SECONDS = 0.5
"""How long the member that is killed has been alone: what it says in that time that only it knows is lost."""

TRIES = 1_000


class Told(NamedTuple):
    """What a guest was told in the end, and how often to come back before."""

    guest: str
    booking: str
    refused: int


def test_who_was_told_of_a_booking_has_it_and_everybody_is_answered(tmp_path: Path) -> None:
    with replica_set(tmp_path) as members:
        settings = settings_for_tests(members.url("failover"), tmp_path)
        with Kit.open(Settings(**settings)) as kit:
            kit.ensure_indexes()
            event = host_dinner(kit, seats=GUESTS + 10)
            tokens = sign_in(kit, [f"guest-{number}" for number in range(GUESTS)])
            waiting: SimpleQueue[tuple[str, str]] = SimpleQueue()
            for guest in tokens.items():
                waiting.put(guest)
            enough = threading.Semaphore(0)
            server = Server(settings, tmp_path, "--workers", "2", "--no-work")
            try:
                with ThreadPoolExecutor(CONNECTIONS) as connections:
                    booking = [connections.submit(book, server.address, event, waiting, enough) for _ in range(CONNECTIONS)]
                    for _ in range(BEFORE):
                        assert enough.acquire(timeout=DEADLINE)
                    members.lose_primary(ALONE_SECONDS)
                    told = [one for connection in booking for one in connection.result()]
            finally:
                assert server.stop() == 0

            assert {one.guest for one in told} == tokens.keys()
            assert {row["_id"]: row["user"] for row in kit.database["bookings"].find()} == {one.booking: one.guest for one in told}
            [row] = kit.database["events"].find()
            assert {hold["booking"] for hold in row["holds"]} == {one.booking for one in told}
            assert row["seats_left"] == 10


def book(address: str, event: str, waiting: SimpleQueue[tuple[str, str]], booked: threading.Semaphore) -> list[Told]:
    """Book for one guest after the other; come back with the same key where the answer is a 503, as that says.

    Or a 409: the first attempt is over, but the process that knows it could not tell.
    """
    told = []
    while True:
        try:
            guest, token = waiting.get_nowait()
        except Empty:
            return told
        client, key = Client(address, token), uuid4().hex
        for refused in range(TRIES):
            answer = client.send("POST", "/v1/bookings", {"event_id": event}, Idempotency_Key=key)
            if answer.status == 201:
                told.append(Told(guest, answer.body["id"], refused))
                booked.release()
                break
            assert (answer.status, answer.body["code"]) in {(503, "unavailable"), (409, "in_progress")}, answer
            if answer.status == 503:
                assert int(answer.headers["retry-after"]) > 0
        else:
            raise AssertionError(f"{guest} was refused {TRIES} times")
        client.close()

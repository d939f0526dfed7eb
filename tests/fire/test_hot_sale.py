"""A sale that everybody wants to be first at."""

from __future__ import annotations

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from queue import Empty, SimpleQueue

from dinnerkit import Kit, Settings
from dinnerkit.testing import settings_for_tests
from tests.fire.dinners import host_dinner
from tests.fire.serving import Answer, Client, Server, sign_in

SEATS = 100
ATTEMPTS = 1_000
CONNECTIONS = 64


def test_a_thousand_attempts_at_a_hundred_seats_hold_exactly_a_hundred(new_database_url: str, tmp_path: Path) -> None:
    settings = settings_for_tests(new_database_url, tmp_path)
    with Kit.open(Settings(**settings)) as kit:
        event = host_dinner(kit, seats=SEATS)
        waiting: SimpleQueue[str] = SimpleQueue()
        for token in sign_in(kit, [f"guest-{number}" for number in range(ATTEMPTS)]).values():
            waiting.put(token)
        server = Server(settings, tmp_path, "--workers", "2", "--no-work")
        try:
            with ThreadPoolExecutor(CONNECTIONS) as connections:
                per_connection = connections.map(lambda _: attempts(server.address, event, waiting), range(CONNECTIONS))
                answers = [answer for found in per_connection for answer in found]
        finally:
            assert server.stop() == 0

        counted = Counter((answer.status, answer.body.get("code", answer.body["status"])) for answer in answers)
        assert counted == {(201, "held"): SEATS, (409, "sold_out"): ATTEMPTS - SEATS}
        assert all(answer.body["seats_left"] == 0 for answer in answers if answer.status == 409)
        [row] = kit.database["events"].find()
        assert (row["seats_left"], len(row["holds"])) == (0, SEATS)
        held = {answer.body["id"] for answer in answers if answer.status == 201}
        assert {hold["booking"] for hold in row["holds"]} == held


def attempts(address: str, event: str, waiting: SimpleQueue[str]) -> list[Answer]:
    """Book for one guest after the other until none is left, each by a connection of their own."""
    answers = []
    while True:
        try:
            token = waiting.get_nowait()
        except Empty:
            return answers
        client = Client(address, token)
        answers.append(client.send("POST", "/v1/bookings", {"event_id": event}))
        client.close()

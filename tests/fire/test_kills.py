"""Bookings made, paid and cancelled over HTTP while the processes that serve them are killed."""

from __future__ import annotations

import random
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from http.client import HTTPException
from pathlib import Path
from typing import Any

from pymongo.database import Database

from dinnerkit import Kit, Settings
from dinnerkit.clock import Clock, utcnow
from dinnerkit.ids import new_id
from dinnerkit.testing import StandingClock, run_background, settings_for_tests
from tests.booking.balance import books_balance
from tests.fire.dinners import host_dinner
from tests.fire.serving import Answer, Client, Server, kill, sign_in

GUESTS = 500
DINNERS = 5
SEATS = 80
CONNECTIONS = 16
PATIENCE = 4.0
FEWEST_KILLS = 12
OPTIONS = ("--workers", "2", "--work")


def test_the_books_balance_after_kills_at_random_moments(database_url: str, tmp_path: Path) -> None:
    settings = settings_for_tests(database_url, tmp_path) | {"hold_seconds": 600}
    chance = random.Random(20261122)
    with Kit.open(Settings(**settings)) as kit:
        dinners = [host_dinner(kit, seats=SEATS) for _ in range(DINNERS)]
        tokens = list(sign_in(kit, [f"guest-{number}" for number in range(GUESTS)]).values())
        crowd = [Guest(token, chance.choice(dinners), random.Random(chance.random())) for token in tokens]
        kills = under_fire(settings, tmp_path, crowd, chance)

        outcomes = Counter(guest.outcome for guest in crowd)
        assert kills >= FEWEST_KILLS
        assert outcomes["confirmed"] > GUESTS / 4, outcomes
        assert outcomes["cancelled"] > GUESTS / 20, outcomes

    later = StandingClock(utcnow())
    later.advance(hours=1)
    with Kit.open(Settings(**settings), clock=later) as kit:
        run_background(kit)
        books_balance(Aftermath(kit.database, later, tmp_path / "gateway.db", Postbox(mails(tmp_path / "mail"))))  # type: ignore[arg-type]
        promised(kit, crowd)


@dataclass(frozen=True)
class Postbox:
    mails: list[tuple[str, str]]


@dataclass(frozen=True)
class Aftermath:
    """What :func:`tests.booking.balance.books_balance` looks at."""

    database: Database[dict[str, Any]]
    clock: Clock
    books: Path
    postbox: Postbox


@dataclass
class Guest:
    """Books, pays and perhaps cancels, as long as patience lasts; remembers what was promised."""

    token: str
    dinner: str
    chance: random.Random
    outcome: str = "nothing"
    booking: str | None = None
    answers: list[Answer] = field(default_factory=list)

    def dine(self, address: str) -> None:
        client = Client(address, self.token)
        made = self.insist(client, "/v1/bookings", {"event_id": self.dinner})
        if made is None or made.status != 201:
            self.outcome = "gave up" if made is None else made.body["code"]
        else:
            self.booking, self.outcome = made.body["id"], "held"
            self.pay(client)
        client.close()

    def pay(self, client: Client) -> None:
        """Some never do; some are declined first; some must authenticate; some cancel what they have paid."""
        if self.chance.random() < 0.1:
            return
        method = self.chance.choices(["pm_card_visa", "pm_card_chargeDeclined", "pm_card_authenticationRequired"], [6, 2, 2])[0]
        paid = self.insist(client, f"/v1/bookings/{self.booking}/pay", {"payment_method": method})
        if paid is not None and paid.status == 402:
            paid = self.insist(client, f"/v1/bookings/{self.booking}/pay", {"payment_method": "pm_card_visa"})
        if paid is not None and paid.status == 202:
            answer = {"client_secret": paid.body["client_secret"], "approve": self.chance.random() < 0.8}
            self.insist(client, "/v1/payments/authentications", answer)
            self.outcome = "authenticated"
        if paid is not None and paid.status == 200:
            self.outcome = "confirmed"
            if self.chance.random() < 0.3:
                cancelled = self.insist(client, f"/v1/bookings/{self.booking}/cancel", None)
                self.outcome = "cancelled" if cancelled is not None and cancelled.status == 200 else "cancelling"

    def insist(self, client: Client, path: str, body: Any) -> Answer | None:
        """Send until there is an answer that is final, with one idempotency key; None when patience is at its end."""
        key, deadline = new_id(), time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            try:
                answer = client.send("POST", path, body, Idempotency_Key=key)
            except (OSError, HTTPException):
                threading.Event().wait(0.05)  # not for something to happen: a client that does not hammer a server that is down
                continue
            if answer.status < 500 and not (answer.status == 409 and answer.body["code"] in {"in_progress", "payment_in_progress"}):
                self.answers.append(answer)
                return answer
            threading.Event().wait(0.05)
        return None


def under_fire(settings: dict[str, Any], folder: Path, crowd: list[Guest], chance: random.Random) -> int:
    """Let the crowd dine, and whenever some more of it are through kill some process, now and then all of them; how many times."""
    server = Server(settings, folder, *OPTIONS)
    address, kills, through = server.address, 0, threading.Semaphore(0)
    with ThreadPoolExecutor(CONNECTIONS) as connections:
        dining = [connections.submit(guest.dine, address) for guest in crowd]
        for done in dining:
            done.add_done_callback(lambda _: through.release())
        left = len(crowd)
        while left > 0:
            for _ in range(some := min(left, chance.randint(5, 35))):
                through.acquire()
            left -= some
            threading.Event().wait(chance.uniform(0.0, 0.3))  # a random moment
            kills += 1
            if kills % 6 == 0:
                server.kill_everything()
                server = Server(settings, folder, *OPTIONS, bind=address)
            elif tree := server.tree():
                kill(chance.choice(tree))
        for done in dining:
            done.result()
    assert server.stop() == 0
    return kills


def promised(kit: Kit, crowd: list[Guest]) -> None:
    """Whatever a guest was told is so."""
    rows = {row["_id"]: row for row in kit.database["bookings"].find()}
    for guest in crowd:
        status = rows[guest.booking]["status"] if guest.booking else None
        if guest.outcome in {"confirmed", "cancelled"}:
            assert status == guest.outcome
        elif guest.outcome == "cancelling":
            assert status in {"confirmed", "cancelled"}
        elif guest.outcome == "held":
            assert status in {"expired", "confirmed"}
    per_guest = Counter(row["user"] for row in rows.values())
    assert max(per_guest.values()) == 1, "one attempt made two bookings"


def mails(folder: Path) -> list[tuple[str, str]]:
    """(address, subject) of each mail that was written."""
    found = [message_from_bytes(path.read_bytes(), policy=policy.default) for path in folder.glob("*.eml")]
    return [(str(mail["To"]), str(mail["Subject"])) for mail in found]

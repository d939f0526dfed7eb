"""People who book, pay, give up and cancel over HTTP, and what they were promised."""

from __future__ import annotations

import random
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from http.client import HTTPException
from typing import Any

from dinnerkit.ids import new_id
from dinnerkit.kit import Kit
from tests.fire.serving import Answer, Client


@dataclass
class Guest:
    """Books, pays and perhaps cancels, as long as patience lasts; remembers what was promised.

    Attributes:
        patience: seconds for which they go on asking; longer than MongoDB or a server takes to come back.
    """

    token: str
    dinner: str
    chance: random.Random
    patience: float = 6.0
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
        """Some never do; three in ten are declined at first; some must authenticate; some cancel what they have paid."""
        if self.chance.random() < 0.1:
            return
        method = self.chance.choices(["pm_card_visa", "pm_card_chargeDeclined", "pm_card_authenticationRequired"], [5, 3, 2])[0]
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
        key, deadline = new_id(), time.monotonic() + self.patience
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

"""Visits: seven of ten visitors sign in; all browse, and of those who have signed in some book. Between two steps they think."""

from __future__ import annotations

import os
import random
import time
from itertools import cycle
from pathlib import Path
from typing import Any

from locust import HttpUser, constant, task
from locust.exception import StopUser

PASSWORD = os.environ["LOADTEST_PASSWORD"]
GUESTS = cycle(Path(os.environ["LOADTEST_GUESTS"]).read_text("utf-8").split())
LEAST_THINK, MOST_THINK = (float(seconds) for seconds in os.environ.get("LOADTEST_THINK", "2-10").split("-"))
SIGNED_IN = float(os.environ.get("LOADTEST_SIGNED_IN", "0.7"))
BOOKING = float(os.environ.get("LOADTEST_BOOKING", "0.33"))
CITIES = ("Lisbon", "Berlin")
TAKEN = {409}
"""What a guest may be told who wants a seat: that there is none left, or that they have one."""


class Visitor(HttpUser):
    """Somebody who comes, looks around and leaves, and then the next one."""

    wait_time = constant(0)  # the thinking is within the visit

    def on_start(self) -> None:
        self.known: dict[str, tuple[str, Any]] = {}

    def think(self) -> None:
        time.sleep(random.uniform(LEAST_THINK, MOST_THINK))  # noqa: S311 - locust's own greenlets

    @task
    def visit(self) -> None:
        """One visit, of a guest or of somebody who only looks."""
        self.known.clear()
        token = self.sign_in(next(GUESTS)) if random.random() < SIGNED_IN else ""  # noqa: S311
        self.think()
        dinner = self.browse()
        if dinner and token and random.random() < BOOKING:  # noqa: S311
            self.think()
            self.book(dinner, token)
        self.think()

    def sign_in(self, address: str) -> str:
        body = {"email": address, "password": PASSWORD}
        with self.client.post("/v1/auth/login", json=body, name="POST /v1/auth/login", catch_response=True) as answer:
            if answer.status_code != 200:
                answer.failure(f"{address} can't sign in: {answer.status_code}")
                raise StopUser
            return str(answer.json()["access_token"])

    def browse(self) -> str:
        """Look at a list, search, and look at up to three dinners; the last one, or nothing."""
        city = random.choice(CITIES)  # noqa: S311
        items = self.read(f"/v1/events?city={city}&limit=20", "GET /v1/events")["items"]
        self.think()
        self.read("/v1/search/events?q=soup", "GET /v1/search/events")
        seen = random.choices(items, k=3) if items else []  # noqa: S311
        for item in seen:
            self.think()
            self.read(f"/v1/events/{item['id']}", "GET /v1/events/{id}")
        return str(seen[-1]["id"]) if seen else ""

    def read(self, path: str, name: str) -> Any:
        """A public page, asked for as browsers do: who has it already is told 304."""
        etag, known = self.known.get(path, ("", None))
        headers = {"Accept-Encoding": "gzip"} | ({"If-None-Match": etag} if etag else {})
        with self.client.get(path, headers=headers, name=name, catch_response=True) as answer:
            if answer.status_code == 304 and etag:
                answer.success()
                return known
            if answer.status_code != 200:
                answer.failure(f"{answer.status_code}")
                raise StopUser
            self.known[path] = answer.headers["ETag"], answer.json()
            return self.known[path][1]

    def book(self, dinner: str, token: str) -> None:
        own = {"Authorization": f"Bearer {token}"}
        with self.client.post(
            "/v1/bookings", json={"event_id": dinner}, headers=own, name="POST /v1/bookings", catch_response=True
        ) as answer:
            if answer.status_code in TAKEN:
                answer.success()
        self.think()
        self.client.get("/v1/bookings", headers=own, name="GET /v1/bookings")

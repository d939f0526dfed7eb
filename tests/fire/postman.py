"""Somebody who delivers a gateway's webhooks as badly as the network may: twice, in another order, and long after."""

from __future__ import annotations

import random
import threading
from http.client import HTTPConnection, HTTPException

from dinnerkit.plugins import open_backend
from dinnerkit.ports.local_gateway import SignedWebhook

_ROUND = 40
_REMEMBERED = 2_000


class Postman:
    """Hands the sandbox's webhooks in over HTTP from a thread of its own, beside the worker that fetches them itself.

    It acknowledges nothing, so that whatever it delivers comes again; a server that is down costs it a letter.
    """

    def __init__(self, gateway_url: str, address: str, chance: random.Random) -> None:
        self._gateway = open_backend("gateway", gateway_url)
        self._address = address
        self._chance = chance
        self._seen: dict[str, SignedWebhook] = {}
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self.delivered = 0
        self.refused = 0

    def __enter__(self) -> Postman:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()
        self._gateway.close()

    def _run(self) -> None:
        while not self._stop.wait(0.05):
            self._seen |= {webhook.id: webhook for webhook in self._gateway.due_webhooks()}
            letters = self._chance.choices(list(self._seen.values()), k=_ROUND) if self._seen else []
            for letter in letters:
                self._deliver(letter)
            while len(self._seen) > _REMEMBERED:
                self._seen.pop(next(iter(self._seen)))

    def _deliver(self, letter: SignedWebhook) -> None:
        connection = HTTPConnection(self._address, timeout=5)
        try:
            headers = {"Content-Type": "application/json", **letter.headers}
            connection.request("POST", "/v1/payments/webhooks/sandbox", letter.body, headers)
            status = connection.getresponse().status
        except (OSError, HTTPException):
            return
        finally:
            connection.close()
        self.delivered += status == 204
        self.refused += 400 <= status < 500

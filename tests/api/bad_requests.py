"""How what nobody should send is sent, by whom, and what a server holds then."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from http.client import HTTPConnection
from typing import Any
from uuid import uuid4

from dinnerkit import Kit
from dinnerkit.accounts.secrecy import Keys, SignedTokens
from dinnerkit.accounts.service import AccountService, NewUser
from dinnerkit.backends.sandbox import SandboxGateway
from dinnerkit.backends.signatures import sign
from dinnerkit.booking.store import BookingStore
from dinnerkit.booking.tickets import Tickets
from dinnerkit.clock import utcnow
from dinnerkit.ids import new_id
from dinnerkit.secret_key import secret_key
from tests.fire.serving import Answer, bearer_tokens

WEBHOOK = "/v1/payments/webhooks/sandbox"
VISA = {"payment_method": "pm_card_visa"}


@dataclass(slots=True)
class Stage:
    """A server, and who speaks to it."""

    kit: Kit
    address: str
    event: str
    tokens: dict[str, str]

    @property
    def gateway(self) -> SandboxGateway:
        gateway = self.kit.backends.gateway
        assert isinstance(gateway, SandboxGateway)
        return gateway

    def raw(self, method: str, path: str, body: Any, headers: dict[str, str]) -> Answer:
        """Send exactly that on a connection of its own."""
        connection = HTTPConnection(self.address, timeout=30)
        try:
            connection.putrequest(method, path, skip_accept_encoding=True)
            for name, value in headers.items():
                connection.putheader(name, value)
            if not {"Content-Length", "Transfer-Encoding"} & headers.keys():
                connection.putheader("Content-Length", str(len(body)))
            connection.endheaders()
            with suppress(BrokenPipeError, ConnectionResetError):  # it was refused before all of it was read
                connection.send(body)
            response = connection.getresponse()
            found = response.read()
            names = {name.lower(): value for name, value in response.getheaders()}
            return Answer(response.status, names, json.loads(found) if "json" in names.get("content-type", "") else found)
        finally:
            connection.close()

    def send(self, method: str, path: str, body: Any = None, who: str = "guest", **headers: str) -> Answer:
        """Send JSON, or bytes as they are."""
        others = {name.replace("_", "-"): value for name, value in headers.items()}
        sent = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
        sign_in = {"Authorization": f"Bearer {self.tokens[who]}"} if who else {}
        return self.raw(method, path, sent, {"Content-Type": "application/json"} | sign_in | others)

    def rows(self) -> dict[str, int]:
        """How much there is of everything that such a request could make."""
        names = ("events", "bookings", "payments", "vouchers", "gateway_notifications", "seatings")
        return {name: self.kit.database[name].count_documents({}) for name in names}

    def guest(self) -> str:
        """Somebody new, signed in: the name of their token."""
        name = new_id()
        [user] = self.kit.service(AccountService).import_users([NewUser(email=f"{name}@example.org", name="Gina Guest")])
        self.tokens[name] = bearer_tokens(self.kit, [user])[user]
        return name

    def booked(self, who: str) -> str:
        """The id of a booking of one seat, held."""
        booking: str = self.send("POST", "/v1/bookings", {"event_id": self.event}, who).body["id"]
        return booking

    def signed(self, body: bytes) -> Answer:
        """Send a webhook as the gateway would."""
        return self.send("POST", WEBHOOK, body, "", **named(self.gateway.sign(body)))


def named(headers: dict[str, str]) -> dict[str, str]:
    """Headers as keywords."""
    return {name.replace("-", "_"): value for name, value in headers.items()}


Send = Callable[[Stage], Answer]


def event(**changes: Any) -> dict[str, Any]:
    """A draft of an event, as a host sends it."""
    return {
        "title": "Supper",
        "cuisine": "Thai",
        "starts_at": (utcnow() + timedelta(days=9)).isoformat().replace("+00:00", "Z"),
        "timezone": "Europe/Berlin",
        "city": "Berlin",
        "venue": {"name": "Kantine", "location": {"lat": 52.5, "lon": 13.4}},
        "seats": 4,
        "price": {"amount": 100, "currency": "EUR"},
    } | changes


def draft(**changes: Any) -> Send:
    return lambda stage: stage.send("POST", "/v1/events", event(**changes), "host")


def draft_text(old: str, new: str) -> Send:
    """A draft whose JSON text is changed, to what no JSON writer would write."""
    return lambda stage: stage.send("POST", "/v1/events", json.dumps(event()).replace(old, new).encode(), "host")


def published(**changes: Any) -> Send:
    def send(stage: Stage) -> Answer:
        made = stage.send("POST", "/v1/events", event(**changes), "host")
        return stage.send("POST", f"/v1/events/{made.body['id']}/publish", who="host") if made.status == 201 else made

    return send


def priced(amount: Any, currency: Any = "EUR") -> Send:
    return draft(price={"amount": amount, "currency": currency})


def voucher(**terms: Any) -> Send:
    return lambda stage: stage.send("POST", "/v1/vouchers", {"kind": "amount"} | terms, "host")


def booking(**body: Any) -> Send:
    return lambda stage: stage.send("POST", "/v1/bookings", {"event_id": stage.event} | body, stage.guest())


def paying(**body: Any) -> Send:
    def send(stage: Stage) -> Answer:
        who = stage.guest()
        return stage.send("POST", f"/v1/bookings/{stage.booked(who)}/pay", VISA | body, who)

    return send


def webhook(body: bytes = b'{"id": "evt_1", "type": "payment_intent.succeeded"}', **headers: str) -> Send:
    return lambda stage: stage.send("POST", WEBHOOK, body, "", **headers)


def forged(change: Callable[[Stage, bytes, str], tuple[bytes, str]]) -> Send:
    """A webhook whose body or signature was changed on its way."""

    def send(stage: Stage) -> Answer:
        body = json.dumps({"id": f"evt_{uuid4()}", "type": "payment_intent.succeeded"}).encode()
        [(header, signature)] = stage.gateway.sign(body).items()
        changed, other = change(stage, body, signature)
        return stage.send("POST", WEBHOOK, changed, "", **named({header: other}))

    return send


def signed_at(offset: timedelta) -> Send:
    def change(stage: Stage, body: bytes, _: str) -> tuple[bytes, str]:
        return body, sign(stage.gateway._secrets[0], body, int((utcnow() + offset).timestamp()))

    return forged(change)


def booked_twice(stage: Stage) -> Answer:
    who = stage.guest()
    stage.booked(who)
    return stage.send("POST", "/v1/bookings", {"event_id": stage.event}, who)


def with_key(*, other: Any = None, other_path: str = "", other_guest: bool = False) -> Send:
    """The same Idempotency-Key twice; what of the second request is another."""

    def send(stage: Stage) -> Answer:
        key, who = new_id(), stage.guest()
        sent = {"event_id": stage.event}
        stage.send("POST", "/v1/bookings", sent, who, Idempotency_Key=key)
        again = stage.guest() if other_guest else who
        return stage.send("POST", other_path or "/v1/bookings", other or sent, again, Idempotency_Key=key)

    return send


def paid_twice(stage: Stage) -> Answer:
    who = stage.guest()
    path = f"/v1/bookings/{stage.booked(who)}/pay"
    assert stage.send("POST", path, VISA, who).status == 200
    return stage.send("POST", path, VISA, who)


def cancelled_twice(stage: Stage) -> Answer:
    who = stage.guest()
    path = f"/v1/bookings/{stage.booked(who)}/cancel"
    stage.send("POST", path, None, who)
    return stage.send("POST", path, None, who)


def webhook_twice(stage: Stage) -> Answer:
    body = json.dumps({"id": f"evt_{uuid4()}", "type": "payment_intent.succeeded", "charge": "ch_none"}).encode()
    assert stage.signed(body).status == 204
    return stage.signed(body)


def ticket_twice(stage: Stage) -> Answer:
    who = stage.guest()
    booked = stage.booked(who)
    stage.send("POST", f"/v1/bookings/{booked}/pay", VISA, who)
    found = stage.kit.service(BookingStore).find(booked)
    assert found
    ticket = {"ticket": Tickets(Keys(secret_key(stage.kit.settings)).derive("tickets")).of(found)}
    path = f"/v1/events/{stage.event}/check-in"
    stage.send("POST", path, ticket, "host")
    return stage.send("POST", path, ticket, "host")


def token(purpose: str = "access", *, ends: timedelta = timedelta(hours=1), secret: str = "", cut: int = 0) -> Send:
    """A request with an access token that is not right."""

    def send(stage: Stage) -> Answer:
        keys = Keys(secret or secret_key(stage.kit.settings))
        now = utcnow() - timedelta(hours=2)
        made = SignedTokens(keys, purpose).sign({"sub": new_id(), "sid": new_id()}, now=now, expires_at=utcnow() + ends)
        return stage.send("GET", "/v1/me", who="", Authorization=f"Bearer {made[: len(made) - cut]}")

    return send


def of_size(size: int, **headers: str) -> Send:
    return lambda stage: stage.send("POST", "/v1/bookings", b'{"event_id": "' + b"a" * size + b'"}', **headers)


def chunked(size: int) -> Send:
    body = b"%x\r\n" % size + b"a" * size + b"\r\n0\r\n\r\n"
    return lambda stage: stage.send("POST", "/v1/bookings", body, Transfer_Encoding="chunked")


def titled(title: str) -> Send:
    return draft(title=title)


def registered(**changes: Any) -> Send:
    body = {"email": f"{uuid4()}@example.org", "password": "plum lantern orbit", "name": "Ada"} | changes
    return lambda stage: stage.send("POST", "/v1/auth/register", body, "")

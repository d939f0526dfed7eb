"""What examples/deploy/nginx.conf does in front of a real server."""

from __future__ import annotations

import gzip
import http.client
import json
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest

from dinnerkit import Kit, Settings
from dinnerkit.accounts.service import AccountService, NewUser
from dinnerkit.booking.service import BookingService
from dinnerkit.ids import new_id
from tests.fire.dinners import host_dinner
from tests.fire.serving import bearer_tokens
from tests.live.talking import Talk
from tests.services.processes import free_port, missing, running
from tests.serving.processes import serving
from tests.waiting import DEADLINE, until

CONF = Path(__file__).parents[2] / "examples/deploy/nginx.conf"
LIST = "/v1/events?city=munchen"
PLACES = "client_body_temp_path proxy_temp_path fastcgi_temp_path uwsgi_temp_path scgi_temp_path"
LIMIT = 12


@dataclass(frozen=True)
class Answer:
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def cached(self) -> str:
        return self.headers.get("X-Cache-Status", "")


@pytest.fixture
def kit(environ: dict[str, str]) -> Iterator[Kit]:
    with Kit.open(Settings.load(environ=environ)) as opened:
        yield opened


@pytest.fixture
def start(environ: dict[str, str], tmp_path: Path) -> Iterator[Callable[..., int]]:
    """Start the app behind nginx, whose port is told."""
    nginx = shutil.which("nginx", path=f"{os.environ['PATH']}:/usr/sbin")
    if nginx is None:
        missing("nginx", "apt-get install nginx")
    with ExitStack() as stack:

        def started(**settings: str) -> int:
            given = environ | {f"DINNERKIT_{name.upper()}": value for name, value in settings.items()}
            given |= {"DINNERKIT_LANE": "on", "DINNERKIT_TRUSTED_PROXIES": "1"}
            app = stack.enter_context(serving(given, "--workers", "1", cwd=tmp_path))
            port, conf = free_port(), tmp_path / "nginx.conf"
            conf.write_text(configured(tmp_path, port, app.port), "utf-8")
            stack.enter_context(running([nginx, "-e", "stderr", "-c", str(conf), "-g", "daemon off; master_process off;"], port))
            return port

        yield started


def configured(folder: Path, port: int, app: int) -> str:
    """The example, with the host, ports and paths of this test."""
    own = {
        "127.0.0.1:8000": f"127.0.0.1:{app}",
        "server_name dinners.example;": "server_name 127.0.0.1;",
        "listen 80": f"listen 127.0.0.1:{port}",
        "/var/cache/nginx/dinnerkit": str(folder / "cache"),
        "/var/log/nginx/error.log": "stderr",
        "/run/nginx.pid": str(folder / "nginx.pid"),
        "worker_rlimit_nofile 65536;": "",
        "http {": "http {" + "".join(f"\n    {place} {folder / place};" for place in PLACES.split()),
    }
    text = CONF.read_text("utf-8")
    for was, now in own.items():
        assert was in text
        text = text.replace(was, now)
    return text


def ask(port: int, path: str = LIST, source: str = "127.0.0.1", **headers: str) -> Answer:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=DEADLINE, source_address=(source, 0))
    try:
        connection.request("GET", path, headers={name.replace("_", "-"): value for name, value in headers.items()})
        response = connection.getresponse()
        return Answer(response.status, dict(response.getheaders()), response.read())
    finally:
        connection.close()


def hit(port: int, **headers: str) -> Answer:
    """An answer that nginx gives without the app; one of a second's age is asked for anew, so it is looked for."""
    answers: list[Answer] = []
    until(lambda: answers.append(ask(port, **headers)) or answers[-1].cached == "HIT", "a hit")
    return answers[-1]


def test_public_answers_are_kept_for_a_second_and_nobodys_own_ever(start: Callable[..., int], kit: Kit) -> None:
    event = host_dinner(kit, seats=100)
    host_dinner(kit, seats=5)  # a list of one is too short to be compressed
    (user,) = kit.service(AccountService).import_users([NewUser(email="ada@example.org", name="Ada")])
    token = bearer_tokens(kit, [user])[user]
    port = start(rate_limit="off")

    plain = hit(port)
    again = hit(port)
    assert (plain.status, json.loads(plain.body)["items"][0]["id"]) == (200, event)
    assert plain.body == again.body
    assert plain.headers["X-Request-Id"] != again.headers["X-Request-Id"]
    packed: list[Answer] = []
    until(lambda: packed.append(hit(port, Accept_Encoding="gzip, deflate")) or "Content-Encoding" in packed[-1].headers, "it is compressed")
    assert gzip.decompress(packed[-1].body) == plain.body
    assert "Content-Encoding" not in hit(port, Accept_Encoding="gzip;q=0").headers
    same = ask(port, If_None_Match=plain.headers["ETag"])
    assert (same.status, same.body) == (304, b"")
    assert hit(port).body == plain.body

    for own in ({"Authorization": f"Bearer {token}"}, {"Cookie": "a=b"}, {"Cookie": "0"}, {"Range": "bytes=0-3"}):
        answers = [ask(port, **own) for _ in range(2)]
        assert {answer.cached for answer in answers} == {"BYPASS"}, own
    assert hit(port).body == plain.body
    missed = f"/v1/events/{new_id()}"
    assert [(ask(port, missed).status, ask(port, missed).cached) for _ in range(2)] == [(404, "MISS")] * 2
    assert not any(ask(port, path).cached for path in ("/", "/events", "/v1/hosting/events", "/health/live"))
    assert ask(port, Host="elsewhere.example").status == 421
    assert "evil" not in ask(port, f"{LIST}&limit=3", X_Forwarded_Host="evil.example", X_Forwarded_Prefix="/evil").body.decode()

    kit.service(BookingService).reserve(user, event, 7, booking_id=new_id())
    until(lambda: json.loads(ask(port).body)["items"][0]["seats_left"] == 93, "the seats are another number")
    until(lambda: ask(port).cached == "REVALIDATED", "the app says that it still holds")


def test_the_app_knows_who_asks_and_live_updates_pass(start: Callable[..., int], kit: Kit) -> None:
    event = host_dinner(kit, seats=100)
    (user,) = kit.service(AccountService).import_users([NewUser(email="ada@example.org", name="Ada")])
    port = start(rate_limit=f"{LIMIT} per hour")
    with Talk(f"http://127.0.0.1:{port}", token=bearer_tokens(kit, [user])[user]) as talk:
        talk.ask(type="watch", topic="event", event_id=event)
        assert talk.until(type="event")["seats_left"] == 100
        kit.service(BookingService).reserve(user, event, 3, booking_id=new_id())
        assert talk.until(type="event", seats_left=97)

    def asked(source: str, first: int) -> list[int]:
        """For answers that nginx does not have, by the lane and by Flask in turn, each time as somebody else."""
        found = []
        for number in range(first, first + LIMIT + 2):
            forged = {"X_Forwarded_For": f"10.0.0.{number}", "Forwarded": f"for=10.0.0.{number}"}
            own = {"Cookie": "a=b"} if number % 2 else {}
            found.append(ask(port, f"{LIST}&limit={number}", source, **forged, **own).status)
        return found

    for source, first in (("127.0.0.2", 1), ("127.0.0.3", 51)):
        assert asked(source, first) == [200] * LIMIT + [429] * 2

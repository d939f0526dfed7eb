"""Mails by SMTP, to a real server on this machine."""

from __future__ import annotations

import smtplib
from collections.abc import Iterator
from email import message_from_bytes
from email.policy import default
from pathlib import Path
from typing import Any

import pytest

from dinnerkit.accounts.service import AccountService
from dinnerkit.backends.smtp import SmtpMailer
from dinnerkit.errors import SettingError, Unavailable
from dinnerkit.kit import Kit
from dinnerkit.plugins import open_backend
from dinnerkit.ports.mailer import MailRefused
from dinnerkit.settings import Settings
from dinnerkit.testing import StandingClock, run_background, settings_for_tests
from tests.backends.test_mail import mail
from tests.services.mail_server import PASSWORD, USER, MailServer, mail_server
from tests.services.redis import certificates


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    return certificates(tmp_path_factory.mktemp("keys"))


@pytest.fixture
def server() -> Iterator[MailServer]:
    with mail_server() as running:
        yield running


@pytest.mark.parametrize("scheme", ["smtp", "smtps"])
def test_mails_and_the_password_are_encrypted_and_the_other_side_is_who_it_says(keys: tuple[Path, Path], scheme: str) -> None:
    with mail_server(keys, implicit=scheme == "smtps") as server:
        here = f"127.0.0.1:{server.port}"
        known = open_backend("mail", f"{scheme}://{USER}:{PASSWORD}@{here}?ca={keys[1]}")
        known.ping()
        known.send(mail())
        assert (server.encrypted, server.to) == ([True], ["ada@example.org"])
        for url in (f"{scheme}://{USER}:{PASSWORD}@{here}", f"{scheme}://{USER}:wrong@{here}?ca={keys[1]}"):
            with pytest.raises(Unavailable) as caught:
                open_backend("mail", url).ping()
            assert PASSWORD not in str(caught.value)
        assert len(server.mails) == 1


def test_who_registers_gets_the_mail(server: MailServer, database_url: str, tmp_path: Path) -> None:
    url = f"smtp://127.0.0.1:{server.port}?tls=no"
    with Kit.open(Settings(**settings_for_tests(database_url, tmp_path, mail=url)), clock=StandingClock()) as kit:
        kit.service(AccountService).register(email="ada@example.org", password="sea otters hold hands", name="Ada")
        run_background(kit)
    assert server.to == ["ada@example.org"]
    assert "/verify?token=" in message_from_bytes(server.mails[0], policy=default).get_body(("plain",)).get_content()


def test_a_server_that_does_not_encrypt_gets_nothing_unless_we_say_so(server: MailServer) -> None:
    with pytest.raises(Unavailable, match="does not encrypt; tls=no sends in the clear"):
        open_backend("mail", f"smtp://127.0.0.1:{server.port}").send(mail())
    assert server.mails == []
    open_backend("mail", f"smtp://127.0.0.1:{server.port}?tls=no").send(mail())
    assert len(server.mails) == 1


@pytest.mark.parametrize("about", ["RCPT", "DATA"])
@pytest.mark.parametrize(
    ("answer", "error"), [("451 greylisted, ada@example.org", Unavailable), ("421 closing", Unavailable), ("550 no such user", MailRefused)]
)
def test_later_is_later_and_never_is_never(server: MailServer, answer: str, error: type[Exception], about: str) -> None:
    server.answer, server.about = answer, about
    mailer = SmtpMailer("127.0.0.1", server.port, tls="no")
    with pytest.raises(error) as caught:
        mailer.send(mail())
    assert "ada" not in str(caught.value)
    assert answer[:3] in str(caught.value)
    server.answer = ""
    mailer.send(mail())
    assert len(server.mails) == 1


def test_who_asks_for_the_health_does_not_wait_as_long_as_a_mail(server: MailServer, monkeypatch: pytest.MonkeyPatch) -> None:
    waits: list[float] = []

    class Noted(smtplib.SMTP):
        def __init__(self, *place: Any, timeout: float) -> None:
            waits.append(timeout)
            super().__init__(*place, timeout=timeout)

    monkeypatch.setattr(smtplib, "SMTP", Noted)
    mailer = SmtpMailer("127.0.0.1", server.port, tls="no", timeout=60)
    mailer.ping()
    mailer.send(mail())
    assert waits == [2.0, 60]


def test_addresses_beyond_ascii_arrive_and_hidden_ones_stay_hidden(server: MailServer) -> None:
    made = mail()
    del made["To"]
    made["To"] = "jürgen@exämple.org"
    made["Bcc"] = "eve@example.org"
    SmtpMailer("127.0.0.1", server.port, tls="no").send(made)
    assert server.to == ["jürgen@exämple.org", "eve@example.org"]
    assert b"eve@" not in server.mails[0]
    assert made["Bcc"] == "eve@example.org"


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("smtp://", "is not smtp://USER:PASSWORD@HOST:PORT"),
        ("smtp://:hidden@", "is not smtp://USER:PASSWORD@HOST:PORT"),
        ("smtp://me:hidden@mail.example:port", "is not smtp://USER:PASSWORD@HOST:PORT"),
        ("smtp://me:hidden@mail.example/inbox", "is not smtp://USER:PASSWORD@HOST:PORT"),
        ("smtp://me:hidden@mail.example?tls=no", "with tls=no the password would go to mail.example in the clear"),
        ("smtps://me:hidden@mail.example?tls=no", "with smtps:// it is yes"),
        ("smtp://me:hidden@mail.example?tls=maybe", "tls is yes or no"),
        ("smtp://me:hidden@mail.example?timeout=0", "timeout is a number of seconds up to 120"),
        ("smtp://me:hidden@mail.example?timeout=soon", "timeout is a number of seconds up to 120"),
        ("smtp://me:hidden@mail.example?retries=1", "has no option 'retries'"),
    ],
)
def test_what_is_wrong_is_said_without_the_password(url: str, words: str) -> None:
    with pytest.raises(SettingError) as caught:
        open_backend("mail", url)
    assert words in caught.value.message
    assert "hidden" not in caught.value.message


def test_what_is_not_said_has_defaults() -> None:
    assert open_backend("mail", "smtp://me:p%40ss@mail.example") == SmtpMailer("mail.example", 587, "me", "p@ss")
    assert open_backend("mail", "smtps://[::1]") == SmtpMailer("::1", 465, tls="tls")
    assert "p@ss" not in repr(open_backend("mail", "smtp://me:p%40ss@mail.example"))

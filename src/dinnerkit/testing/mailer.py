"""What every mailer must do, as tests: subclass :class:`MailerContract`, give one fixture, and run pytest.

from dinnerkit.testing import MailerBench, MailerContract

class TestOurMailer(MailerContract):
    @pytest.fixture
    def bench(self, server):
        return MailerBench(open=lambda: open_mailer(server.url), received=lambda: server.mails)
"""

from __future__ import annotations

import email
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass
from email.message import EmailMessage
from email.policy import default
from functools import partial

import pytest

from dinnerkit.errors import Unavailable
from dinnerkit.ids import new_id
from dinnerkit.ports.mailer import Mailer
from dinnerkit.testing.away import away, told_of_itself
from dinnerkit.testing.bench import Bench
from dinnerkit.testing.expecting import (
    ContractBroken,
    all_answered,
    at_once,
    closes_twice,
    expect,
    keeps_secrets,
    needed,
    refused_soon,
    told_by,
)

__all__ = ["ContractBroken", "MailerBench", "MailerContract"]

_TO = "ada.lovelace@example.org"
_TEXT = "Grüße aus der Küche\n.\n.. a line that begins with a dot\nFrom here on: " + "long " * 300 + "\n"
_HTML = "<p>Grüße aus der <b>Küche</b></p>\n"
_ENTRY = bytes(range(256)) * 8
_THREADS, _EACH = 6, 5


@dataclass(frozen=True, kw_only=True, slots=True)
class MailerBench(Bench[Mailer]):
    """What the author of a mailer gives to the tests, beside what :class:`~dinnerkit.testing.bench.Bench` says.

    Attributes:
        received: all mails that are in the hands of whoever they are handed to, each as the bytes of its file; asked without waiting.
        at_once: seconds within which a call must have failed where the service is silent: a worker waits for it.
    """

    received: Callable[[], Sequence[bytes]]
    at_once: float = 15.0


class MailerContract:
    """The tests that every mailer must pass."""

    @pytest.fixture
    def bench(self) -> MailerBench:
        """The mailer to be tested: the one fixture that a subclass gives."""
        raise NotImplementedError(f"{type(self).__name__} must define a fixture `bench` that gives a MailerBench")

    def test_it_speaks_through_the_port(self, bench: MailerBench) -> None:
        """The core knows a mailer by its methods."""
        with closing(bench.open()) as mailer:
            expect(isinstance(mailer, Mailer), f"{type(mailer).__name__} lacks a method of dinnerkit.ports.mailer.Mailer")
            mailer.ping()

    def test_a_mail_arrives_whole_and_is_there_once_it_was_sent(self, bench: MailerBench) -> None:
        """Nothing waits in this process, which may end now."""
        mail = _mail()
        with closing(bench.open()) as mailer:
            mailer.send(mail)
            _expect_arrived(bench, mail)

    def test_what_was_sent_outlives_who_sent_it(self, bench: MailerBench) -> None:
        """A mail is not lost by a restart."""
        mail = _mail()
        with closing(bench.open()) as mailer:
            mailer.send(mail)
        with closing(bench.open()):
            _expect_arrived(bench, mail)

    def test_a_repeated_mail_is_known_by_its_message_id(self, bench: MailerBench) -> None:
        """A worker that was killed sends again; sending changes nothing of the mail."""
        mail = _mail()
        before = mail.as_bytes()
        with closing(bench.open()) as mailer:
            mailer.send(mail)
            expect(mail.as_bytes() == before, "sending a mail has changed the mail that it was given")
            mailer.send(mail)
            _expect_arrived(bench, mail)

    def test_mails_at_the_same_time_do_not_get_mixed_up(self, bench: MailerBench) -> None:
        """Each arrives, as it was."""
        with closing(bench.open()) as mailer:

            def work() -> list[EmailMessage]:
                mails = [_mail() for _ in range(_EACH)]
                for mail in mails:
                    mailer.send(mail)
                return mails

            sent = [mail for each in all_answered(at_once([work] * _THREADS, "sending at once"), "sending at once") for mail in each]
            arrived = _arrived(bench)
            lost = [mail for mail in sent if mail["Message-ID"] not in arrived]
            expect(not lost, f"of {len(sent)} mails that were sent at the same time {len(lost)} did not arrive")
            mixed = sum(arrived[mail["Message-ID"]]["Subject"] != mail["Subject"] for mail in sent)
            expect(not mixed, f"of {len(sent)} mails that were sent at the same time {mixed} have the words of another")

    @pytest.mark.parametrize("place", ["silent", "closed", "rude"])
    def test_without_its_service_it_raises_soon(self, bench: MailerBench, place: str) -> None:
        """So that the mail is kept, and sent later."""
        with away(bench, place) as mailer:
            refused_soon(Unavailable, f"the service was {place}", "it was given a mail", partial(mailer.send, _mail()), bench.at_once)
            refused_soon(Unavailable, f"the service was {place}", "it was pinged", mailer.ping, bench.at_once)

    def test_its_errors_tell_nobody_what_was_in_the_mail(self, bench: MailerBench) -> None:
        """Nor who it was to."""
        with away(bench, "closed") as mailer:
            keeps_secrets(told_by(partial(mailer.send, _mail())), [_TO, "Grüße", "Küche"])

    def test_its_secrets_stay_its_own(self, bench: MailerBench) -> None:
        """They are in no error and no representation."""
        hidden = needed(bench.secrets, "secret to look for")
        keeps_secrets(told_of_itself(bench, lambda mailer: [mailer.ping]), hidden)

    def test_it_can_be_closed_twice(self, bench: MailerBench) -> None:
        """Whoever ends must not ask who has ended before."""
        closes_twice(bench.open().close)


def _mail() -> EmailMessage:
    """A mail as ours are, with all that is hard: two forms of the text, another alphabet, dots, long lines, and bytes."""
    mark = new_id()
    mail = EmailMessage()
    mail["From"] = "dinnerkit <no-reply@localhost>"
    mail["To"] = _TO
    mail["Subject"] = f"Ein Plätzchen für dich {mark}"
    mail["Message-ID"] = f"<{mark}@localhost>"
    mail.set_content(_TEXT)
    mail.add_alternative(_HTML, subtype="html")
    mail.add_attachment(_ENTRY, maintype="application", subtype="octet-stream", filename="dinner.bin")
    return mail


def _arrived(bench: MailerBench) -> dict[str, EmailMessage]:
    """What has arrived, by its Message-ID."""
    mails = [email.message_from_bytes(each, policy=default) for each in bench.received()]
    return {str(mail["Message-ID"]): mail for mail in mails}


def _expect_arrived(bench: MailerBench, sent: EmailMessage) -> None:
    found = _arrived(bench).get(str(sent["Message-ID"]))
    if found is None:
        raise ContractBroken("a mail that was sent has not arrived when sending it has returned, or has another Message-ID")
    for header in ("From", "To", "Subject"):
        expect(str(found[header]) == str(sent[header]), f"its {header} was {str(sent[header])!r}, and arrives as {str(found[header])!r}")
    for kind, wanted in (("plain", _TEXT), ("html", _HTML)):
        part = found.get_body((kind,))
        got = "" if part is None else part.get_content().replace("\r\n", "\n")
        expect(got == wanted, f"its {kind} text has changed on the way: {_first_difference(wanted, got)}")
    attached = [part.get_content() for part in found.iter_attachments()]
    expect(attached == [_ENTRY], f"of what was attached ({len(_ENTRY)} bytes) there arrives {[len(part) for part in attached]}")


def _first_difference(wanted: str, got: str) -> str:
    place = next((i for i, (one, other) in enumerate(zip(wanted, got, strict=False)) if one != other), min(len(wanted), len(got)))
    return f"where {wanted[place : place + 20]!r} was it has {got[place : place + 20]!r}"

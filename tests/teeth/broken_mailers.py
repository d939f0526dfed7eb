"""Mailers that are wrong in one way each; the contract must tell which."""

from __future__ import annotations

from email.message import EmailMessage
from functools import partial

from dinnerkit.errors import Unavailable
from dinnerkit.testing import MailerBench
from tests.teeth import faults
from tests.teeth.meeting import Between


class Post:
    """What has been handed over."""

    def __init__(self) -> None:
        self.mails: list[bytes] = []
        self.waiting: list[bytes] = []
        self.between = Between()


class Sound:
    """A mailer that passes; it asks its service first, where it has one."""

    at_once = faults.LATE

    def __init__(self, post: Post, service: tuple[str, int] | None = None) -> None:
        self.post = post
        self.service = service

    def ask(self, mail: EmailMessage | None = None) -> None:
        try:
            faults.ask(self.service)
        except OSError as error:
            raise Unavailable("mail: the service does not answer") from error

    def send(self, mail: EmailMessage) -> None:
        self.ask(mail)
        self.deliver(self.wrapped(mail))

    def wrapped(self, mail: EmailMessage) -> bytes:
        return mail.as_bytes()

    def deliver(self, wrapped: bytes) -> None:
        self.post.mails.append(wrapped)

    def ping(self) -> None:
        self.ask()

    def close(self) -> None:
        """Nothing to give back."""


class WritesAnew(Sound):
    """Takes the mail apart, and makes another of what it has understood."""

    def wrapped(self, mail: EmailMessage) -> bytes:
        made = EmailMessage()
        for header in ("From", "To", "Subject", "Message-ID"):
            made[header] = self.understood(str(mail[header]))
        made.set_content(self.read(mail.get_body(("plain",)).get_content()))
        made.add_alternative(mail.get_body(("html",)).get_content(), subtype="html")
        return made.as_bytes()

    def understood(self, header: str) -> str:
        return header

    def read(self, text: str) -> str:
        return text


class ForgetsAttachments(WritesAnew):
    """As the one that it is made of."""


class ThinksInAscii(WritesAnew):
    def understood(self, header: str) -> str:
        return header.encode("ascii", "replace").decode()


class ManglesLinesThatBeginWithFrom(WritesAnew):
    def read(self, text: str) -> str:
        return text.replace("\nFrom ", "\n>From ")


class EndsAtALoneDot(WritesAnew):
    def read(self, text: str) -> str:
        return text.partition("\n.\n")[0] + "\n"


class SendsLater(Sound):
    """Puts what it is given into a queue of this process, which is gone with it."""

    def deliver(self, wrapped: bytes) -> None:
        self.post.waiting.append(wrapped)


class ForgetsOnRestart(Sound):
    def close(self) -> None:
        self.post.mails.clear()


class GivesAnotherMessageId(Sound):
    def wrapped(self, mail: EmailMessage) -> bytes:
        return super().wrapped(mail).replace(b"@localhost>\n", b"@relay.example>\n")


class ChangesTheMail(Sound):
    def send(self, mail: EmailMessage) -> None:
        mail["X-Sent-By"] = "ours"
        super().send(mail)


class LosesMailsAtOnce(Sound):
    def deliver(self, wrapped: bytes) -> None:
        before = list(self.post.mails)
        self.post.between.meet()
        self.post.mails = [*before, wrapped]


class MixesUpMailsAtOnce(Sound):
    """Has one subject for all that it is writing."""

    subject = ""

    def wrapped(self, mail: EmailMessage) -> bytes:
        self.subject = mail["Subject"]
        self.post.between.meet()
        changed = EmailMessage()
        changed["Message-ID"], changed["Subject"] = mail["Message-ID"], self.subject
        return changed.as_bytes()


class SwallowsErrors(Sound):
    def send(self, mail: EmailMessage) -> None:
        try:
            super().send(mail)
        except Unavailable:
            return


class RaisesAnythingElse(Sound):
    def ask(self, mail: EmailMessage | None = None) -> None:
        try:
            super().ask(mail)
        except Unavailable as error:
            raise RuntimeError("something went wrong") from error


class MakesWorkersWait(Sound):
    at_once = faults.SOON

    def ask(self, mail: EmailMessage | None = None) -> None:
        faults.insist(partial(super().ask, mail), Unavailable)


class TellsWhoItIsTo(Sound):
    def ask(self, mail: EmailMessage | None = None) -> None:
        try:
            super().ask(mail)
        except Unavailable as error:
            raise Unavailable(f"mail: the one to {mail and mail['To']} was not sent") from error


class TellsItsSecret(faults.TellsItsSecret, Sound):
    """In its representation."""


class CanNotBeClosedTwice(faults.CanNotBeClosedTwice, Sound):
    """Fails the second time."""


def bench_of(kind: type[Sound]) -> MailerBench:
    post = Post()
    return MailerBench(
        open=lambda: kind(post),
        received=lambda: post.mails,
        reach=lambda host, port: kind(post, (host, port)),
        secrets=["hunter22"],
        at_once=kind.at_once,
    )

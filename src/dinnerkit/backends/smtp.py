"""Mails by SMTP: to the server that relays them, encrypted unless it is told otherwise."""

from __future__ import annotations

import smtplib
import ssl
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from copy import copy
from dataclasses import dataclass, field, replace
from email.message import EmailMessage
from email.policy import EmailPolicy
from ipaddress import ip_address
from urllib.parse import unquote, urlsplit

from dinnerkit.errors import SettingError, Unavailable
from dinnerkit.ports.contracts import built_for
from dinnerkit.ports.mailer import Mailer, MailRefused
from dinnerkit.ports.urls import BackendUrl, mask_url, parse_url

_PORTS = {"smtp": 587, "smtps": 465}
_SECONDS = 10.0
_LONGEST_SECONDS = 120.0
_PING_SECONDS = 2.0
_PERMANENT = 500
_BAD_CREDENTIALS = (530, 534, 535, 538)
"""Codes that are about us, and not about the mail: a person has to mend the settings, and then it goes."""


@dataclass(frozen=True, slots=True)
class SmtpMailer:
    """Sends each mail over a connection of its own, so that none is lost with an idle one.

    Attributes:
        host: the server.
        port: its port.
        user: who we are there; nobody where empty.
        password: how we prove it.
        tls: ``tls`` from the first byte, ``starttls`` before anything is said, or ``no``.
        ca: the file of the certificates that are trusted; the system's where empty.
        timeout: seconds that connecting may take, and each answer.
    """

    host: str
    port: int
    user: str = ""
    password: str = field(default="", repr=False)
    tls: str = "starttls"
    ca: str = ""
    timeout: float = _SECONDS

    def send(self, mail: EmailMessage) -> None:
        """Hand the mail to the server, which has it once this has returned.

        Raises:
            Unavailable: the server can't be reached, does not know us, or wants the mail later.
            MailRefused: it does not want it at all.
        """
        sender, *others = _addresses(mail, "From")
        to = [address for header in ("To", "Cc", "Bcc") for address in _addresses(mail, header)]
        if others or not to:
            raise ValueError("a mail is from one, and to somebody")
        with self._connected() as server:
            refused = server.sendmail(sender, to, *_encoded(mail, server, [sender, *to]))
        if refused:
            raise MailRefused("mail: the server refuses some of those that it is to")

    def ping(self) -> None:
        """Reach the server, and prove who we are; with less patience than mails have, since whoever asks for the health waits.

        Raises:
            Unavailable: it can't be reached, or does not know us.
        """
        with replace(self, timeout=min(self.timeout, _PING_SECONDS))._connected() as server:
            server.noop()

    def close(self) -> None:
        """Nothing to give back."""

    @contextmanager
    def _connected(self) -> Iterator[smtplib.SMTP]:
        """A connection; neither an address nor a word of a mail is in its errors, which go to the log."""
        try:
            server = self._connect()
            try:
                self._introduce(server)
                yield server
            finally:
                with suppress(smtplib.SMTPException, OSError):  # it has the mail, or an error is on its way
                    server.quit()
                server.close()
        except smtplib.SMTPRecipientsRefused as error:
            raise _judged(min(code for code, _ in error.recipients.values())) from None
        except smtplib.SMTPResponseException as error:
            raise _judged(error.smtp_code) from None
        except smtplib.SMTPNotSupportedError:
            raise MailRefused("mail: the server can't do what this takes: encryption, a password, or addresses beyond ASCII") from None
        except (smtplib.SMTPException, OSError) as error:
            raise Unavailable(f"mail: {self.host}:{self.port} can't be reached: {type(error).__name__}") from None

    def _connect(self) -> smtplib.SMTP:
        if self.tls == "tls":
            return smtplib.SMTP_SSL(self.host, self.port, timeout=self.timeout, context=self._context())
        return smtplib.SMTP(self.host, self.port, timeout=self.timeout)

    def _introduce(self, server: smtplib.SMTP) -> None:
        if self.tls == "starttls":
            server.ehlo()
            if not server.has_extn("starttls"):
                raise Unavailable(f"mail: {self.host}:{self.port} does not encrypt; tls=no sends in the clear")
            server.starttls(context=self._context())
        if self.user:
            server.login(self.user, self.password)

    def _context(self) -> ssl.SSLContext:
        return ssl.create_default_context(cafile=self.ca or None)


@built_for(1, SmtpMailer)
def smtp(url: str) -> Mailer:
    """``smtp://USER:PASSWORD@HOST:587`` with STARTTLS, ``smtps://HOST:465`` with TLS from the first byte.

    Options: ``tls=no`` sends in the clear, and a password only on this machine; ``ca=FILE`` trusts its certificates; ``timeout=10`` is in
    seconds.

    Raises:
        SettingError: the URL is malformed, or a password would go over a network in the clear.
    """
    parsed = parse_url(url).only("tls", "ca", "timeout")
    try:
        place = urlsplit(f"//{parsed.location}")
        host, port = place.hostname or "", place.port or _PORTS[parsed.scheme]
    except ValueError:
        host, port = "", 0
    if not host or place.path:
        raise SettingError(f"mail: {mask_url(url)!r} is not {parsed.scheme}://USER:PASSWORD@HOST:PORT")
    tls = _tls(parsed)
    user, password = unquote(place.username or ""), unquote(place.password or "")
    if tls == "no" and user and not _is_here(host):
        raise SettingError(f"mail: with tls=no the password would go to {host} in the clear")
    return SmtpMailer(host, port, user, password, tls, parsed.options.get("ca", ""), _timeout(parsed))


def _addresses(mail: EmailMessage, header: str) -> list[str]:
    return [address.addr_spec for value in mail.get_all(header, []) for address in value.addresses]


def _encoded(mail: EmailMessage, server: smtplib.SMTP, addresses: list[str]) -> tuple[bytes, list[str]]:
    """The mail as it goes over the line, and what the server is told of it. smtplib's own form puts a sign before a line with "From".

    Raises:
        smtplib.SMTPNotSupportedError: an address is beyond ASCII, and the server can't do that.
    """
    sent = copy(mail)
    del sent["Bcc"]
    beyond_ascii = not all(address.isascii() for address in addresses)
    if beyond_ascii:
        server.ehlo_or_helo_if_needed()
        if not server.has_extn("smtputf8"):
            raise smtplib.SMTPNotSupportedError
    form = EmailPolicy(linesep="\r\n", utf8=beyond_ascii, cte_type="8bit" if beyond_ascii else "7bit", mangle_from_=False)
    return sent.as_bytes(policy=form), ["SMTPUTF8", "BODY=8BITMIME"] if beyond_ascii else []


def _tls(url: BackendUrl) -> str:
    wanted = url.options.get("tls", "yes")
    if wanted not in {"yes", "no"} or (url.scheme == "smtps" and wanted == "no"):
        raise SettingError(f"mail: tls is yes or no, and with smtps:// it is yes, not {wanted!r}")
    if wanted == "no":
        return "no"
    return "tls" if url.scheme == "smtps" else "starttls"


def _timeout(url: BackendUrl) -> float:
    try:
        seconds = float(url.options.get("timeout", _SECONDS))
    except ValueError:
        seconds = float("nan")
    if not 0 < seconds <= _LONGEST_SECONDS:
        raise SettingError(f"mail: timeout is a number of seconds up to {_LONGEST_SECONDS:g}, not {url.options['timeout']!r}")
    return seconds


def _is_here(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _judged(code: int) -> Unavailable | MailRefused:
    if code >= _PERMANENT and code not in _BAD_CREDENTIALS:
        return MailRefused(f"mail: the server refuses it: {code}")
    return Unavailable(f"mail: the server does not take it now: {code}")

"""The mailer port: sends one mail."""

from __future__ import annotations

from email.message import EmailMessage
from typing import ClassVar, Protocol, runtime_checkable

from dinnerkit.errors import BackendFault


class MailRefused(BackendFault):
    """The mail will not be taken as it is, such as to an address that does not exist; a person must look."""

    code: ClassVar[str] = "mail_refused"


@runtime_checkable
class Mailer(Protocol):
    """Sends mails.

    What a backend must guarantee:

    - when ``send`` returns, the whole mail is in the hands of something that keeps it over a restart of ours, byte for byte as to its parts
      and as to what people read in its headers, with its ``Message-ID``, by which whoever receives a repeated mail can tell;
    - when it raises, trying again later is harmless; it never answers as if the mail had gone where it has not;
    - the mail that it was given stays as it is, and may be sent again;
    - mails that are sent at the same time don't get mixed up, from several threads and greenlets;
    - where the service can't be reached it raises ``Unavailable`` in a matter of seconds, since a worker waits for it. Its errors name
      neither who the mail is to nor what it says: they go to the log.
    """

    def send(self, mail: EmailMessage) -> None:
        """Hand over one complete mail.

        Raises:
            Unavailable: it could not be handed over now; it is tried again, for about a day.
            MailRefused: it is never going to be taken; it is tried a few times, and then waits for a person as a dead letter.
        """
        ...

    def ping(self) -> None:
        """Reach the place that mails are handed to.

        Raises:
            Unavailable: it can't be reached.
        """
        ...

    def close(self) -> None:
        """Give back connections."""
        ...

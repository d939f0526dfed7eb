"""The mailer port: sends one mail."""

from __future__ import annotations

from email.message import EmailMessage
from typing import Protocol, runtime_checkable


@runtime_checkable
class Mailer(Protocol):
    """Sends mails.

    What a backend must guarantee: when ``send`` returns, the mail is in the hands of something that keeps it; when it raises, trying
    again later is harmless. The ``Message-ID`` of a repeated mail is the same, so that what receives it can tell.
    """

    def send(self, mail: EmailMessage) -> None:
        """Hand over one complete mail.

        Raises:
            Unavailable: it could not be handed over.
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

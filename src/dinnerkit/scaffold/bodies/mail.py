"""A mailer that sends nothing: mails stay in this process's memory, until a service of yours takes its place."""

from __future__ import annotations

from email.message import EmailMessage

from dinnerkit.ports.contracts import built_for
from dinnerkit.ports.urls import parse_url


class AcmeMail:
    """Takes mails, and keeps them as they are.

    Args:
        place: where they lie.
    """

    def __init__(self, place: str) -> None:
        self._kept = _PLACES.setdefault(place, [])

    def send(self, mail: EmailMessage) -> None:
        """Take one complete mail; a service that can't now raises ``dinnerkit.errors.Unavailable``."""
        self._kept.append(mail.as_bytes())

    def ping(self) -> None:
        """Memory is always there; a service that is not raises ``dinnerkit.errors.Unavailable``."""

    def close(self) -> None:
        """Memory has nothing to give back; a client's connections would be closed here."""


@built_for(1, AcmeMail)
def open_mail(url: str) -> AcmeMail:
    """``acme://PLACE``.

    Raises:
        SettingError: the URL has options.
    """
    return AcmeMail(parse_url(url).only().location)


def kept(place: str) -> list[bytes]:
    """The mails that lie in a place, each as the bytes of its file: what the tests ask your service for."""
    return list(_PLACES.get(place, []))


_PLACES: dict[str, list[bytes]] = {}
"""In place of the service: for each place its mails. Nothing ever leaves it."""

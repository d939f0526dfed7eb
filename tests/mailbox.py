"""The mails that a folder mailer wrote."""

from __future__ import annotations

from email import message_from_bytes, policy
from pathlib import Path


def mails(folder: Path) -> list[tuple[str, str]]:
    """(address, subject) of each mail that was written."""
    found = [message_from_bytes(path.read_bytes(), policy=policy.default) for path in folder.glob("*.eml")]
    return [(str(mail["To"]), str(mail["Subject"])) for mail in found]

"""Mails for development: on the console, or as files in a folder."""

from __future__ import annotations

import hashlib
import os
import sys
import tempfile
from email.message import EmailMessage
from pathlib import Path
from typing import TextIO

from dinnerkit.errors import SettingError, Unavailable
from dinnerkit.ports.contracts import built_for
from dinnerkit.ports.mailer import Mailer
from dinnerkit.ports.urls import parse_url

_RULE = "-" * 72


class ConsoleMailer:
    """Prints each mail on standard error, whole: it is meant to be read there."""

    def __init__(self, stream: TextIO | None = None) -> None:
        self._stream = stream

    def send(self, mail: EmailMessage) -> None:
        """Print the mail."""
        stream = self._stream or sys.stderr
        stream.write(f"{_RULE}\n{mail.as_string()}\n{_RULE}\n")
        stream.flush()

    def ping(self) -> None:
        """The console is always there."""

    def close(self) -> None:
        """Nothing to give back."""


class FolderMailer:
    """Writes each mail as an ``.eml`` file; the name comes from its Message-ID, so that a mail sent twice is one file."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def send(self, mail: EmailMessage) -> None:
        """Write the mail, whole or not at all.

        Raises:
            Unavailable: the folder can't be written.
        """
        name = hashlib.sha256(str(mail["Message-ID"]).encode()).hexdigest()[:32]
        try:
            with tempfile.NamedTemporaryFile(dir=self._folder, prefix=".", delete=False) as file:
                try:
                    file.write(mail.as_bytes())
                    file.flush()
                    Path(file.name).replace(self._folder / f"{name}.eml")
                except BaseException:
                    Path(file.name).unlink()
                    raise
        except OSError as error:
            raise Unavailable(f"mail: {self._folder} can't be written: {error.strerror}") from error

    def ping(self) -> None:
        """Look whether the folder can be written.

        Raises:
            Unavailable: it can't.
        """
        if not os.access(self._folder, os.W_OK):
            raise Unavailable(f"mail: {self._folder} can't be written")

    def close(self) -> None:
        """Nothing to give back."""


@built_for(1, ConsoleMailer)
def console(url: str) -> Mailer:
    """``console://``.

    Raises:
        SettingError: the URL has options.
    """
    parse_url(url).only()
    return ConsoleMailer()


@built_for(1, FolderMailer)
def folder(url: str) -> Mailer:
    """``folder://PATH``; the folder is made where it is missing, readable by its owner alone.

    Raises:
        SettingError: the folder can't be made.
    """
    path = parse_url(url).only().path
    try:
        path.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError as error:
        raise SettingError(f"mail: {path} can't be made: {error.strerror}") from error
    return FolderMailer(path)

"""``dinnerkit work`` as it is, but that mails wait for a file to be there, that each turn of the relay is written down, and that leases
are short. Arguments: the folder of these files, then those of ``dinnerkit work``."""

from __future__ import annotations

import os
import sys
import time
from datetime import timedelta
from email.message import EmailMessage
from pathlib import Path

from dinnerkit.backends.mail import FolderMailer
from dinnerkit.cli.work import command
from dinnerkit.delivery import service
from dinnerkit.delivery.relay import Relay
from dinnerkit.worker import clockwork

FOLDER = Path(sys.argv[1])

send, relay = FolderMailer.send, Relay.run


def send_once_it_is_open(self: FolderMailer, mail: EmailMessage) -> None:
    (FOLDER / f"begun-{os.getpid()}").touch()
    while not (FOLDER / "open").exists():
        time.sleep(0.02)
    send(self, mail)


def relay_and_note(self: Relay) -> int:
    with (FOLDER / "turns").open("a") as turns:
        turns.write(f"{os.getpid()}\n")
    return relay(self)


FolderMailer.send = send_once_it_is_open  # type: ignore[method-assign]
Relay.run = relay_and_note  # type: ignore[method-assign]
service._LEASE = timedelta(seconds=3)
clockwork._LEASE_SECONDS = 2.0
command(sys.argv[2:])

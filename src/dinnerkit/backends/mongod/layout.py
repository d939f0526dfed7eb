"""Which files of the embedded MongoDB lie where, and what the supervisor tells the others through them."""

from __future__ import annotations

import json
import os
import secrets
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from dinnerkit.backends.mongod.errors import EmbeddedMongodFailed

HOST = "127.0.0.1"
"""The one address that the server listens on."""

REPLICA_SET = "dinnerkit"

LOG_BYTES = 10_000_000
"""How large mongod's log may grow before it is set aside."""


@dataclass(frozen=True, slots=True)
class Layout:
    """The files under one ``embedded://PATH``: all in ``PATH/mongod``, which only its owner may enter.

    The rest of PATH is left to others.
    """

    root: Path

    @property
    def folder(self) -> Path:
        """Everything below is in here."""
        return self.root / "mongod"

    @property
    def data(self) -> Path:
        """MongoDB's own data."""
        return self.folder / "data"

    @property
    def log(self) -> Path:
        """What the running mongod says."""
        return self.folder / "mongod.log"

    @property
    def old_log(self) -> Path:
        """What was in the log before."""
        return self.folder / "mongod.log.1"

    @property
    def supervisor_log(self) -> Path:
        """What the supervisor has to say once it has nobody to tell."""
        return self.folder / "supervisor.log"

    @property
    def key(self) -> Path:
        """The secret that opens the server: mongod's key file, and the password of its one user."""
        return self.folder / "key"

    @property
    def users_lock(self) -> Path:
        """Held, shared, by every process that needs the server; taken alone by the supervisor when it goes down."""
        return self.folder / "users.lock"

    @property
    def supervisor_lock(self) -> Path:
        """Held by the one supervisor."""
        return self.folder / "supervisor.lock"

    @property
    def state(self) -> Path:
        """The port, and whether the server listens there."""
        return self.folder / "server.json"

    def create(self) -> None:
        """Make the folders.

        Raises:
            EmbeddedMongodFailed: they can't be made or written to.
        """
        try:
            self.root.mkdir(parents=True, exist_ok=True, mode=0o700)
            self.folder.mkdir(mode=0o700, exist_ok=True)
            self.folder.chmod(0o700)
            self.data.mkdir(mode=0o700, exist_ok=True)
        except OSError as error:
            raise self.unusable(error) from error
        if not os.access(self.folder, os.W_OK | os.X_OK):
            raise EmbeddedMongodFailed(f"embedded://{self.root} can't be used: {self.folder} is not writable")

    def unusable(self, error: OSError) -> EmbeddedMongodFailed:
        """The error that says that the files can't be used, and why."""
        return EmbeddedMongodFailed(f"embedded://{self.root} can't be used: {error.strerror}: {error.filename or self.folder}")

    def fresh_log(self) -> BinaryIO:
        """An empty log, open for appending; the one before is kept beside it."""
        if self.log.exists():
            self.log.replace(self.old_log)
        return open(os.open(self.log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), "ab")  # noqa: PTH123 - the mode from the start

    def trim_log(self) -> None:
        """Empty the log under mongod's hands once it has grown large; what was in it is kept beside it."""
        if self.log.stat().st_size > LOG_BYTES:
            shutil.copyfile(self.log, self.old_log)
            os.truncate(self.log, 0)

    def make_key(self) -> None:
        """Write the key file, if there is none yet."""
        if not self.key.exists():
            self._replace(self.key, secrets.token_hex(32))

    def announce(self, port: int | None, *, ready: bool, folder: Path | None = None) -> None:
        """Let the others know where the server is, and whether it listens; in ``folder``, for who knows where this one has moved to."""
        state = self.state if folder is None else folder / self.state.name
        self._replace(state, json.dumps({"port": port, "ready": ready}))

    def last_port(self) -> int | None:
        """The port that was announced last, in use or not."""
        return self._state()[0]

    def ready_port(self) -> int | None:
        """The port on which the server listens, if it was announced to."""
        port, ready = self._state()
        return port if ready else None

    def _state(self) -> tuple[int | None, bool]:
        try:
            state = json.loads(self.state.read_text())
            return state["port"], state["ready"]
        except (OSError, ValueError, KeyError, TypeError):  # absent, or torn by a crash of the machine
            return None, False

    def _replace(self, path: Path, text: str) -> None:
        new = path.with_suffix(".new")
        new.unlink(missing_ok=True)
        with open(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:  # noqa: PTH123 - the mode from the start
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        new.replace(path)

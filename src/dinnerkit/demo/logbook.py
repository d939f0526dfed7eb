"""What a data folder knows of its world: the one file that the demo keeps beside the app's own data."""

from __future__ import annotations

import json
import os
import secrets
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Self

from dinnerkit.clock import utcnow
from dinnerkit.demo.keys import Keys
from dinnerkit.demo.plan import Scale
from dinnerkit.errors import Invalid

FORMAT = 1
"""Rises when a plan comes out differently for the same seed: a world is only continued by what began it."""

_LETTERS = "abcdefghjkmnpqrstvwxyz23456789"


@dataclass(frozen=True, slots=True)
class Logbook:
    """How a world was begun, and how far it is.

    Attributes:
        password: with which one signs in to this world's demo accounts.
        finished_at: None while it is not made completely.
        seconds: how long its making took, over all runs.
    """

    keys: Keys
    scale: Scale
    password: str
    finished_at: datetime | None = None
    seconds: float = 0.0

    @classmethod
    def open(cls, folder: Path, *, seed: int, scale: Scale) -> Self:
        """The logbook of a folder; where there is none, it is begun with that seed and scale.

        Raises:
            Invalid: the folder can't be written, or was begun by another version.
        """
        path = _path(folder)
        try:
            if not path.exists():
                book = cls(Keys(seed, utcnow()), scale, _password())
                book.save(folder)
                return book
            return cls._from_text(path.read_text(), folder)
        except OSError as error:
            raise Invalid(f"{folder} can't be used for the demo: {error.strerror}") from error

    def save(self, folder: Path) -> None:
        """Write it down, whole or not at all, for its owner alone."""
        draft = _path(folder).with_suffix(".new")
        draft.unlink(missing_ok=True)
        finished = self.finished_at.isoformat() if self.finished_at else None
        known = {
            "format": FORMAT,
            "seed": self.keys.seed,
            "born": self.keys.born.isoformat(),
            "scale": asdict(self.scale),
            "password": self.password,
            "finished_at": finished,
            "seconds": round(self.seconds, 1),
        }
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            json.dump(known, file, indent=1)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(_path(folder))

    def after(self, seconds: float) -> Self:
        """As it is after working on the world for so long."""
        return replace(self, seconds=self.seconds + seconds)

    def finished(self) -> Self:
        """As it is once the world is complete."""
        return replace(self, finished_at=utcnow())

    @classmethod
    def _from_text(cls, text: str, folder: Path) -> Self:
        with suppress(ValueError, KeyError, TypeError):
            known = json.loads(text)
            if known["format"] == FORMAT:
                return cls(
                    Keys(known["seed"], datetime.fromisoformat(known["born"])),
                    Scale(**known["scale"]),
                    known["password"],
                    datetime.fromisoformat(known["finished_at"]) if known["finished_at"] else None,
                    known["seconds"],
                )
        raise Invalid(f"{folder} has a demo that this version can't continue; remove the folder, or name another by --data")


def _path(folder: Path) -> Path:
    return folder / "world.json"


def _password() -> str:
    return "-".join("".join(secrets.choice(_LETTERS) for _ in range(4)) for _ in range(4))

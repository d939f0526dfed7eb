"""The key that signs tokens, and from which the keys of every purpose follow."""

from __future__ import annotations

import os
import secrets
from pathlib import Path

from dinnerkit.errors import SettingError
from dinnerkit.settings import Settings

_SHORTEST_SECRET = 16


def secret_key(settings: Settings) -> str:
    """The key that signs tokens: the setting, or one of its own that an embedded app keeps in its data folder.

    Raises:
        SettingError: it is missing with a database that other machines may share, or too short.
    """
    key = settings.secret_key
    if not key:
        if not settings.database.startswith("embedded://"):
            raise SettingError('DINNERKIT_SECRET_KEY is needed; make one: python -c "import secrets; print(secrets.token_hex(32))"')
        key = _kept_key(Path(settings.data) / "secret-key")
    if len(key) < _SHORTEST_SECRET:
        raise SettingError(f"secret_key is too short: at least {_SHORTEST_SECRET} characters")
    return key


def _kept_key(path: Path) -> str:
    """The key in the file; whichever process comes first makes it, whole and readable by its owner alone."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        fresh = path.with_name(f".{path.name}-{os.getpid()}-{secrets.token_hex(4)}")
        if not path.exists():
            fresh.touch(mode=0o600)
            fresh.write_text(secrets.token_hex(32))
            try:
                os.link(fresh, path)
            except FileExistsError:
                pass
            finally:
                fresh.unlink()
        return path.read_text().strip()
    except OSError as error:
        raise SettingError(f"the secret key can't be kept in {path}: {error.strerror}; set DINNERKIT_SECRET_KEY") from error

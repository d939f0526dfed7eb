"""The caches that need no server: cachelib's SimpleCache in the process, and its FileSystemCache, with values that are no code."""

from __future__ import annotations

import os
import struct
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from cachelib import FileSystemCache, SimpleCache

from dinnerkit.errors import SettingError, Unavailable
from dinnerkit.ports.cache import Cache
from dinnerkit.ports.cached_values import CachedValues
from dinnerkit.ports.contracts import built_for
from dinnerkit.ports.urls import BackendUrl, parse_url

_VALUES = 500
_VALUES_ON_DISK = 10_000

_FOLDER = "dinnerkit-cache"
"""Of its own in the folder that is named, since all files in it are taken for values and may be removed."""

_UNTIL = struct.Struct("I")
"""Until when a value holds, in seconds since 1970, or 0; before each value, as cachelib reads it."""


class MemoryCache(SimpleCache):
    """Values in this process."""

    serializer: Any = CachedValues()


class DiskCache(FileSystemCache):
    """Values as files, for the processes of one machine.

    Cachelib takes a folder that is gone for an empty one, and tries for 16 s to read a file that is another user's, on behalf of some file
    systems. Here each file is tried once, and what fails is said.
    """

    serializer: Any = CachedValues()

    def get(self, key: str) -> Any:
        """The value, or None.

        Raises:
            Unavailable: the file can't be read, or the folder is gone.
        """
        with _unavailable():
            try:
                stored = self._file(key).read_bytes()
            except FileNotFoundError:
                self._look_at_folder()
                return None
        if len(stored) < _UNTIL.size:
            return None
        until = _UNTIL.unpack_from(stored)[0]
        return self.serializer.loads(stored[_UNTIL.size :]) if until == 0 or until >= time.time() else None

    def set(self, key: str, value: Any, timeout: Any = None, mgmt_element: bool = False) -> bool:
        """Store the value for ``timeout`` seconds.

        Raises:
            TypeError: it is neither bytes nor JSON.
            Unavailable: the file can't be written.
        """
        value = self.serializer.dumps(value)  # before there is a file
        path = self._file(key)
        with _unavailable():
            if not mgmt_element:
                self._prune()
            is_new = not path.exists()
            self._replace(path, _UNTIL.pack(self._normalize_timeout(0 if mgmt_element else timeout)) + value)
        if is_new and not mgmt_element:
            self._update_count(delta=1)
        return True

    def delete(self, key: str, mgmt_element: bool = False) -> bool:
        """Forget the value; whether there was one.

        Raises:
            Unavailable: the file can't be removed, or the folder is gone.
        """
        with _unavailable():
            try:
                self._file(key).unlink()
            except FileNotFoundError:
                self._look_at_folder()
                return False
        if not mgmt_element:
            self._update_count(delta=-1)
        return True

    def clear(self) -> bool:
        """Forget everything.

        Raises:
            Unavailable: a file can't be removed, or the folder is gone.
        """
        with _unavailable():
            if not super().clear():
                raise PermissionError
        return True

    def _file(self, key: str) -> Path:
        return Path(self._get_filename(key))

    def _replace(self, path: Path, content: bytes) -> None:
        descriptor, temporary = tempfile.mkstemp(suffix=self._fs_transaction_suffix, dir=self._path)
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(content)
            Path(temporary).replace(path)
        except OSError:
            with suppress(OSError):
                Path(temporary).unlink()
            raise

    def _look_at_folder(self) -> None:
        """A file that is not there is a value that is not there, as long as the folder is."""
        Path(self._path).stat()

    def _update_count(self, delta: int | None = None, value: int | None = None) -> None:
        """How many files there are is known only about; that it can't be noted makes no call fail that has done its work."""
        with suppress(Unavailable):
            super()._update_count(delta, value)

    def _run_safely(self, fn: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        """Once."""
        return fn(*args, **kwargs)


@contextmanager
def _unavailable() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise Unavailable(f"cache: the folder can't be used: {type(error).__name__}") from error


@built_for(1, MemoryCache)
def memory(url: str) -> Cache:
    """``memory://?values=500``: at most that many values, in this process alone; lost with it.

    Raises:
        SettingError: an option is unknown or no positive number.
    """
    return MemoryCache(threshold=_values(parse_url(url).only("values"), _VALUES))


@built_for(1, DiskCache)
def disk(url: str) -> Cache:
    """``disk://PATH?values=10000``: at most about that many values, as files in a folder of its own in PATH, readable by its owner alone.

    Raises:
        SettingError: an option is unknown or no positive number, or the folder can't be made.
    """
    parsed = parse_url(url).only("values")
    values = _values(parsed, _VALUES_ON_DISK)
    try:
        folder = parsed.path / _FOLDER
        parsed.path.mkdir(parents=True, exist_ok=True, mode=0o700)
        folder.mkdir(exist_ok=True, mode=0o700)
        folder.chmod(0o700)
        return DiskCache(str(folder), threshold=values)
    except OSError as error:
        raise SettingError(f"cache: {parsed.path} can't be made: {error.strerror}") from error


def _values(url: BackendUrl, usual: int) -> int:
    values = url.options.get("values", str(usual))
    if not values.isdecimal() or int(values) < 1:
        raise SettingError(f"cache: values is a positive number, not {values!r}")
    return int(values)

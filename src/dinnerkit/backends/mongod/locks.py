"""Advisory locks on files, which the kernel frees when the last process that has them open is gone, however it went."""

from __future__ import annotations

import errno
import os
import sys
from pathlib import Path

from dinnerkit.backends.mongod.errors import EmbeddedMongodFailed

if sys.platform != "win32":
    from fcntl import LOCK_EX, LOCK_NB, LOCK_SH, LOCK_UN, flock


class FileLock:
    """A lock on a file, taken without waiting.

    A forked child shares it: it stays locked until parent and child have both closed it or ended. Programs started by ``exec`` don't.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)

    def try_shared(self) -> bool:
        """Take the lock together with others; whether that succeeded."""
        return self._try(LOCK_SH)

    def try_exclusive(self) -> bool:
        """Take the lock alone; whether that succeeded."""
        return self._try(LOCK_EX)

    def release(self) -> None:
        """Give the lock back, in forked children as well, and keep the file open."""
        flock(self._file, LOCK_UN)

    def is_current(self) -> bool:
        """Whether the path still leads to the locked file, and not to nothing or to a newer file."""
        try:
            return os.path.samestat(os.fstat(self._file), self._path.stat())
        except OSError:
            return False

    def close(self) -> None:
        """Close the file, which gives the lock back unless a forked child still has it open."""
        if self._file >= 0:
            os.close(self._file)
            self._file = -1

    def _try(self, kind: int) -> bool:
        try:
            flock(self._file, kind | LOCK_NB)
        except BlockingIOError:
            return False
        except OSError as error:
            if error.errno in {errno.ENOLCK, errno.EOPNOTSUPP, errno.ENOTSUP}:
                raise EmbeddedMongodFailed(f"the file system of {self._path} has no file locks; use a local disk") from error
            raise
        return True


def is_held(path: Path) -> bool:
    """Whether some process holds the lock on that file alone."""
    if not path.exists():
        return False
    lock = FileLock(path)
    try:
        return not lock.try_shared()
    finally:
        lock.close()

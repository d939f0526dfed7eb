"""Media on disk: a file each, with its content type in front of its bytes, so that both are there or neither is."""

from __future__ import annotations

import hashlib
import json
import os
import struct
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import BinaryIO

from dinnerkit.errors import BackendFault, Invalid, SettingError, Unavailable
from dinnerkit.ports.contracts import built_for
from dinnerkit.ports.media import MOST_BYTES, MOST_LISTED, MediaInfo, MediaStore, Medium, check_key, check_listing, check_medium
from dinnerkit.ports.urls import parse_url

_FOLDER = "dinnerkit-media"
"""Of its own in the folder that is named, so that nothing else is taken for media."""

_END = "~"
"""What the names of files end with, and no key has: so ``a`` and ``a/b`` may both be keys."""

_UNFINISHED = "~"
"""The folder in which files are written; no key is called so."""

_ABANDONED_SECONDS = 3600.0
"""So old a file that is not finished is one of a process that was killed."""

_MAGIC = b"dinnerkit-media-1\n"
_LENGTH = struct.Struct(">H")
_FOREIGN = "media: a file in the folder is no medium"
_MOST_RACES = 100
"""So often a folder is made again that somebody removes because it is empty."""


class DiskMedia:
    """Media as files in a folder, for the processes of one machine, or of several on a file system whose renames are atomic.

    A file is written beside the others and synced, then renamed to its place, and its folder is synced: at no moment, whatever dies, is
    there half of it.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._unfinished = folder / _UNFINISHED

    def put(self, key: str, content: bytes, content_type: str) -> MediaInfo:
        """Write the medium, whole or not at all."""
        check_medium(key, content, content_type)
        etag = hashlib.blake2b(content, digest_size=16).hexdigest()
        head = json.dumps({"content_type": content_type, "etag": etag}).encode()
        with _unavailable():
            descriptor, temporary = tempfile.mkstemp(dir=self._unfinished)
            try:
                with os.fdopen(descriptor, "wb") as file:
                    file.write(_MAGIC + _LENGTH.pack(len(head)) + head)
                    file.write(content)
                    file.flush()
                    os.fsync(file.fileno())
                    written = os.fstat(file.fileno()).st_mtime
                self._move(Path(temporary), self._file(key))
            except BaseException:
                with suppress(OSError):
                    Path(temporary).unlink()
                raise
        return MediaInfo(key, len(content), content_type, etag, datetime.fromtimestamp(written, UTC))

    def get(self, key: str) -> Medium | None:
        """Read the medium; the file that is opened is whole, whatever takes its place meanwhile."""
        with self._opened(key) as file:
            if file is None:
                return None
            info = _info(key, file)
            content = file.read(MOST_BYTES + 1)
        return Medium(info, content)

    def stat(self, key: str) -> MediaInfo | None:
        """Read what stands before the bytes."""
        with self._opened(key) as file:
            return None if file is None else _info(key, file)

    def delete(self, key: str) -> None:
        """Remove the file, and the folders that are empty then."""
        check_key(key)
        file = self._file(key)
        with _unavailable():
            try:
                file.unlink()
            except (FileNotFoundError, NotADirectoryError):
                self._look_at_folder()
                return
            self._sync(file.parent)
        for folder in file.parents:
            if folder == self._folder:
                return
            try:
                folder.rmdir()
            except OSError:  # something is in it, or somebody else has removed it
                return

    def listed(self, prefix: str = "", after: str = "", limit: int = MOST_LISTED) -> Sequence[MediaInfo]:
        """Go through the folder."""
        check_listing(prefix, after, limit)
        with _unavailable():
            self._look_at_folder()
            keys = list(islice(self._keys("", prefix, after), limit))
        found = (self._known(key) for key in keys)
        return [info for info in found if info is not None]

    def ping(self) -> None:
        """Look whether the folder is there and can be written."""
        if not os.access(self._unfinished, os.W_OK | os.X_OK):
            raise Unavailable("media: the folder is not there, or can't be written")

    def close(self) -> None:
        """Nothing to give back."""

    def _known(self, key: str) -> MediaInfo | None:
        try:
            return self.stat(key)
        except (BackendFault, Invalid):  # somebody else's file; nobody's medium is kept from being cleaned up by it
            return None

    def _file(self, key: str) -> Path:
        return self._folder / f"{key}{_END}"

    def _move(self, temporary: Path, file: Path) -> None:
        """Into a folder that somebody may remove while it is empty, in which case it is made again."""
        for _ in range(_MOST_RACES):
            try:
                file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
                temporary.replace(file)
            except (FileNotFoundError, FileExistsError):  # the latter from mkdir, where what was there has just gone
                self._look_at_folder()
                continue
            self._sync(file.parent)
            return
        raise BlockingIOError("its folder was removed again and again")

    @contextmanager
    def _opened(self, key: str) -> Iterator[BinaryIO | None]:
        check_key(key)
        with _unavailable():
            try:
                file = self._file(key).open("rb")
            except (FileNotFoundError, NotADirectoryError):
                self._look_at_folder()
                yield None
                return
            with file:
                yield file

    def _sync(self, folder: Path) -> None:
        """The folder, and those above it, which may be new too; not what somebody has removed meanwhile, since it is empty again."""
        for each in (folder, *folder.parents):
            with suppress(FileNotFoundError):
                _sync(each)
            if each == self._folder:
                return

    def _look_at_folder(self) -> None:
        """A file that is not there is a medium that is not there, as long as the folder is."""
        self._unfinished.stat()

    def _keys(self, start: str, prefix: str, after: str) -> Iterator[str]:
        """The keys below ``start`` that begin with ``prefix`` and come after ``after``, in order; no folder without any is read."""
        try:
            with os.scandir(self._folder / start) as found:
                names = [start + (f"{each.name}/" if each.is_dir(follow_symlinks=False) else each.name) for each in found]
        except FileNotFoundError:  # it was the last in it that somebody has deleted
            return
        for name in sorted(names, key=lambda name: name.removesuffix(_END)):
            if name.endswith("/"):
                begins_so = name.startswith(prefix) or prefix.startswith(name)
                if begins_so and name != f"{_UNFINISHED}/" and (name > after or after.startswith(name)):
                    yield from self._keys(name, prefix, after)
            elif name.endswith(_END) and name.startswith(prefix) and name.removesuffix(_END) > after:
                yield name.removesuffix(_END)


def _info(key: str, file: BinaryIO) -> MediaInfo:
    """What stands before the bytes, which are next to be read.

    Raises:
        BackendFault: the file is none of ours.
    """
    start = file.read(len(_MAGIC) + _LENGTH.size)
    if not start.startswith(_MAGIC) or len(start) < len(_MAGIC) + _LENGTH.size:
        raise BackendFault(_FOREIGN)
    try:
        head = json.loads(file.read(_LENGTH.unpack_from(start, len(_MAGIC))[0]))
        content_type, etag = str(head["content_type"]), str(head["etag"])
    except (ValueError, KeyError, TypeError) as error:
        raise BackendFault(_FOREIGN) from error
    stat = os.fstat(file.fileno())
    return MediaInfo(key, stat.st_size - file.tell(), content_type, etag, datetime.fromtimestamp(stat.st_mtime, UTC))


def _sync(folder: Path) -> None:
    """Have the folder's entries on the disk; where folders can't be opened, as on Windows, the file system sees to it."""
    if not hasattr(os, "O_DIRECTORY"):
        return
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def _unavailable() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise Unavailable(f"media: the folder can't be used: {type(error).__name__}") from error


@built_for(1, DiskMedia)
def disk(url: str) -> MediaStore:
    """``disk://PATH``: files in a folder of its own in PATH, readable by its owner alone.

    Raises:
        SettingError: the URL has options, or the folder can't be made.
    """
    path = parse_url(url).only().path
    try:
        path.mkdir(parents=True, exist_ok=True, mode=0o700)
        folder = path / _FOLDER
        for each in (folder, folder / _UNFINISHED):
            each.mkdir(exist_ok=True, mode=0o700)
        _clean(folder / _UNFINISHED)
    except OSError as error:
        raise SettingError(f"media: {path} can't be made: {error.strerror}") from error
    return DiskMedia(folder)


def _clean(unfinished: Path) -> None:
    """Remove what processes left that were killed while they wrote."""
    for file in unfinished.iterdir():
        with suppress(OSError):
            if file.stat().st_mtime < time.time() - _ABANDONED_SECONDS:
                file.unlink()

"""The media port: files that people gave us and what was made of them, such as the photo of a dinner."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol, runtime_checkable

from dinnerkit.errors import Invalid, TooLarge

MOST_BYTES = 33_554_432
"""The largest medium: 32 MiB."""

LONGEST_KEY = 200
MOST_LISTED = 1000
"""So many media one call of ``listed`` names at most."""

_SEGMENT = r"[a-z0-9](?:[a-z0-9_-]|\.(?!\.))*(?<!\.)"
_KEY = re.compile(rf"{_SEGMENT}(?:/{_SEGMENT})*")
_CONTENT_TYPE = re.compile(r"[a-z]+/[a-z0-9][a-z0-9.+-]{0,80}")
_PREFIX = re.compile(r"[a-z0-9._/-]*")


@dataclass(frozen=True, slots=True)
class MediaInfo:
    """What is known of a medium without reading it.

    Attributes:
        key: under which it lies.
        size: in bytes.
        content_type: as it was put, such as ``image/webp``.
        etag: another one whenever the bytes are others; printable ASCII without quotes.
        stored_at: when it was put, by the store's clock.
    """

    key: str
    size: int
    content_type: str
    etag: str
    stored_at: datetime


@dataclass(frozen=True, slots=True)
class Medium:
    """A medium: its bytes, and what is known of them, which belong together."""

    info: MediaInfo
    content: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class UploadForm:
    """How a browser hands a file to the store itself: a multipart POST of these fields, then the file as the field ``file``.

    Attributes:
        url: where to.
        fields: the other fields; who has them may upload, so they are in no log.
    """

    url: str
    fields: Mapping[str, str] = field(repr=False)


@runtime_checkable
class MediaStore(Protocol):
    """Keeps media, each under a key of ours, for all processes that share the store.

    A key is of small letters, digits, ``-``, ``_`` and single dots, in segments with a slash between, such as ``photos/01h…/640.webp``; it
    is never what somebody outside called a file. :func:`check_key` says which are keys. A medium has from 1 to :data:`MOST_BYTES` bytes
    and a content type, which the store keeps and does not look into.

    What a backend must guarantee:

    - a key holds one whole medium or none. Who reads while another writes is given the old one or the new one: its bytes, size, type and
      etag belong together. A write that fails, or whose process is killed, leaves what was there;
    - once ``put`` has returned, everybody who opened the same URL is given the medium, and whoever opens it after a restart, of the
      machine too. Of those who put at the same time under one key one wins, and under different keys nobody loses;
    - once ``delete`` has returned nobody is given it any more;
    - what is no key, no content type, or too large is refused by ``Invalid`` or ``TooLarge`` before anything is touched. No key leads out
      of the place that the URL names;
    - others in the same store, under another prefix or in another folder, neither see nor touch it, and are not listed;
    - where the store can't be reached each method raises ``Unavailable`` within fifteen seconds, and ``ping`` within three. Never does
      it answer None or an empty list then. Its errors name neither its secrets nor what is in a medium.

    It is safe to use from several threads and greenlets, and is opened anew in a forked child.

    Whoever can more has :class:`DirectUploads` or :class:`DirectDownloads`. Without, what goes in and out goes through the app.
    """

    def put(self, key: str, content: bytes, content_type: str) -> MediaInfo:
        """Keep the medium, in place of what is under the key.

        Raises:
            Invalid: it is no key or no content type, or there are no bytes.
            TooLarge: there are more than :data:`MOST_BYTES` bytes.
            Unavailable: the store can't be reached, or takes nothing.
        """
        ...

    def get(self, key: str) -> Medium | None:
        """The medium, or None where there is none.

        Raises:
            Invalid: it is no key.
            BackendFault: something lies there that is no medium of ours.
            Unavailable: the store can't be reached.
        """
        ...

    def stat(self, key: str) -> MediaInfo | None:
        """What is known of the medium, or None where there is none. It is not read for it, however large it is.

        Raises:
            Invalid: it is no key.
            BackendFault: something lies there that is no medium of ours.
            Unavailable: the store can't be reached.
        """
        ...

    def delete(self, key: str) -> None:
        """Remove the medium, if there is one.

        Raises:
            Invalid: it is no key.
            Unavailable: the store can't be reached, or lets nothing go.
        """
        ...

    def listed(self, prefix: str = "", after: str = "", limit: int = MOST_LISTED) -> Sequence[MediaInfo]:
        """At most ``limit`` media whose keys begin with ``prefix`` and come after the key ``after``, in the order of the keys' bytes.

        It is for cleaning up, and may be slow. What is no medium of ours is left out. What is put or deleted meanwhile is listed or not;
        the rest is listed once. The content type may be empty, where the store would have to be asked for each.

        Raises:
            Invalid: no key begins so, or ``limit`` is not from 1 to :data:`MOST_LISTED`.
            Unavailable: the store can't be reached.
        """
        ...

    def ping(self) -> None:
        """Find out whether the store can be reached and is the one that is meant.

        Raises:
            Unavailable: it can't, or is not.
        """
        ...

    def close(self) -> None:
        """Give back connections."""
        ...


@runtime_checkable
class DirectUploads(Protocol):
    """The capability to take files from browsers itself, so that their bytes don't go through the app.

    What it must guarantee: a form takes one file under that very key, of that content type and no larger than was said, until its time is
    over; the store refuses anything else. All the same the core looks with ``stat`` before it takes what was uploaded, and reads nothing
    that is larger or of another type.
    """

    def upload_form(self, key: str, content_type: str, most_bytes: int, seconds: int) -> UploadForm | None:
        """A form for one upload; None where this store is not set up for it. Nobody is asked for it over the network.

        Raises:
            Invalid: it is no key or no content type.
        """
        ...


@runtime_checkable
class DirectDownloads(Protocol):
    """The capability to hand media out itself, under addresses that are worth something for a while."""

    def download_url(self, key: str, seconds: int) -> str | None:
        """An address at which anybody gets the medium for so many seconds at least; None where this store is not set up for it.

        Whether there is such a medium is not looked up, nor is anybody asked over the network.

        Raises:
            Invalid: it is no key.
        """
        ...


def check_key(key: str) -> None:
    """Refuse what is no key.

    Raises:
        Invalid: it is none.
    """
    if len(key) > LONGEST_KEY or not _KEY.fullmatch(key):
        raise Invalid("media: this is no key: small letters, digits, -, _ and single dots, in segments with a slash between")


def check_medium(key: str, content: bytes, content_type: str) -> None:
    """Refuse what can't be put.

    Raises:
        Invalid: it is no key or no content type, or there are no bytes.
        TooLarge: there are too many.
    """
    check_key(key)
    check_content_type(content_type)
    if not content:
        raise Invalid("media: a medium has at least one byte")
    if len(content) > MOST_BYTES:
        raise TooLarge(f"media: a medium has at most {MOST_BYTES} bytes")


def check_content_type(content_type: str) -> None:
    """Refuse what is no content type.

    Raises:
        Invalid: it is none.
    """
    if not _CONTENT_TYPE.fullmatch(content_type):
        raise Invalid("media: this is no content type, such as image/webp")


def check_listing(prefix: str, after: str, limit: int) -> None:
    """Refuse what can't be listed.

    Raises:
        Invalid: no key begins so or is so, or the limit is none.
    """
    if after:
        check_key(after)
    if len(prefix) > LONGEST_KEY or not _PREFIX.fullmatch(prefix) or ".." in prefix or prefix.startswith("/"):
        raise Invalid("media: no key begins like this")
    if not 1 <= limit <= MOST_LISTED:
        raise Invalid(f"media: from 1 to {MOST_LISTED} media are listed at a time")

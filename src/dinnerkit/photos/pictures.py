"""What comes of a photo, and how the program that decodes it answers."""

from __future__ import annotations

import json
import struct
from dataclasses import dataclass, field

_HEAD = struct.Struct(">I")


class RefusedPicture(Exception):
    """The file is not one that may be shown; ``code`` is one of :data:`dinnerkit.photos.rules.REASONS`."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture that was made."""

    width: int
    height: int
    content: bytes = field(repr=False)


def written(pictures: list[Picture]) -> bytes:
    """The pictures as the program answers with them: sizes as JSON, then all the bytes."""
    head = json.dumps({"pictures": [(each.width, each.height, len(each.content)) for each in pictures]}).encode()
    return b"".join((_HEAD.pack(len(head)), head, *(each.content for each in pictures)))


def refused(code: str) -> bytes:
    """The answer for a file that is refused."""
    head = json.dumps({"refused": code}).encode()
    return _HEAD.pack(len(head)) + head


def read(answer: bytes) -> list[Picture]:
    """The pictures in an answer of the program.

    Raises:
        RefusedPicture: it says that the file is refused.
        ValueError: it is no answer of that program.
    """
    try:
        begin = _HEAD.size + _HEAD.unpack_from(answer)[0]
        head = json.loads(answer[_HEAD.size : begin])
    except struct.error as error:
        raise ValueError("no answer") from error
    if "refused" in head:
        raise RefusedPicture(head["refused"])
    pictures = []
    for width, height, length in head["pictures"]:
        pictures.append(Picture(width, height, answer[begin : begin + length]))
        begin += length
    if begin != len(answer) or not pictures:
        raise ValueError("half an answer")
    return pictures

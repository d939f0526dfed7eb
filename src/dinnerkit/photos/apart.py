"""The decoding of a photo in a process of its own, which may die of it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys

import structlog

from dinnerkit.errors import BackendFault, Unavailable
from dinnerkit.photos.pictures import Picture, RefusedPicture, read

log = structlog.get_logger(__name__)

_DECODER = "dinnerkit.photos.decoding"
"""A name alone: Pillow is for that process, and not for this one."""

MOST_SECONDS = 600.0
"""For one photo, nearly all of it waiting for a busy machine, behind all others; the processor's time has a limit of its own."""

_TOLD_TO_END = frozenset(getattr(signal, name) for name in ("SIGHUP", "SIGINT", "SIGTERM") if hasattr(signal, name))  # none on Windows
"""What a terminal or systemd also sends the decoder when the worker is to end: no limit of ours, and nothing that the photo did."""

_PASSED_ON = frozenset({"PATH", "PYTHONPATH", "PYTHONHOME", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "SYSTEMROOT", "TMPDIR", "LANG"})
"""What Python needs of the environment. Passwords and keys are there too, and none of a decoder's affairs."""


def decoded(content: bytes, content_type: str) -> list[Picture]:
    """What is shown of a file, the narrowest first; decoded under limits of memory and time, and not by this process.

    Raises:
        RefusedPicture: nothing is shown.
        Unavailable: the decoder got too little of this machine, or was told to end: the file is as good as before.
        BackendFault: there is no decoder that works here, whatever the file.
    """
    command = [sys.executable, "-P", "-m", _DECODER, content_type]
    needed = {name: value for name, value in os.environ.items() if name in _PASSED_ON}
    try:
        ended = subprocess.run(command, input=content, capture_output=True, timeout=MOST_SECONDS, env=needed, check=False)  # noqa: S603 - ours
    except subprocess.TimeoutExpired:
        raise Unavailable("photos: the decoder got too little of a busy machine") from None
    if -ended.returncode in _TOLD_TO_END:
        raise Unavailable("photos: the decoder was told to end")
    if ended.returncode < 0:  # by a limit, or since the decoder broke down
        log.warning("photo_decoder_killed", signal=-ended.returncode)
        raise RefusedPicture("too_hard")
    if ended.returncode:
        last = ended.stderr.decode("utf-8", "replace").strip().rpartition("\n")[2].partition(":")[0]
        raise BackendFault(f"photos can't be decoded here: {last[:100] or 'no reason was given'}")
    try:
        return read(ended.stdout)
    except ValueError as error:
        raise BackendFault("photos can't be decoded here: the decoder gives no sensible answer") from error

"""Bytes of JSON that are kept take the memory that they need."""

from __future__ import annotations

import ctypes
import platform

import pytest

from dinnerkit.events.encoded import encoded_row
from dinnerkit.http.public_answers import encode

_BESIDE = 64
"""Of an object, and of the allocator."""


def memory_of(data: bytes) -> int:
    usable = ctypes.CDLL(None).malloc_usable_size
    usable.argtypes, usable.restype = [ctypes.c_void_p], ctypes.c_size_t
    return int(usable(id(data)))


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="only glibc tells")
@pytest.mark.parametrize("length", [700, 5_000, 16_000, 60_000])
def test_what_is_kept_has_no_room_behind_it(length: int):
    row = {"text": "x" * length}
    for kept in (encode(row).body, encoded_row(row).json):
        assert len(kept) <= memory_of(kept) <= len(kept) + _BESIDE

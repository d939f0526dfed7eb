"""Identifiers: sortable by the time they were made, and not to be guessed."""

from __future__ import annotations

import hashlib
import random
import re
import secrets
import time
from datetime import UTC, datetime, timedelta

_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"  # Crockford's base 32: no i, l, o, u, which people misread
_LENGTH = 24
_RANDOM_BITS = 72
_TIME_LENGTH = 10
_TIME_BITS = 48
_PAIRS = [first + second for first in _ALPHABET for second in _ALPHABET]
_BEGIN = datetime(1970, 1, 1, tzinfo=UTC)

ID_PATTERN = rf"^[{_ALPHABET}]{{{_LENGTH}}}$"
"""What an id looks like, for routes and schemas."""


def new_id() -> str:
    """A new id of 24 characters: 48 bits of milliseconds since 1970, then 72 random bits."""
    return id_at(time.time_ns() // 1_000_000, secrets.randbits(_RANDOM_BITS))


def new_request_id() -> str:
    """The same for what need not be a secret, without asking the system for chance each time."""
    return id_at(time.time_ns() // 1_000_000, random.getrandbits(_RANDOM_BITS))


def id_at(millis: int, chance: int) -> str:
    """The id of a moment in milliseconds since 1970 and of a number, of which the last 72 bits count."""
    pairs = _PAIRS
    high, low = millis << 12 | chance >> 60 & 4095, chance & (1 << 60) - 1  # of 60 bits each, and written out: each request has an id
    return (
        f"{pairs[high >> 50 & 1023]}{pairs[high >> 40 & 1023]}{pairs[high >> 30 & 1023]}"
        f"{pairs[high >> 20 & 1023]}{pairs[high >> 10 & 1023]}{pairs[high & 1023]}"
        f"{pairs[low >> 50]}{pairs[low >> 40 & 1023]}{pairs[low >> 30 & 1023]}"
        f"{pairs[low >> 20 & 1023]}{pairs[low >> 10 & 1023]}{pairs[low & 1023]}"
    )


def made_at(text: str) -> datetime:
    """The moment that an id tells of, by the clock of whoever made it.

    Raises:
        ValueError: ``text`` is no id, or tells of a year that there is not.
    """
    if not is_id(text):
        raise ValueError("not an id")
    number = 0
    for letter in text[:_TIME_LENGTH]:
        number = number << 5 | _ALPHABET.index(letter)
    try:
        return _BEGIN + timedelta(milliseconds=number >> 5 * _TIME_LENGTH - _TIME_BITS)
    except OverflowError:
        raise ValueError("not an id of any year up to 9999") from None


def is_id(text: str) -> bool:
    """Whether ``text`` has the shape of an id; says nothing about its existence."""
    return re.fullmatch(ID_PATTERN, text) is not None


def derived_id(sent: str, owner: str, purpose: str) -> str:
    """The id that follows from an id which ``owner`` sent us for one purpose: the same each time, and with its time.

    No other owner can get it, nor the same one for anything else: a ``purpose`` names what is made and what for, such as ``pay/`` and the
    booking's id.

    Raises:
        ValueError: ``sent`` is no id.
    """
    if not is_id(sent):
        raise ValueError("not an id")
    told = f"{len(owner)}:{len(purpose)}:{owner}{purpose}{sent}"
    number = int.from_bytes(hashlib.sha256(told.encode()).digest()[:10], "big")
    return sent[:_TIME_LENGTH] + "".join(_ALPHABET[number >> shift & 31] for shift in range(0, 5 * (_LENGTH - _TIME_LENGTH), 5))

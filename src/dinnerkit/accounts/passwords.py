"""Passwords: which are good enough, and how they are kept.

The rules follow NIST SP 800-63B: no demands on the kinds of characters, but a length, a list of the passwords that people use, and a guess
at how many guesses it takes. The list and the guess are zxcvbn's (Wheeler, "zxcvbn: Low-Budget Password Strength Estimation", USENIX
Security 2016). The hashes are argon2id with the parameters of OWASP's Password Storage Cheat Sheet: 19 MiB, 2 passes, 1 lane.
"""

from __future__ import annotations

import re
import secrets
import unicodedata
from collections.abc import Container, Iterable
from functools import cache
from typing import cast

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from dinnerkit.accounts.errors import CommonPassword, WeakPassword
from dinnerkit.ports.offload import Offload

SHORTEST = 10
LONGEST = 128
"""Longer ones are refused, so that nobody can make us hash a book."""

LEAST_SCORE = 2
"""zxcvbn's "somewhat guessable": more than a million guesses, which the limit on attempts puts out of reach."""

_JUDGED = 24
_LEAST_PART = 4
_EDGES = re.compile(r"^[\W\d_]+|[\W\d_]+$")

_HASHER = PasswordHasher(time_cost=2, memory_cost=19_456, parallelism=1, hash_len=32, salt_len=16)


@cache
def _nobodys() -> str:
    """The hash of a password that nobody knows: one for the whole process, as it takes as long to make as any other."""
    return _HASHER.hash(secrets.token_urlsafe())


class Passwords:
    """Hashes and checks passwords, off the event loop."""

    def __init__(self, offload: Offload) -> None:
        self._offload = offload
        self._nobodys = _nobodys()

    def check(self, password: str, about: Iterable[str] = ()) -> None:
        """Let a good enough password pass, as :func:`check_strength` does: a guess at one takes up to 40 ms."""
        self._offload(lambda: check_strength(password, about), ("zxcvbn.matching", "zxcvbn"))

    def hash(self, password: str) -> str:
        """The hash to keep."""
        return self._offload(lambda: _HASHER.hash(_normal(password)))

    def matches(self, kept: str | None, password: str) -> bool:
        """Whether the password belongs to the hash; takes as long where there is none."""
        return self._offload(lambda: self._verify(kept or self._nobodys, password)) and kept is not None

    def outdated(self, kept: str) -> bool:
        """Whether the hash was made with other parameters than today's."""
        return _HASHER.check_needs_rehash(kept)

    def _verify(self, kept: str, password: str) -> bool:
        try:
            return _HASHER.verify(kept, _normal(password))
        except (VerificationError, InvalidHashError):
            return False


def check_strength(password: str, about: Iterable[str] = ()) -> None:
    """Let a good enough password pass; ``about`` are words that others may know of its owner, such as the name.

    Raises:
        WeakPassword: it is too short, too long, easy to guess, or made of what is known of its owner.
        CommonPassword: it is on the list, perhaps with digits around it.
    """
    text = _normal(password)
    if not SHORTEST <= len(text) <= LONGEST:
        raise _weak(f"It has from {SHORTEST} to {LONGEST} characters; a few words make a good one.")
    lowered, common = text.casefold(), _common()
    if lowered in common or _EDGES.sub("", lowered) in common:
        raise CommonPassword("That password is too common.", fields={"password": "Many people use it, so it is tried first."})
    if any(part in lowered for part in _parts(about)):
        raise _weak("It must not contain your name or e-mail address.")
    if _score(text[:_JUDGED]) < LEAST_SCORE:
        raise _weak("It is easy to guess; a few unrelated words make a good one.")


def _weak(message: str) -> WeakPassword:
    return WeakPassword("That password is too weak.", fields={"password": message})


def _parts(about: Iterable[str]) -> set[str]:
    words = {part for text in about for part in re.split(r"\W+", text.casefold())}
    return {word for word in words if len(word) >= _LEAST_PART}


def _normal(password: str) -> str:
    """One form for the same characters typed on different machines, as NIST asks."""
    return unicodedata.normalize("NFKC", password)


# zxcvbn comes with the first password that somebody chooses: its dictionaries take 13 MB and 30 ms, and many a process never needs them.


def _common() -> Container[str]:
    """The passwords that many people use; zxcvbn's own copy, as another would take 3 MB."""
    from zxcvbn.matching import RANKED_DICTIONARIES  # noqa: PLC0415

    return cast("Container[str]", RANKED_DICTIONARIES["passwords"])


def _score(text: str) -> int:
    """How hard to guess it is, 0 to 4."""
    from zxcvbn import zxcvbn  # noqa: PLC0415

    return int(zxcvbn(text)["score"])

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from argon2.low_level import Type, hash_secret_raw
from hypothesis import given
from hypothesis import strategies as st

from dinnerkit.accounts import argon2_memory
from dinnerkit.accounts.argon2_memory import AlignedArgon2, Unusable
from dinnerkit.accounts.passwords import Passwords
from dinnerkit.ports.offload import inline

KIBIBYTES, LENGTH = 64, 32
SMALL = AlignedArgon2(passes=2, kibibytes=KIBIBYTES, length=LENGTH)


def by_the_library(password: bytes, salt: bytes) -> bytes:
    return hash_secret_raw(password, salt, 2, KIBIBYTES, 1, LENGTH, Type.ID)


@given(st.binary(max_size=200), st.binary(min_size=8, max_size=16))
def test_the_hash_is_the_librarys(password: bytes, salt: bytes) -> None:
    assert SMALL.hash(password, salt) == by_the_library(password, salt)


def test_hashes_at_once_do_not_disturb_each_other() -> None:
    passwords = [str(number).encode() for number in range(200)]
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda password: SMALL.hash(password, b"salt" * 4), passwords))

    assert found == [by_the_library(password, b"salt" * 4) for password in passwords]


@pytest.mark.parametrize("code", [1, None])
def test_where_the_lower_level_is_another_the_upper_one_is_asked(monkeypatch: pytest.MonkeyPatch, code: int | None) -> None:
    def core(context: Any, kind: int) -> int:
        if code is None:
            raise AttributeError
        return 0  # and nothing is computed

    monkeypatch.setattr(argon2_memory, "core", core)
    monkeypatch.setattr("dinnerkit.accounts.passwords._ALIGNED", AlignedArgon2(passes=2, kibibytes=19_456, length=LENGTH))
    passwords = Passwords(inline)
    kept = passwords.hash("correct horse battery")

    with pytest.raises(Unusable):
        AlignedArgon2(passes=2, kibibytes=KIBIBYTES, length=LENGTH).hash(b"", b"salt" * 4)
    assert passwords.matches(kept, "correct horse battery")
    assert not passwords.matches(kept, "correct horse batterY")


def test_more_memory_than_there_is_is_not_given() -> None:
    memory = argon2_memory._Memory(8)

    with pytest.raises(Unusable):
        memory.hash(b"password", b"salt" * 4, 1, 16, LENGTH)


def test_a_hash_with_other_parameters_is_checked_and_outdated() -> None:
    passwords = Passwords(inline)
    other = "$argon2id$v=19$m=8,t=1,p=1$c29tZXNhbHRzb21lc2FsdA$" + "A" * 43

    assert passwords.outdated(other)
    assert not passwords.matches(other, "correct horse battery")

"""What every store of sessions must do, as tests: subclass :class:`SessionContract`, give one fixture, and run pytest.

from dinnerkit.testing import SessionBench, SessionContract

class TestOurSessions(SessionContract):
    @pytest.fixture
    def bench(self):
        return SessionBench(open=lambda: open_sessions("ourstore://127.0.0.1:1234"))
"""

from __future__ import annotations

import secrets
import threading
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from functools import partial

import pytest

from dinnerkit.errors import Unavailable
from dinnerkit.ports.sessions import MOST_BYTES, SessionStore
from dinnerkit.testing.away import away, told_of_itself
from dinnerkit.testing.bench import Bench
from dinnerkit.testing.expecting import (
    ContractBroken,
    all_answered,
    at_once,
    closes_twice,
    expect,
    keeps_secrets,
    needed,
    refused_soon,
    told_by,
)

__all__ = ["ContractBroken", "SessionBench", "SessionContract"]

_LONG = 600
_THREADS, _EACH = 6, 20
_PATIENCE = 30.0


@dataclass(frozen=True, kw_only=True, slots=True)
class SessionBench(Bench[SessionStore]):
    """What the author of a store of sessions gives to the tests, beside what :class:`~dinnerkit.testing.bench.Bench` says.

    Attributes:
        beside: opens another store of the same kind as near by as can be, such as one with another prefix in the same server.
    """

    beside: Callable[[], SessionStore] | None = None


class SessionContract:
    """The tests that every store of sessions must pass."""

    @pytest.fixture
    def bench(self) -> SessionBench:
        """The store to be tested: the one fixture that a subclass gives."""
        raise NotImplementedError(f"{type(self).__name__} must define a fixture `bench` that gives a SessionBench")

    def test_it_speaks_through_the_port(self, bench: SessionBench) -> None:
        """The core knows a store by its methods."""
        with closing(bench.open()) as store:
            expect(isinstance(store, SessionStore), f"{type(store).__name__} lacks a method of dinnerkit.ports.sessions.SessionStore")
            store.ping()
            found = store.get(_key())
            expect(found is None, f"of a session that nobody ever opened it says {found!r}")

    @pytest.mark.parametrize("what", ["short", "bytes that are no text", "longest"])
    def test_a_session_comes_back_as_it_was_with_the_time_that_is_left(self, bench: SessionBench, what: str) -> None:
        """Byte for byte: it is sealed."""
        value = {"short": b"{}", "bytes that are no text": bytes(range(256)), "longest": b"\x00" * MOST_BYTES}[what]
        with closing(bench.open()) as store:
            key = _key()
            store.put(key, value, _LONG)
            _expect_session(store, key, value)

    def test_each_browser_gets_its_own(self, bench: SessionBench) -> None:
        """However much the keys look alike."""
        with closing(bench.open()) as store:
            key = _key()[:-1]
            for end in "0123456789abcdef":
                store.put(key + end, f"session {end}".encode(), _LONG)
            for end in "0123456789abcdef":
                found = store.get(key + end)
                got = found and found.value
                expect(got == f"session {end}".encode(), f"one browser was given another's session: {got!r} under the key of {end!r}")

    def test_a_session_that_has_ended_is_gone(self, bench: SessionBench) -> None:
        """That, and no other; ending it again is harmless, and nothing brings it back."""
        with closing(bench.open()) as store:
            key, other = _key(), _key()
            for each in (key, other):
                store.put(each, b"a", _LONG)
            store.delete(key)
            found = store.get(key)
            expect(found is None, f"after it was ended a session is still given: {found!r}")
            _expect_session(store, other, b"a")
            lives = store.prolong(key, _LONG)
            expect(lives is False, f"to prolong a session that was ended answered {lives!r}")
            expect(store.get(key) is None, "prolonging a session that was ended has brought it back")
            store.delete(key)

    def test_past_its_time_a_session_is_not_given(self, bench: SessionBench) -> None:
        """Even while it lies there still; and nothing brings it back."""
        with closing(bench.open()) as store:
            key, other = _key(), _key()
            store.put(other, b"a", _LONG)
            until = time.monotonic() + 1
            store.put(key, b"a", 1)
            while time.monotonic() < until + 0.1 and store.get(key) is not None:
                time.sleep(0.02)
            found = store.get(key)
            expect(found is None, f"a session that was opened for 1 s is given after {time.monotonic() - until + 1:.1f} s")
            expect(store.prolong(key, _LONG) is False, "to prolong a session that is over answered that there is one")
            expect(store.get(key) is None, "prolonging a session that was over has brought it back")
            _expect_session(store, other, b"a")

    def test_who_uses_a_session_keeps_it(self, bench: SessionBench) -> None:
        """Prolonged, it lives from now on for as long as was said, and is what it was."""
        with closing(bench.open()) as store:
            lives, until = False, 0.0
            while lives is not True and until < time.monotonic():  # again, where it was over before a busy machine came to prolong it
                key, until = _key(), time.monotonic() + 1
                store.put(key, b"a", 1)
                lives = store.prolong(key, _LONG)
            expect(lives is True, f"to prolong a session that lives answered {lives!r}")
            while time.monotonic() < until + 0.2:
                time.sleep(0.02)
            expect(store.get(key) is not None, f"a session that was prolonged by {_LONG} s was over after 1 s, as if nobody had used it")
            _expect_session(store, key, b"a")

    def test_all_who_opened_the_store_see_the_same(self, bench: SessionBench) -> None:
        """As the processes of a server do: who signs in by one and out by another is out everywhere."""
        with closing(bench.open()) as one, closing(bench.open()) as other:
            key = _key()
            one.put(key, b"a", _LONG)
            expect(other.get(key) is not None, "a session that one process has opened another does not know")
            other.delete(key)
            found = one.get(key)
            expect(found is None, f"a session that one process has ended another still gives: {found!r}")

    def test_a_restart_signs_nobody_out(self, bench: SessionBench) -> None:
        """Sessions are in the store, and not in a process."""
        key = _key()
        with closing(bench.open()) as store:
            store.put(key, b"a", _LONG)
        with closing(bench.open()) as store:
            expect(store.get(key) is not None, "after all who had opened it were closed, a session is forgotten")

    def test_apps_beside_each_other_are_apart(self, bench: SessionBench) -> None:
        """A session of one signs nobody in at the other, and nobody out."""
        beside = needed(bench.beside, "store beside this one")
        with closing(bench.open()) as store, closing(beside()) as neighbour:
            key = _key()
            store.put(key, b"ours", _LONG)
            found = neighbour.get(key)
            expect(found is None, f"another app in the same store is given our session: {found!r}")
            expect(neighbour.prolong(key, 1) is False, "another app in the same store has changed how long our session lives")
            neighbour.delete(key)
            expect(store.get(key) is not None, "another app in the same store has ended our session")

    def test_what_many_open_at_the_same_time_is_all_there(self, bench: SessionBench) -> None:
        """No write gets lost, whoever writes at once."""
        with closing(bench.open()) as store:

            def sign_in() -> list[str]:
                keys = [_key() for _ in range(_EACH)]
                for key in keys:
                    store.put(key, key.encode(), _LONG)
                return keys

            opened = all_answered(at_once([sign_in] * _THREADS, "signing in at once"), "signing in at once")
            keys = [key for each in opened for key in each]
            found = {key: store.get(key) for key in keys}
            lost = [key for key, session in found.items() if session is None]
            expect(not lost, f"of {len(keys)} sessions that were opened at the same time {len(lost)} are lost")
            mixed = sum(session is not None and session.value != key.encode() for key, session in found.items())
            expect(not mixed, f"of {len(keys)} sessions that were opened at the same time {mixed} are another's")

    def test_who_signs_out_while_a_page_prolongs_is_out(self, bench: SessionBench) -> None:
        """Whoever reads, and then writes back what was read, brings an ended session to life again."""
        with closing(bench.open()) as store:
            for _ in range(_EACH):
                key, used, ended = _key(), threading.Event(), threading.Event()
                store.put(key, b"a", _LONG)

                def use(key: str = key, used: threading.Event = used, ended: threading.Event = ended) -> None:
                    while not ended.is_set():
                        store.prolong(key, _LONG)
                        used.set()

                def end(key: str = key, used: threading.Event = used, ended: threading.Event = ended) -> None:
                    try:
                        used.wait(_PATIENCE)
                        store.delete(key)
                    finally:
                        ended.set()

                all_answered(at_once([use, use, end], "a sign-out and pages"), "a sign-out and pages")
                expect(store.get(key) is None, "a session that was ended while pages prolonged it lives on")

    @pytest.mark.parametrize("place", ["silent", "closed", "rude"])
    def test_without_its_service_it_raises_soon(self, bench: SessionBench, place: str) -> None:
        """And never says that there is no session, which would sign people out."""
        with away(bench, place) as store:
            key, where = _key(), f"the service was {place}"
            calls: tuple[tuple[str, Callable[[], object]], ...] = (
                ("it was asked for a session", partial(store.get, key)),
                ("it was given a session", partial(store.put, key, b"a", _LONG)),
                ("it was told to prolong one", partial(store.prolong, key, _LONG)),
                ("it was told to end one", partial(store.delete, key)),
                ("it was pinged", store.ping),
            )
            for what, call in calls:
                refused_soon(Unavailable, where, what, call, bench.at_once)

    def test_its_errors_name_no_session(self, bench: SessionBench) -> None:
        """Neither whose, nor by which key: they go to the log."""
        with away(bench, "closed") as store:
            key, value = _key(), b"the session of ada"
            calls: tuple[Callable[[], object], ...] = (
                partial(store.get, key),
                partial(store.put, key, value, _LONG),
                partial(store.prolong, key, _LONG),
                partial(store.delete, key),
            )
            for call in calls:
                keeps_secrets(told_by(call), [key, value.decode()])

    def test_its_secrets_stay_its_own(self, bench: SessionBench) -> None:
        """They are in no error and no representation."""
        hidden = needed(bench.secrets, "secret to look for")
        keeps_secrets(told_of_itself(bench, lambda store: [store.ping]), hidden)

    def test_it_can_be_closed_twice(self, bench: SessionBench) -> None:
        """Whoever ends must not ask who has ended before."""
        closes_twice(bench.open().close)


def _key() -> str:
    return secrets.token_hex(32)


def _expect_session(store: SessionStore, key: str, value: bytes) -> None:
    """It is there, whole, and has about all of its time left."""
    found = store.get(key)
    if found is None:
        raise ContractBroken(f"a session of {len(value)} bytes that was opened for {_LONG} s is not there")
    expect(found.value == value and type(found.value) is bytes, f"where {value[:20]!r} was put, it gives {found.value[:20]!r}")
    expect(
        _LONG - 60 < found.seconds <= _LONG, f"a session that was opened for {_LONG} s a moment ago is said to have {found.seconds} s left"
    )

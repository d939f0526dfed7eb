"""What every store of rate limits must do, as tests: subclass :class:`LimiterContract`, give one fixture, and run pytest.

from dinnerkit.testing import LimiterBench, LimiterContract

class TestOurLimiter(LimiterContract):
    @pytest.fixture
    def bench(self):
        return LimiterBench(open=lambda: open_limiter("ourstore://127.0.0.1:1234"))
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any

import pytest
from limits import RateLimitItem, RateLimitItemPerHour, RateLimitItemPerMinute, RateLimitItemPerSecond
from limits.storage import MovingWindowSupport, Storage, storage_from_string
from limits.strategies import MovingWindowRateLimiter

from dinnerkit.errors import Unavailable
from dinnerkit.ids import new_id
from dinnerkit.ports.limiter import Lease, Leases, LimiterStorage, Unspent
from dinnerkit.testing.away import away, told_of_itself
from dinnerkit.testing.bench import Bench
from dinnerkit.testing.expecting import (
    ContractBroken,
    all_answered,
    at_once,
    closes_twice,
    expect,
    in_time,
    keeps_secrets,
    needed,
    refusal,
    refused_soon,
)

__all__ = ["ContractBroken", "LimiterBench", "LimiterContract"]

_THREADS, _EACH = 8, 10


@dataclass(frozen=True, kw_only=True, slots=True)
class LimiterBench(Bench[LimiterStorage]):
    """What the author of a limiter storage gives to the tests, beside what :class:`~dinnerkit.testing.bench.Bench` says.

    Attributes:
        shared: whether those who were opened by several calls count together; one in the process's memory says no.
    """

    shared: bool = True


class LimiterContract:
    """The tests that every limiter storage must pass."""

    @pytest.fixture
    def bench(self) -> LimiterBench:
        """The storage to be tested: the one fixture that a subclass gives."""
        raise NotImplementedError(f"{type(self).__name__} must define a fixture `bench` that gives a LimiterBench")

    def test_it_speaks_through_the_port(self, bench: LimiterBench) -> None:
        """And the limits library finds a storage with moving windows by its URL."""
        with closing(bench.open()) as opened:
            expect(isinstance(opened, LimiterStorage), f"{type(opened).__name__} lacks a member of dinnerkit.ports.limiter.LimiterStorage")
            opened.ping()
            storage = _storage(opened)
            expect(isinstance(storage, MovingWindowSupport), f"{type(storage).__name__} of the limits library has no moving windows")
            expect(storage.check() is True, "its storage says that it can't be reached, while a ping succeeds")

    def test_as_many_as_the_limit_come_through_and_no_more(self, bench: LimiterBench) -> None:
        """What is refused counts for nothing."""
        with _scene(bench) as (limiter, caller):
            limit = RateLimitItemPerHour(5)
            let = [limiter.hit(limit, caller("a")) for _ in range(8)]
            expect(let == [True] * 5 + [False] * 3, f"of 8 hits where 5 are allowed it let {sum(let)} through: {let}")
            left = limiter.get_window_stats(limit, caller("a")).remaining
            expect(left >= 0, "what was refused was counted as if it had come through")
            expect(left == 0, f"it says that {left} are left after the last")

    def test_each_caller_and_each_limit_has_a_window_of_its_own(self, bench: LimiterBench) -> None:
        """Nobody pays for another."""
        with _scene(bench) as (limiter, caller):
            limit = RateLimitItemPerHour(2)
            for _ in range(3):
                limiter.hit(limit, caller("a"))
            expect(limiter.hit(limit, caller("b")), "one caller was refused for what another had done")
            expect(limiter.hit(RateLimitItemPerMinute(2), caller("a")), "hits under one limit were counted under another")
            fresh = limiter.get_window_stats(limit, caller("c")).remaining
            expect(fresh == 2, f"of 2 a caller who never came has {fresh} left")

    def test_hits_at_the_same_time_are_counted_each(self, bench: LimiterBench) -> None:
        """Whoever looks and then writes lets too many through."""
        with _scene(bench) as (limiter, caller):
            limit = RateLimitItemPerHour(_THREADS * _EACH // 2)

            def hit() -> int:
                return sum(limiter.hit(limit, caller("a")) for _ in range(_EACH))

            let = sum(all_answered(at_once([hit] * _THREADS, "hits at once"), "hits at once"))
        expect(let == limit.amount, f"of {_THREADS * _EACH} hits at once, where {limit.amount} are allowed, it let {let} through")

    def test_all_who_opened_it_count_together(self, bench: LimiterBench) -> None:
        """As the processes of a server do."""
        if not bench.shared:
            pytest.skip("this storage is one process's own")
        limit = RateLimitItemPerHour(3)
        with _scene(bench) as (one, caller), _scene(bench) as (other, _):
            let = [limiter.hit(limit, caller("a")) for limiter in (one, other, one, other)]
        expect(let == [True, True, True, False], f"of 4 hits in two processes, where 3 are allowed, it let {sum(let)} through")

    def test_no_second_has_more_than_the_limit_of_a_second(self, bench: LimiterBench) -> None:
        """The window moves: at no edge do two windows' worth of hits come through; and who waited is let in again."""
        limit, allowed = RateLimitItemPerSecond(4), 4
        with _scene(bench) as (limiter, caller):
            taken = [_taken(limiter, limit, caller("a"))]
            middle = time.monotonic() + 0.6
            while time.monotonic() < middle:
                time.sleep(0.01)
            while len(taken) < 3 * allowed:
                taken.append(_taken(limiter, limit, caller("a")))
        for first, last in zip(taken, taken[allowed:], strict=False):
            apart = last[1] - first[0]
            expect(apart >= 0.99, f"{allowed + 1} hits came through within {apart:.2f} s, where {allowed} a second are allowed")

    def test_it_tells_when_to_come_back(self, bench: LimiterBench) -> None:
        """``Retry-After`` is made of it: from now to the end of the window."""
        with _scene(bench) as (limiter, caller):
            limit = RateLimitItemPerMinute(2)
            for _ in range(3):
                limiter.hit(limit, caller("a"))
            wait = limiter.get_window_stats(limit, caller("a")).reset_time - time.time()
        expect(50 < wait <= 61, f"who used up a limit per minute just now is told to come back in {wait:.0f} s")

    def test_more_at_once_than_is_left_is_refused_whole(self, bench: LimiterBench) -> None:
        """A hit may cost more than one."""
        with _scene(bench) as (limiter, caller):
            limit = RateLimitItemPerHour(3)
            expect(not limiter.hit(limit, caller("a"), cost=4), "it let a hit through that costs more than the whole limit")
            expect(limiter.hit(limit, caller("a"), cost=2), "it refused a hit that costs less than is left")
            expect(not limiter.hit(limit, caller("a"), cost=2), "it let a hit through that costs more than is left")
            expect(limiter.hit(limit, caller("a")), "a hit that was refused for its cost was counted in part")

    def test_a_caller_can_be_forgotten(self, bench: LimiterBench) -> None:
        """And nobody else with them."""
        with _scene(bench) as (limiter, caller):
            limit = RateLimitItemPerHour(1)
            for name in ("a", "b"):
                limiter.hit(limit, caller(name))
            limiter.clear(limit, caller("a"))
            expect(limiter.hit(limit, caller("a")), "a caller who was to be forgotten is still refused")
            expect(not limiter.hit(limit, caller("b")), "another was forgotten with the caller who was to be")

    def test_a_lease_takes_a_share_of_what_is_free_and_what_is_needed_in_any_case(self, bench: LimiterBench) -> None:
        """So the window fills by ever smaller leases, and to the last hit."""
        with _leasing(bench) as (_, take, _):
            taken = [take(need=1, most=most).granted for most in (3, 100)]
            expect(taken == [3, 12], f"of 100 free hits, then 97, an 8th and at most 3, then 100, are {taken} and not [3, 12]")
            expect((granted := take(need=50, most=100).granted) == 50, f"where 85 are free and 50 needed, it gave {granted}")
            expect((granted := take(need=50, most=1).granted) == 35, f"where 35 are free and 50 needed, it gave {granted}")
            none = take(need=1, most=1)
        expect((none.granted, none.hits) == (0, 100), f"where none are free it gave {none.granted}, and says that {none.hits} of 100 count")

    def test_what_is_leased_is_counted_in_the_window_of_its_key(self, bench: LimiterBench) -> None:
        """Since what is not leased goes there too."""
        with _leasing(bench) as (limiter, take, caller):
            before = time.time()
            lease = take(need=60, most=60)
            expect(before - 1 < lease.began <= lease.stamp < time.time() + 1, f"at {before} it says that hits count since {lease.began}")
            left = limiter.get_window_stats(_LEASED, caller).remaining
            expect(left == 40, f"of 100 hits 60 are leased, and {left} left")
            for _ in range(5):
                limiter.hit(_LEASED, caller)
            expect((hits := take(need=1, most=1).hits) == 66, f"60 hits were leased, 5 counted and one leased, and {hits} count")

    def test_what_is_given_back_is_free_again_and_only_once(self, bench: LimiterBench) -> None:
        """A driver may send a thing again whose answer was lost; what was spent must count all the same."""
        with _leasing(bench) as (_, take, _):
            first = take(need=10, most=10)
            take(need=5, most=5)
            back = Unspent(first.stamp, 4, 6)
            expect(
                (hits := take(need=1, most=1, back=back).hits) == 10, f"of 10 and 5 leased 6 were given back, one taken, and {hits} count"
            )
            expect((hits := take(need=1, most=1, back=back).hits) == 11, f"what was given back already was dropped again: {hits} count")

    def test_no_two_are_leased_the_same_hits(self, bench: LimiterBench) -> None:
        """Whoever looks and then writes leases too many."""
        with _leasing(bench) as (_, take, _):

            def lease() -> int:
                return sum(take(need=2, most=2).granted for _ in range(_EACH))

            granted = sum(all_answered(at_once([lease] * _THREADS, "leases at once"), "leases at once"))
        expect(granted == 100, f"of {_THREADS * _EACH * 2} hits, leased at once where 100 are allowed, it gave {granted}")

    @pytest.mark.parametrize("place", ["silent", "closed", "rude"])
    def test_without_its_service_a_hit_fails_soon_and_by_an_error_of_its_own(self, bench: LimiterBench, place: str) -> None:
        """So that the core can count in memory meanwhile; ``check`` is for people."""
        with away(bench, place) as opened:
            refusal(Unavailable, f"the service was {place}, and it was pinged", partial(in_time, "a ping", opened.ping))
            limiter = MovingWindowRateLimiter(_storage(opened))
            errors: Any = limiter.storage.base_exceptions
            asked: list[tuple[str, Callable[[], object]]] = [
                ("it was asked for a hit", partial(limiter.hit, RateLimitItemPerHour(1), new_id())),
                ("it was asked for a look at a window", partial(limiter.get_window_stats, RateLimitItemPerHour(1), new_id())),
                *_lease_of(opened),
            ]
            for what, call in asked:
                refused_soon(errors, f"the service was {place}", what, call, bench.at_once)
            found = in_time("a check", limiter.storage.check)
            expect(found is False, f"the service was {place}, and check() says {found!r}")

    def test_its_secrets_stay_its_own(self, bench: LimiterBench) -> None:
        """They are in no error and no representation."""
        secrets = needed(bench.secrets, "secret to look for")
        keeps_secrets(told_of_itself(bench, lambda opened: [opened.ping]), secrets)

    def test_it_can_be_closed_twice(self, bench: LimiterBench) -> None:
        """Whoever ends must not ask who has ended before."""
        closes_twice(bench.open().close)


def _storage(opened: LimiterStorage) -> Storage:
    try:
        found = storage_from_string(opened.uri, **opened.options)
    except Exception as error:
        raise ContractBroken(f"the limits library makes no storage of its URL: {type(error).__name__}: {error}") from error
    if not isinstance(found, Storage):
        raise ContractBroken(f"the limits library makes a {type(found).__name__} of its URL, which is asynchronous")
    return found


@contextmanager
def _scene(bench: LimiterBench) -> Iterator[tuple[MovingWindowRateLimiter, Callable[[str], str]]]:
    """A limiter as the core has it, and callers whom no other test has."""
    mark = new_id()
    with closing(bench.open()) as opened:
        yield MovingWindowRateLimiter(_storage(opened)), lambda name: f"{name}:{mark}"


_LEASED = RateLimitItemPerHour(100)


@contextmanager
def _leasing(bench: LimiterBench) -> Iterator[tuple[MovingWindowRateLimiter, Callable[..., Lease], str]]:
    """A limiter whose store leases, leases of an 8th of what is free, all of one window, and whose that is."""
    with closing(bench.open()) as opened:
        if not isinstance(opened, Leases):
            pytest.skip("this storage leases no hits")
        caller = new_id()
        key = _LEASED.key_for(caller)

        def take(*, need: int, most: int, back: Unspent | None = None) -> Lease:
            return opened.lease(key, _LEASED.amount, _LEASED.get_expiry(), need=need, most=most, share=8, back=back)

        yield MovingWindowRateLimiter(_storage(opened)), take, caller


def _lease_of(opened: LimiterStorage) -> list[tuple[str, Callable[[], object]]]:
    """What leases a hit, where the store does."""
    if not isinstance(opened, Leases):
        return []
    return [("it was asked for a lease", partial(opened.lease, new_id(), 1, 3600.0, need=1, most=1, share=1, back=None))]


def _taken(limiter: MovingWindowRateLimiter, limit: RateLimitItem, caller: str) -> tuple[float, float]:
    """When the next hit that came through was begun, and when it was answered."""
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        begun = time.monotonic()
        if limiter.hit(limit, caller):
            return begun, time.monotonic()
        time.sleep(0.002)
    raise ContractBroken("who waited is not let in again: the window does not move")

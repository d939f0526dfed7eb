"""What every cache must do, as tests: subclass :class:`CacheContract`, give one fixture, and run pytest.

from dinnerkit.testing import CacheBench, CacheContract

class TestOurCache(CacheContract):
@pytest.fixture
def bench(self):
return CacheBench(open=lambda: open_cache("ourstore://127.0.0.1:1234"))
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import pytest

from dinnerkit.ids import new_id
from dinnerkit.ports.cache import Cache, Claims
from dinnerkit.testing.bad_services import service_that_is
from dinnerkit.testing.bench import Bench
from dinnerkit.testing.expecting import (
    ContractBroken,
    all_answered,
    at_once,
    expect,
    keeps_secrets,
    needed,
    refusal,
    refused_soon,
    told_by,
)

__all__ = ["CacheBench", "CacheContract", "ContractBroken"]

_THREADS, _EACH = 6, 50
_LONG = 600


@dataclass(frozen=True, kw_only=True, slots=True)
class CacheBench(Bench[Cache]):
    """What the author of a cache gives to the tests, beside what :class:`~dinnerkit.testing.bench.Bench` says.

    Attributes:
        shared: whether those who were opened by several calls see each other's values; one in the process's memory says no.
        beside: opens another cache of the same kind as near by as can be, such as one with another prefix in the same server.
    """

    shared: bool = True
    beside: Callable[[], Cache] | None = None


class CacheContract:
    """The tests that every cache must pass."""

    @pytest.fixture
    def bench(self) -> CacheBench:
        """The cache to be tested: the one fixture that a subclass gives."""
        raise NotImplementedError(f"{type(self).__name__} must define a fixture `bench` that gives a CacheBench")

    def test_it_speaks_through_the_port(self, bench: CacheBench) -> None:
        """The core knows a cache by its methods."""
        cache = bench.open()
        expect(isinstance(cache, Cache), f"{type(cache).__name__} lacks a method of dinnerkit.ports.cache.Cache")
        found = cache.get(new_id())
        expect(found is None, f"of a key that was never set it says {found!r}")

    @pytest.mark.parametrize("what", ["number", "nothing counted", "no", "text", "empty text", "list", "object", "bytes"])
    def test_what_was_set_comes_back_as_it_was(self, bench: CacheBench, what: str) -> None:
        """Values and types, also those that a careless ``if`` takes for nothing."""
        values: dict[str, Any] = {
            "number": 2**40 + 1,
            "nothing counted": 0,
            "no": False,
            "text": "Æsir",
            "empty text": "",
            "list": [1, [0.5, None], {}],
            "object": {"a": {"b": [True, "c"]}},
            "bytes": b"\x00\xff{}",
        }
        key, cache = new_id(), bench.open()
        cache.set(key, values[what], _LONG)
        found = cache.get(key)
        expect(found == values[what] and type(found) is type(values[what]), f"where {values[what]!r} was set, it gives {found!r}")

    def test_what_is_no_value_is_refused(self, bench: CacheBench) -> None:
        """When it is set, where the program can be mended."""
        cache = bench.open()
        refusal(TypeError, "an object that JSON can't say was set", partial(cache.set, new_id(), object(), _LONG))

    def test_the_last_that_was_set_counts(self, bench: CacheBench) -> None:
        """Not the first, and of each key its own."""
        cache, keys = bench.open(), [new_id() for _ in range(3)]
        for value in ("old", "new"):
            for key in keys:
                cache.set(key, f"{value} {key}", _LONG)
        found = [cache.get(key) for key in keys]
        expect(found == [f"new {key}" for key in keys], f"after each of 3 keys was set to something new, they give {found}")

    def test_keys_that_look_alike_are_different(self, bench: CacheBench) -> None:
        """Whatever the store makes of slashes, case, spaces, other alphabets or length."""
        mark, cache = new_id(), bench.open()
        keys = [f"{mark}{end}" for end in ("a", "A", "a ", "a/b", "a:b", "a_b", "../a", "ä", "x" * 600, "x" * 601)]
        for number, key in enumerate(keys):
            cache.set(key, number, _LONG)
        found = [cache.get(key) for key in keys]
        expect(found == list(range(len(keys))), f"keys that look alike share a value: {found}")

    def test_what_it_gives_is_a_copy(self, bench: CacheBench) -> None:
        """What others do with theirs changes nobody's."""
        key, value, cache = new_id(), {"a": [1]}, bench.open()
        cache.set(key, value, _LONG)
        value["a"].append(2)
        found = cache.get(key)
        expect(found == {"a": [1]}, f"what the program did with a value after it was set changed the cache: {found!r}")
        found["a"].append(3)
        again = cache.get(key)
        expect(again == {"a": [1]}, f"what one reader did with a value changed what the next one gets: {again!r}")

    def test_what_is_deleted_is_gone(self, bench: CacheBench) -> None:
        """That, and nothing else; deleting again is harmless."""
        cache, key, other = bench.open(), new_id(), new_id()
        cache.set(key, "a", _LONG)
        cache.set(other, "b", _LONG)
        cache.delete(key)
        found = cache.get(key)
        expect(found is None, f"after it was deleted, a key still gives {found!r}")
        expect(cache.get(other) == "b", "another key was deleted too")
        cache.delete(key)

    def test_past_its_timeout_nothing_is_given(self, bench: CacheBench) -> None:
        """Whoever was told a time counts on it: it is all that bounds how stale a value may be."""
        cache, key = bench.open(), new_id()
        cache.set(key, "a", 1)
        until = time.monotonic() + 1
        while time.monotonic() < until + 0.1:
            if cache.get(key) is None:
                return
            time.sleep(0.02)
        found = cache.get(key)
        expect(found is None, f"a value that was set for 1 s is given after {time.monotonic() - until + 1:.1f} s")

    def test_clearing_forgets_all_that_is_its_own(self, bench: CacheBench) -> None:
        """And nothing that lies beside it: the store may be others' too."""
        cache, keys = bench.open(), [new_id() for _ in range(3)]
        for key in keys:
            cache.set(key, "a", _LONG)
        neighbour = bench.beside() if bench.beside is not None else None
        if neighbour is not None:
            seen = neighbour.get(keys[0])
            expect(seen is None, f"a cache beside it sees its values: {seen!r}")
            neighbour.set(keys[0], "theirs", _LONG)
            expect(cache.get(keys[0]) == "a", "a cache beside it has changed its values")
        cache.clear()
        left = [cache.get(key) for key in keys]
        expect(left == [None] * 3, f"after it was cleared it gives {left}")
        if neighbour is not None:
            expect(neighbour.get(keys[0]) == "theirs", "clearing it has cleared a cache beside it too")

    def test_all_who_opened_it_see_the_same(self, bench: CacheBench) -> None:
        """As the processes of a server do: what one deletes nobody is given."""
        if not bench.shared:
            pytest.skip("this cache is one process's own")
        one, other, key = bench.open(), bench.open(), new_id()
        one.set(key, "a", _LONG)
        expect(other.get(key) == "a", "what one process set another does not see")
        other.delete(key)
        found = one.get(key)
        expect(found is None, f"what one process deleted another still gives: {found!r}")

    def test_values_are_whole_whoever_writes_at_the_same_time(self, bench: CacheBench) -> None:
        """Threads that set and read one key see values that somebody set, and each its own key's."""
        cache, key = bench.open(), new_id()
        possible = [[who] * 200 for who in range(_THREADS)]

        def work(who: int) -> list[Any]:
            wrong = []
            for number in range(_EACH):
                if who % 2:  # half of them only read
                    cache.set(key, possible[who], _LONG)
                found = cache.get(key)
                if found is not None and found not in possible:
                    wrong.append(found)
                own = f"{key}-{who}-{number}"
                cache.set(own, own, _LONG)
                mine = cache.get(own)
                if mine not in {None, own}:
                    wrong.append(mine)
            return wrong

        outcomes = all_answered(at_once([partial(work, who) for who in range(_THREADS)], "threads at once"), "threads at once")
        wrong = [found for each in outcomes for found in each]
        expect(not wrong, f"while others wrote, it gave what nobody had set: {str(wrong[:1])[:100]}")

    def test_of_all_who_claim_at_once_one_gets_it(self, bench: CacheBench) -> None:
        """A capability: by it the processes of a server agree who makes what all of them want."""
        cache, key = _claiming(bench), new_id()
        calls = [partial(cache.claim, key, who, _LONG) for who in range(_THREADS)]
        outcomes = all_answered(at_once(calls, "threads at once"), "threads at once")
        got = [who for who, outcome in enumerate(outcomes) if outcome]
        expect(len(got) == 1, f"of {_THREADS} who claimed a key at once {len(got)} got it")

    def test_a_claim_holds_for_its_time(self, bench: CacheBench) -> None:
        """And is free again then, or when it is deleted: who holds it may have been killed."""
        cache, key, brief = _claiming(bench), new_id(), new_id()
        expect(bool(cache.claim(key, "a", _LONG)), "a key that nobody had could not be claimed")
        found = bench.open().get(key) if bench.shared else "a"
        expect(found == "a", f"a claim with a value gives {found!r}")
        expect(not cache.claim(key, "b", _LONG), "a key that was taken was given to another")
        bench.open().delete(key)
        expect(bool(cache.claim(key, "c", _LONG)), "a claim that was deleted is not free")
        before = time.monotonic()
        cache.claim(brief, "a", 1)
        until, taken, asked = time.monotonic() + 1, False, 0.0
        while not taken and asked < until + 0.5:
            asked = time.monotonic()
            taken = bool(cache.claim(brief, "b", _LONG))
            time.sleep(0.02)
        expect(taken, f"a claim for 1 s is not free after {asked - before:.1f} s")
        expect(time.monotonic() > before + 0.9, f"a claim for 1 s was given to another after {time.monotonic() - before:.1f} s")

    @pytest.mark.parametrize("place", ["silent", "closed", "rude"])
    def test_without_its_service_it_raises_soon(self, bench: CacheBench, place: str) -> None:
        """Not None: the core must know, to leave it alone and to tell people."""
        reach = needed(bench.reach, "way to reach the cache at another address")
        with service_that_is(place) as (host, port):
            cache = reach(host, port)
            for what, call in (
                ("it was asked for a value", partial(cache.get, "a")),
                ("it was given a value", partial(cache.set, "a", "b", _LONG)),
                ("it was told to delete one", partial(cache.delete, "a")),
            ):
                refused_soon(Exception, f"the service was {place}", what, call, bench.at_once)

    def test_its_secrets_stay_its_own(self, bench: CacheBench) -> None:
        """They are in no error and no representation."""
        secrets = needed(bench.secrets, "secret to look for")
        cache = bench.open()
        told = [repr(cache), str(cache)]
        if bench.reach is not None:
            with service_that_is("closed") as (host, port):
                away = bench.reach(host, port)
                told += [repr(away), *told_by(partial(away.get, "a"))]
        keeps_secrets(told, secrets)


def _claiming(bench: CacheBench) -> Claims:
    cache = bench.open()
    if not isinstance(cache, Claims):
        pytest.skip("this cache takes no claims")
    return cache

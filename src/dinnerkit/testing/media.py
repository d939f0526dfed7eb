"""What every store of media must do, as tests: subclass :class:`MediaContract`, give one fixture, and run pytest.

from dinnerkit.testing import MediaBench, MediaContract

class TestOurMedia(MediaContract):
    @pytest.fixture
    def bench(self):
        return MediaBench(open=lambda: open_media("ourstore://127.0.0.1:1234/photos"))
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from contextlib import closing
from functools import partial
from itertools import pairwise

import pytest

from dinnerkit.errors import Invalid, TooLarge, Unavailable
from dinnerkit.ports.media import LONGEST_KEY, MOST_BYTES, MOST_LISTED, MediaInfo, MediaStore, Medium
from dinnerkit.testing.away import away, told_of_itself
from dinnerkit.testing.expecting import (
    ContractBroken,
    all_answered,
    at_once,
    closes_twice,
    expect,
    keeps_secrets,
    needed,
    refusal,
    refused_soon,
    told_by,
)
from dinnerkit.testing.media_bench import MediaBench, expect_info, expect_medium, expect_moment, inside, new_key
from dinnerkit.testing.media_direct import DirectContract

__all__ = ["ContractBroken", "MediaBench", "MediaContract"]

_TYPE = "image/webp"
_THREADS, _EACH = 6, 10
_ROUNDS = 12
_MOMENT = 0.1

NO_KEYS = {
    "nothing": "",
    "up": "../secret-key",
    "up from within": "photos/../../secret-key",
    "from the root": "/etc/passwd",
    "of another system": "photos\\..\\secret-key",
    "a hidden file": "photos/.htaccess",
    "an empty segment": "photos//1",
    "ends with a slash": "photos/",
    "ends in two segments": "photos/..",
    "a zero byte": "photos/1\0.webp",
    "capitals": "photos/Berlin",
    "a line": "photos/1\n",
    "an address": "http://127.0.0.1/1",
    "too long": "a" * (LONGEST_KEY + 1),
}
"""What is no key, and must never reach the store."""

NO_CONTENT_TYPES = ("", "image", "image/webp\r\nSet-Cookie: a=b", "image/webp; charset=utf-8", "Image/WebP")


class MediaContract(DirectContract):
    """The tests that every store of media must pass."""

    @pytest.fixture
    def bench(self) -> MediaBench:
        """The store to be tested: the one fixture that a subclass gives."""
        raise NotImplementedError(f"{type(self).__name__} must define a fixture `bench` that gives a MediaBench")

    def test_it_speaks_through_the_port(self, bench: MediaBench) -> None:
        """The core knows a store by its methods."""
        with closing(bench.open()) as store:
            expect(isinstance(store, MediaStore), f"{type(store).__name__} lacks a method of dinnerkit.ports.media.MediaStore")
            store.ping()
            key = new_key()
            for name, found in (("get", store.get(key)), ("stat", store.stat(key)), ("listed", list(store.listed(key)) or None)):
                expect(found is None, f"of a medium that nobody ever put {name} says {found!r}")

    @pytest.mark.parametrize("what", ["one byte", "bytes that are no text", "largest"])
    def test_a_medium_comes_back_whole_and_as_what_it_was(self, bench: MediaBench, what: str) -> None:
        """Byte for byte, with its size and type; and what is known of it unread is the same."""
        content = {"one byte": b"\n", "bytes that are no text": bytes(range(256)) * 9, "largest": bytes(MOST_BYTES)}[what]
        with closing(bench.open()) as store:
            key = new_key()
            info = store.put(key, content, _TYPE)
            expect_info(info, key, content, _TYPE, "put")
            expect_medium(store, key, content, _TYPE)
            for other in (store.stat(key), *store.listed(key)):
                told = None if other is None else (other.size, other.etag)
                expect(told == (info.size, info.etag), f"put told of {(info.size, info.etag)}, and stat or listed tells of {told}")

    def test_its_type_stays_with_it(self, bench: MediaBench) -> None:
        """Whatever the key ends with: it is what browsers are told."""
        with closing(bench.open()) as store:
            for ending, content_type in (("webp", "image/jpeg"), ("html", "image/webp"), ("png", "application/vnd.acme+json"), ("", _TYPE)):
                key = f"{new_key()}.{ending}" if ending else new_key()
                store.put(key, b"<script>", content_type)
                expect_medium(store, key, b"<script>", content_type)
                store.put(key, b"<script>", "application/octet-stream")
                expect_medium(store, key, b"<script>", "application/octet-stream")

    def test_each_key_has_its_own(self, bench: MediaBench) -> None:
        """However much keys look alike, and also where one is like the folder of another."""
        with closing(bench.open()) as store:
            start = new_key()
            ends = ("", "/b", "/b/c", "/b.c", "/bc", ".b", "-b", "_b", "b", "/0", "/00")
            for end in ends:
                store.put(start + end, f"under {end}".encode(), _TYPE)
            for end in ends:
                found = store.get(start + end)
                got = found and found.content
                expect(
                    got == f"under {end}".encode(), f"a key was given another's medium: {got!r} where {f'under {end}'.encode()!r} was put"
                )

    def test_what_is_put_in_its_place_is_there_for_all(self, bench: MediaBench) -> None:
        """No process goes on with what was there before, and its etag tells."""
        with closing(bench.open()) as one, closing(bench.open()) as other:
            key = new_key()
            first = one.put(key, b"the first", "image/png")
            expect_medium(other, key, b"the first", "image/png")
            second = one.put(key, b"another!!", _TYPE)
            expect(first.etag != second.etag, f"other bytes have the same etag: {first.etag!r}")
            for store in (one, other):
                expect_medium(store, key, b"another!!", _TYPE)

    def test_what_is_deleted_is_gone_for_all(self, bench: MediaBench) -> None:
        """That, and no other; deleting it again is harmless."""
        with closing(bench.open()) as one, closing(bench.open()) as other:
            key, kept = new_key(), new_key()
            for each in (key, f"{key}/within", f"{key}0", kept):
                one.put(each, b"a", _TYPE)
            for store in (one, other):
                expect_medium(store, key, b"a", _TYPE)
            one.delete(key)
            for store in (one, other):
                for name, found in (("get", store.get(key)), ("stat", store.stat(key))):
                    expect(found is None, f"after it was deleted {name} still gives a medium: {found!r}")
            expect(key not in [info.key for info in other.listed(key)], "after it was deleted a medium is still listed")
            for each in (f"{key}/within", f"{key}0", kept):
                expect_medium(other, each, b"a", _TYPE)
            one.delete(key)
            one.put(key, b"b", _TYPE)
            expect_medium(other, key, b"b", _TYPE)

    def test_a_restart_loses_nothing(self, bench: MediaBench) -> None:
        """Media are in the store, and not in a process."""
        key = new_key()
        with closing(bench.open()) as store:
            store.put(key, b"a", _TYPE)
        with closing(bench.open()) as store:
            expect_medium(store, key, b"a", _TYPE)

    def test_whoever_reads_while_it_is_replaced_reads_one_or_the_other(self, bench: MediaBench) -> None:
        """Never half of one, nor the bytes of one with the type or the etag of the other, nor nothing."""
        kinds = [(b"a" * 700_001, "image/png"), (b"b" * 300_007, "image/jpeg")]
        with closing(bench.open()) as writer, closing(bench.open()) as reader:
            key, ended, was_read = new_key(), threading.Event(), threading.Event()
            etags = {writer.put(key, content, kind).etag: (content, kind) for content, kind in kinds}

            def write() -> None:
                try:
                    for _ in range(_ROUNDS):
                        was_read.clear()
                        for content, kind in kinds:
                            writer.put(key, content, kind)
                        while not was_read.wait(_MOMENT) and not ended.is_set():
                            pass  # else all rounds may be over before anybody has begun to read
                finally:
                    ended.set()

            def read() -> None:
                try:
                    while not ended.is_set():
                        _expect_one_of(etags, reader.get(key))
                        was_read.set()
                finally:
                    ended.set()

            for outcome in at_once([write, read, read], "reading while another writes"):
                if isinstance(outcome, ContractBroken):
                    raise outcome
                all_answered([outcome], "reading while another writes")

    def test_what_many_put_at_the_same_time_is_all_there(self, bench: MediaBench) -> None:
        """No write gets lost, whoever writes at once, and none gets mixed up; and one key has one of those that were put."""
        shared = new_key()
        with closing(bench.open()) as store, closing(bench.open()) as other:

            def put(store: MediaStore) -> list[str]:
                keys = [new_key() for _ in range(_EACH)]
                for key in keys:
                    store.put(key, key.encode() * 100, _TYPE)
                    store.put(shared, key.encode() * 100, _TYPE)
                return keys

            work = [partial(put, each) for each in (store, other) * (_THREADS // 2)]
            keys = [key for each in all_answered(at_once(work, "putting at once"), "putting at once") for key in each]
            found = {key: store.get(key) for key in keys}
            lost = [key for key, medium in found.items() if medium is None]
            expect(not lost, f"of {len(keys)} media that were put at the same time {len(lost)} are lost")
            mixed = sum(medium is not None and medium.content != key.encode() * 100 for key, medium in found.items())
            expect(not mixed, f"of {len(keys)} media that were put at the same time {mixed} are another's")
            last = store.get(shared)
            expect(
                last and last.content in {key.encode() * 100 for key in keys}, "what many put under one key at the same time is none of it"
            )

    def test_who_deletes_beside_others_takes_nothing_of_theirs(self, bench: MediaBench) -> None:
        """A store that tidies up after the last one in a folder must not do it under somebody who is about to put another there."""
        folder = new_key()
        with closing(bench.open()) as one, closing(bench.open()) as other:

            def come_and_go(store: MediaStore, name: str) -> None:
                keys = [f"{folder}/{name}/{number}" for number in range(_EACH * 2)]
                store.put(keys[0], b"a", _TYPE)
                for old, new in pairwise(keys):
                    store.put(new, b"a", _TYPE)
                    store.delete(old)
                    expect(store.get(new), "a medium was gone because somebody deleted another one")
                store.delete(keys[-1])

            def share(store: MediaStore, name: str) -> None:
                for number in range(_EACH * 2):
                    key = f"{folder}/c/{name}-{number}"
                    store.put(key, b"a", _TYPE)
                    expect(store.get(key), "a medium was gone because somebody deleted another one")
                    store.delete(key)

            work = [partial(come_and_go, store, name) for store, name in ((one, "a"), (other, "a0"), (one, "b"), (other, "b0"))]
            work += [partial(share, store, name) for store, name in ((one, "a"), (other, "b"), (one, "c"))]
            for outcome in at_once(work, "putting and deleting at once"):
                if isinstance(outcome, ContractBroken):
                    raise outcome
                all_answered([outcome], "putting and deleting at once")

    def test_what_is_too_large_or_empty_is_refused(self, bench: MediaBench) -> None:
        """And what was there stays."""
        with closing(bench.open()) as store:
            key = new_key()
            store.put(key, b"a", _TYPE)
            refusal(TooLarge, f"of {MOST_BYTES + 1} bytes", partial(store.put, key, bytes(MOST_BYTES + 1), _TYPE))
            refusal(Invalid, "of no bytes", partial(store.put, key, b"", _TYPE))
            for content_type in NO_CONTENT_TYPES:
                refusal(Invalid, f"with the content type {content_type!r}", partial(store.put, key, b"b", content_type))
            expect_medium(store, key, b"a", _TYPE)

    @pytest.mark.parametrize("what", NO_KEYS)
    def test_what_is_no_key_is_refused(self, bench: MediaBench, what: str) -> None:
        """It might lead out of the place that the store was given."""
        key = NO_KEYS[what]
        with closing(bench.open()) as store:
            calls: tuple[tuple[str, Callable[[], object]], ...] = (
                ("get", partial(store.get, key)),
                ("stat", partial(store.stat, key)),
                ("delete", partial(store.delete, key)),
                ("put", partial(store.put, key, b"a", _TYPE)),
            )
            for name, call in calls:
                refusal(Invalid, f"{name} was given a key that is none ({what})", call)
            if what.startswith(("up", "from", "of")):
                refusal(Invalid, f"listed was given a prefix that is none ({what})", partial(store.listed, key))

    def test_stores_beside_each_other_are_apart(self, bench: MediaBench) -> None:
        """One neither sees nor removes what is the other's."""
        beside = needed(bench.beside, "store beside this one")
        with closing(bench.open()) as store, closing(beside()) as neighbour:
            key = new_key()
            store.put(key, b"ours", _TYPE)
            expect(neighbour.get(key) is None, "another app in the same store is given our medium")
            expect(neighbour.stat(key) is None, "another app in the same store is told of our medium")
            ours = [info.key for info in neighbour.listed() if info.key.endswith(key)]
            expect(not ours, f"another app in the same store is shown our medium in its list, as {ours}")
            neighbour.delete(key)
            expect_medium(store, key, b"ours", _TYPE)
            neighbour.put(key, b"theirs", "image/png")
            expect_medium(store, key, b"ours", _TYPE)

    def test_all_are_listed_once_in_order_page_by_page(self, bench: MediaBench) -> None:
        """What is not listed is never cleaned up; what is listed twice or lies about its age is deleted when it should not be."""
        with closing(bench.open()) as store:
            start = new_key()
            keys = sorted(f"{start}/{name}" for name in ("a", "a/b", "a-b", "a.b", "a0", "b/c/d", "b/c/e", "c"))
            for key in keys:
                store.put(key, key.encode(), _TYPE)
            store.put(f"{start}0", b"a", _TYPE)
            listed: list[MediaInfo] = []
            while page := store.listed(f"{start}/", listed[-1].key if listed else "", limit=3):
                expect(len(page) <= 3, f"of 3 media that were to be listed at most it lists {len(page)}")
                expect(len(listed) < len(keys), "page after page of the list says the same")
                listed += page
            names = [info.key for info in listed]
            expect(names == keys, f"of the keys {keys} it lists {names}")
            expect([info.key for info in store.listed(f"{start}/b/")] == keys[-3:-1], "its list has other keys than those that begin so")
            for info in listed:
                expect(info.size == len(info.key), f"its list says that {len(info.key)} bytes are {info.size}")
                expect_moment(info)
            refusal(Invalid, "asked for a list of none", partial(store.listed, start, limit=0))
            refusal(Invalid, "asked for too long a list", partial(store.listed, start, limit=MOST_LISTED + 1))

    @pytest.mark.parametrize("place", ["silent", "closed", "rude"])
    def test_without_its_service_it_raises_soon(self, bench: MediaBench, place: str) -> None:
        """And never says that there is nothing, for which a photo would be taken for lost."""
        with away(bench, place) as store:
            key, where = new_key(), f"the service was {place}"
            calls: tuple[tuple[str, Callable[[], object]], ...] = (
                ("it was asked for a medium", partial(store.get, key)),
                ("it was asked about a medium", partial(store.stat, key)),
                ("it was given a medium", partial(store.put, key, b"a", _TYPE)),
                ("it was told to delete one", partial(store.delete, key)),
                ("it was asked for a list", store.listed),
            )
            for what, call in calls:
                refused_soon(Unavailable, where, what, call, bench.at_once)
            refused_soon(Unavailable, where, "it was pinged", store.ping, bench.ping_at_once)

    def test_its_errors_tell_nothing_of_what_is_in_a_medium(self, bench: MediaBench) -> None:
        """They go to the log."""
        with away(bench, "closed") as store:
            keeps_secrets(told_by(partial(store.put, new_key(), b"the face of ada", _TYPE)), ["the face of ada"])
        with closing(bench.open()) as store:
            store.put("faces", b"the face of ada", _TYPE)
            keeps_secrets([repr(store.get("faces"))], ["the face of ada"])

    def test_its_secrets_stay_its_own(self, bench: MediaBench) -> None:
        """They are in no error and no representation."""
        hidden = needed(bench.secrets, "secret to look for")
        keeps_secrets(told_of_itself(bench, lambda store: [store.ping, partial(store.get, new_key())]), hidden)

    def test_it_can_be_closed_twice(self, bench: MediaBench) -> None:
        """Whoever ends must not ask who has ended before."""
        closes_twice(bench.open().close)


def _expect_one_of(etags: Mapping[str, tuple[bytes, str]], found: Medium | None) -> None:
    """It is one of those that were put, by their etags, while they replaced each other."""
    if found is None:
        raise ContractBroken("while a medium was replaced there was none at all")
    whole = (found.content, found.info.content_type)
    expect(whole in etags.values(), f"while a medium was replaced a reader got half of it, or a mixture: {inside(found.content)}")
    told = (found.info.size, etags.get(found.info.etag))
    expect(told == (len(found.content), whole), "while a medium was replaced a reader got the size or etag of the other")

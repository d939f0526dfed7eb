"""The second level: answers that all processes keep together, in a cache that they share.

Whoever finds none makes it while the others wait for a moment; of each answer one process at a time is the maker, by a claim in the cache,
which is free again after two seconds if its holder was killed.

An answer belongs to a generation: of one event's answers there is one, of all lists together there is one. It is read before anything that
the answer is made of, and a purge begins new ones; so what was made of something older is kept where nobody looks any more. A cache that
forgets a generation loses what was kept under it, and no more.
"""

from __future__ import annotations

import hashlib
import secrets
import time
from collections.abc import Callable, Hashable, Sequence
from datetime import datetime
from importlib.metadata import version
from typing import Any, Final, TypeVar

import orjson
import structlog

from dinnerkit.http.lane.answers import Answer, Representation
from dinnerkit.ports.cache import Cache, Claims
from dinnerkit.retry import Breaker

SECONDS: Final = 60
"""So long an answer is kept here: what bounds how old it is where purges are lost."""

CLAIM_SECONDS: Final = 2
"""So long one process has the making of an answer to itself."""

_LOOK_SECONDS = 0.02
_GENERATION_SECONDS = 86_400
_REST_SECONDS = 1.0
_LATEST = 4096
_NOTHING = b"-"
"""Kept for a second where the app made what may not be kept, so that those who wait make their own."""

ALL: Final = "*"
"""The generation of the answers about more than one thing: any purge begins a new one."""

log = structlog.get_logger(__name__)

T = TypeVar("T")


class Shared:
    """Answers in the cache of all processes.

    Args:
        cache: shared by them; what fails there is left alone for a second, and each process makes its own.
    """

    def __init__(self, cache: Cache) -> None:
        self._cache = cache
        self._claims: Claims | None = cache if isinstance(cache, Claims) else None
        self._breaker = Breaker(_REST_SECONDS)
        self._prefix = f"lane:{version('dinnerkit')}"
        self._owes = False

    @property
    def is_there(self) -> bool:
        """Whether the cache is one that processes can share so."""
        return self._claims is not None

    def purge(self, keys: Sequence[str]) -> bool:
        """Begin new generations; whether that is done, or nothing is kept here at all. If not, all processes have to :meth:`renew`."""
        if self._claims is None:
            return True
        fresh = {f"{self._prefix}:g:{name}": secrets.token_hex(8) for name in (*keys, ALL)}

        def begin() -> bool:
            return all(self._cache.set(key, token, _GENERATION_SECONDS) is not False for key, token in fresh.items())

        if self._tried(begin):
            return True
        self._owes = True
        return False

    def renew(self) -> None:
        """Use nothing of what is kept until a new epoch has begun, which is tried whenever something is wanted."""
        self._owes = self._claims is not None

    def open(self, about: str | None, key: Hashable) -> Place | None:
        """The place of an answer, for one that is to be made from now on; None where there is none now.

        Args:
            about: the only surrogate key that the answer may have; None if it may have any.
            key: what tells it from all others.
        """
        if self._claims is None or (self._owes and not self._begin_epoch()):
            return None
        epoch = self._token(f"{self._prefix}:epoch")
        generation = self._token(f"{self._prefix}:g:{about or ALL}") if epoch else None
        if generation is None:
            return None
        name = hashlib.blake2b(repr((epoch, generation, key)).encode(), digest_size=20).hexdigest()
        return Place(self, f"{self._prefix}:a:{name}", about)

    def _begin_epoch(self) -> bool:
        token = secrets.token_hex(8)
        done = self._tried(lambda: self._cache.set(f"{self._prefix}:epoch", token, _GENERATION_SECONDS) is not False)
        self._owes = not done
        return not self._owes

    def _token(self, key: str) -> str | None:
        """The present token under that key, made now if there is none."""
        found = self._tried(lambda: self._cache.get(key))
        if found is None and (claims := self._claims) is not None:
            self._tried(lambda: claims.claim(key, secrets.token_hex(8), _GENERATION_SECONDS))
            found = self._tried(lambda: self._cache.get(key))
        return found if isinstance(found, str) else None

    def read(self, key: str) -> Any:
        """What is kept, if anything is."""
        return self._tried(lambda: self._cache.get(key))

    def write(self, key: str, value: bytes, seconds: int) -> bool:
        """Keep it; whether that is done."""
        return self._tried(lambda: self._cache.set(key, value, seconds) is not False) is True

    def claim(self, key: str) -> bool | None:
        """Take the making of it; None where the cache does not say."""
        claims = self._claims
        return self._tried(lambda: claims.claim(key, b"", CLAIM_SECONDS)) if claims is not None else None

    def release(self, key: str) -> None:
        """Give it back."""
        self._tried(lambda: self._cache.delete(key))

    def _tried(self, call: Callable[[], T]) -> T | None:
        if not self._breaker.lets():
            return None
        try:
            found = call()
        except Exception as error:  # noqa: BLE001 - every driver has errors of its own, and readers go on without
            self._breaker.failed()
            log.warning("lane_cache_failed", error=type(error).__name__)
            return None
        self._breaker.worked()
        return found


class Regulars:
    """Which answers this process was asked for before, of the latest 4,096 to 8,192.

    Of the many queries that lists can be narrowed by most are asked once, and to look for those in the store costs as much as to make them.
    """

    def __init__(self) -> None:
        self._latest: set[int] = set()
        self._before: set[int] = set()

    def has(self, key: Hashable) -> bool:
        """Whether it was asked for before; from now on it was."""
        mark = hash(key)
        known = mark in self._latest or mark in self._before
        self._latest.add(mark)
        if len(self._latest) >= _LATEST:
            self._before, self._latest = self._latest, set()
        return known


class Place:
    """Where one answer is kept, in the generation that was there when it was asked for."""

    def __init__(self, shared: Shared, name: str, about: str | None) -> None:
        self._shared = shared
        self._name = name
        self._about = about
        self._claimed_at: float | None = None

    def find_or_claim(self) -> Answer | None:
        """The answer; None if the caller is to make it, and then to :meth:`put` what came of it.

        Waits for who makes it at present, but no longer than they have it to themselves.
        """
        deadline = time.monotonic() + CLAIM_SECONDS
        while True:
            found = self._shared.read(self._name)
            if found is not None:
                return None if found == _NOTHING else loaded(found)
            claimed = self._shared.claim(f"{self._name}:c")
            if claimed:
                self._claimed_at = time.monotonic()
            if claimed is not False or time.monotonic() >= deadline:
                return None
            time.sleep(_LOOK_SECONDS)

    def put(self, answer: Answer | None) -> None:
        """Keep what was made, where it may be kept here; let others make theirs where not.

        The claim on what is kept ends by itself: so who looked before that, and claims after it, is not the next to make it.
        """
        if answer is not None and (self._about is None or answer.keys == (self._about,)):
            if self._shared.write(self._name, dumped(answer), SECONDS):
                return
        elif self._claimed_at is not None:
            self._shared.write(self._name, _NOTHING, 1)
        self._let_go()

    def _let_go(self) -> None:
        """Give the claim back, unless it may be another's by now."""
        if self._claimed_at is not None and time.monotonic() < self._claimed_at + CLAIM_SECONDS / 2:
            self._shared.release(f"{self._name}:c")


def dumped(answer: Answer) -> bytes:
    """An answer as bytes: a line of JSON, then its body."""
    head = {
        "keys": answer.keys,
        "until": answer.until.isoformat() if answer.until else None,
        "seconds": answer.fresh_until - answer.stored,
        "headers": answer.plain.headers,
    }
    return orjson.dumps(head) + b"\n" + answer.plain.body


def loaded(stored: Any) -> Answer | None:
    """The answer again; None where it is none."""
    try:
        head, _, body = stored.partition(b"\n")
        told = orjson.loads(head)
        headers = [(str(name), str(value)) for name, value in told["headers"]]
        until = datetime.fromisoformat(told["until"]) if told["until"] else None
        now = time.monotonic()
        plain = Representation.of(headers, body)
        return Answer(tuple(map(str, told["keys"])), until, now, now + float(told["seconds"]), plain) if plain.etag else None
    except (AttributeError, KeyError, TypeError, ValueError):
        log.warning("lane_cache_nonsense")
        return None

"""Telling every process that something has changed, so that none gives an answer from before."""

from __future__ import annotations

import os
import secrets
import threading
import time
import weakref
from collections.abc import Callable, Iterator, Sequence
from typing import Final, Protocol

import structlog

from dinnerkit.ports.bus import Bus, Heard, News, Subscription

TOPIC: Final = "lane"
"""The topic of the bus on which purges are told."""

LONGEST_KEY = 64
_KEYS_A_NEWS = 50
_LOOK_SECONDS = 2.0
"""How often the bus is asked whether it is there."""
_ECHO_SECONDS = 0.5
_MOST_WAITING = 4096

log = structlog.get_logger(__name__)


class Purgeable(Protocol):
    """Keeps what may have to be forgotten."""

    def purge(self, keys: Sequence[str]) -> None:
        """Forget what is about one of these, and keep nothing that was begun to be made before now."""
        ...

    def clear(self) -> None:
        """The same for everything."""
        ...


class SharedLevel(Protocol):
    """What all processes keep together: :class:`dinnerkit.http.lane.shared.Shared`."""

    def purge(self, keys: Sequence[str]) -> bool:
        """Give nothing about these any more; whether that could be told to the store."""
        ...

    def renew(self) -> None:
        """Give nothing any more that is in the store now."""
        ...


class Purges:
    """Purges what is kept in this process at once, and by the bus what other processes keep.

    News may be lost. So whether the bus is heard is known, within some seconds: see :attr:`heard`. When it is heard again after it was
    not, everything is forgotten.

    Args:
        bus: reaches the other processes.
        shared: what all processes keep together, purged by whoever purges.
    """

    def __init__(self, bus: Bus, shared: SharedLevel | None = None) -> None:
        self._bus = bus
        self._shared = shared
        self._me = secrets.token_hex(8)
        self._kept: weakref.WeakSet[Purgeable] = weakref.WeakSet()
        self._lock = threading.Lock()
        self._process = 0
        self._closing = threading.Event()
        self._heard = False
        self.was_heard = False
        """Whether purges of other processes ever reached this one."""

    @property
    def heard(self) -> bool:
        """Whether purges of other processes reach this one, as far as can be known."""
        return self._heard and self._process == os.getpid()  # a forked child has what its parent heard, and hears nothing

    def purge(self, *keys: str) -> None:
        """Let nobody be given an answer from before now that is about one of these keys.

        In this process that holds once this has returned, in others once they hear it.

        Raises:
            ValueError: a key is empty or too long.
        """
        if not all(0 < len(key) <= LONGEST_KEY for key in keys):
            raise ValueError(f"a surrogate key has from 1 to {LONGEST_KEY} characters")
        if not keys:
            return
        missed = self._shared is not None and not self._shared.purge(keys)  # before what is here, which is made of it
        for kept in self._all():
            kept.purge(keys)
        about = {"from": self._me, "unshared": True} if missed else {"from": self._me}
        self._bus.publish(*(News(TOPIC, {**about, "keys": part}) for part in _parts(keys)))

    def attach(self, kept: Purgeable) -> None:
        """Purge this too, for as long as somebody else has it."""
        with self._lock:
            self._kept.add(kept)

    def listen(self) -> bool:
        """Begin to listen, where this process does not yet; whether others are heard already."""
        if self._process != os.getpid():
            self._begin()
        return self.heard

    def close(self) -> None:
        """Listen no more."""
        self._closing.set()
        self.unheard()

    def unheard(self) -> None:
        """Take note that nothing is heard any more."""
        self._heard = False

    def _begin(self) -> None:
        with self._lock:
            if self._process == os.getpid() or self._closing.is_set():
                return
            self._process = os.getpid()
            self._me = secrets.token_hex(8)
            self._heard = self.was_heard = False
        ear = _Ear(self._bus, self._me, weakref.ref(self))
        threading.Thread(target=ear.listen, name="dinnerkit-lane", daemon=True).start()

    def take(self, heard: Heard) -> None:
        """Do what another process told; everything is forgotten where that can't be known."""
        if not isinstance(heard, News):
            self.lose_track()
            return
        if heard.body.get("from") == self._me:
            return
        keys = heard.body.get("keys")
        if isinstance(keys, list) and all(isinstance(key, str) for key in keys):
            if self._shared is not None and heard.body.get("unshared"):
                self._shared.renew()
            for kept in self._all():
                kept.purge(keys)
        else:
            self.lose_track()

    def lose_track(self) -> None:
        """Forget everything, and use nothing of what is shared from before."""
        if self._shared is not None:
            self._shared.renew()
        self.forget_all()

    def forget_all(self) -> None:
        """Forget everything in this process."""
        for kept in self._all():
            kept.clear()

    def proved(self) -> None:
        """Take note that what is told from now on is heard; what was told before may have been missed."""
        if self._heard or self.is_over():
            return
        if self.was_heard:
            self.lose_track()
        else:
            self.forget_all()
        self._heard = self.was_heard = True

    def is_over(self) -> bool:
        """Whether nobody needs to listen any more."""
        return self._closing.is_set()

    def _all(self) -> list[Purgeable]:
        with self._lock:
            return list(self._kept)


class _Ear:
    """Listens on behalf of a :class:`Purges`, for as long as there is one."""

    def __init__(self, bus: Bus, me: str, owner: Callable[[], Purges | None]) -> None:
        self._bus = bus
        self._own = f"{TOPIC}:{me}"
        self._owner = owner
        self._look_at = 0.0

    def listen(self) -> None:
        try:
            with self._bus.subscribe(TOPIC, self._own, most=_MOST_WAITING) as news:
                while self._go_on(news):
                    pass
        finally:  # whatever ended it
            if (owner := self._owner()) is not None:
                owner.unheard()

    def _go_on(self, news: Subscription) -> bool:
        """Hear what comes in the next moment; whether there is a next one.

        While nothing has shown that the bus is heard, an echo is called for, each half second.
        """
        now = time.monotonic()
        owner = self._owner()
        if owner is None or owner.is_over():
            return False
        if now >= self._look_at:
            self._look(owner)
        del owner  # which ends when nobody else has it
        heard = news.next(max(0.0, min(_ECHO_SECONDS, self._look_at - time.monotonic())))
        owner = self._owner()
        if owner is None or owner.is_over():
            return False
        if isinstance(heard, News) and heard.topic == self._own:
            owner.proved()
            self._look_at = time.monotonic() + _LOOK_SECONDS
        elif heard is not None:
            owner.take(heard)
        return True

    def _look(self, owner: Purges) -> None:
        if owner.heard:
            try:
                self._bus.ping()
            except Exception as error:  # noqa: BLE001 - every driver has errors of its own
                owner.unheard()
                log.warning("lane_unheard", error=type(error).__name__)
        if not owner.heard:
            self._bus.publish(News(self._own, {}))
        self._look_at = time.monotonic() + (_LOOK_SECONDS if owner.heard else _ECHO_SECONDS)


def _parts(keys: Sequence[str]) -> Iterator[list[str]]:
    """So many that each part is no longer than news may be."""
    for start in range(0, len(keys), _KEYS_A_NEWS):
        yield list(keys[start : start + _KEYS_A_NEWS])

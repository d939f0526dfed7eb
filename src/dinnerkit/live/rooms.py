"""Those who watch the same thing: it is read once for all of them, and what they are told is written out once."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import Executor
from functools import partial
from typing import Any, Final, Protocol

import orjson
import structlog

from dinnerkit.errors import Forbidden, NotFound
from dinnerkit.live.limits import TELL_SECONDS
from dinnerkit.live.service import State, Watch
from dinnerkit.live.turns import in_turns
from dinnerkit.live.wire import text_frame
from dinnerkit.ports.bus import Bus, Heard, Missed, News, Subscription

_MOST_NEWS = 10_000
"""How many news may wait to be looked at; they are put together by what they are about."""
_REST_SECONDS = 60.0

log = structlog.get_logger("dinnerkit.live")


def said(what: State) -> bytes:
    """What is told, as a frame."""
    return text_frame(orjson.dumps(what))


class Member(Protocol):
    """Somebody who watches."""

    def tell(self, frame: bytes) -> None:
        """Take a frame to be sent. Neither waits nor raises."""
        ...

    def lose(self, room: Room) -> None:
        """What was watched there is gone, or not for them."""
        ...

    def fail(self) -> None:
        """How it is can't be told, by a fault of ours."""
        ...


class Room:
    """Who watches one thing.

    Attributes:
        watch: what.
        members: those who know how it was. Changed by :class:`Rooms` alone.
    """

    __slots__ = ("first", "guests", "lock", "members", "watch")

    def __init__(self, watch: Watch) -> None:
        self.watch = watch
        self.members: set[Member] = set()
        self.guests = 0
        self.lock = threading.Lock()
        """Held while it is read how it is: nobody is told what was before what another was told."""
        self.first: tuple[float, State | None] | None = None


class _Topic:
    __slots__ = ("busy", "missed", "pending", "rooms", "told")

    def __init__(self) -> None:
        self.rooms: dict[str, Room] = {}
        self.told = 0.0
        self.busy = self.missed = False
        self.pending: dict[object, tuple[Mapping[str, Any], float]] = {}


class Rooms:
    """Hears the bus for all live connections of a process, on one thread while there are any.

    Args:
        bus: what happens.
        crew: reads how things are, and tells it.
        clock: a monotonic one, in seconds.
    """

    def __init__(self, bus: Bus, crew: Executor, clock: Callable[[], float] = time.monotonic) -> None:
        self._bus, self._crew, self._clock = bus, crew, clock
        self._lock: Final = threading.Lock()
        self._topics: dict[str, _Topic] = {}
        self._waiting: dict[str, _Topic] = {}
        self._inbox: Subscription | None = None

    def join(self, watch: Watch, member: Member) -> Room:
        """Let somebody watch: they are told that they do, then how it is, and then whenever it changes.

        Raises:
            NotFound, Forbidden: it is gone meanwhile.
        """
        asked = self._clock()
        room = self._enter(watch, member)
        with room.lock:
            with self._lock:
                room.members.add(member)
            try:
                if room.first is None or room.first[0] < asked:
                    began = self._clock()
                    room.first = began, watch.at_first()
            except BaseException:
                self.leave(room, member)
                raise
            member.tell(said({"type": "watching", **watch.name}))
            if room.first[1] is not None:
                member.tell(said({"type": watch.name["topic"], **room.first[1]}))
        return room

    def leave(self, room: Room, member: Member) -> None:
        """Let somebody watch no more."""
        with self._lock:
            if member not in room.members:
                return
            room.members.discard(member)
            room.guests -= 1
            if room.guests or self._inbox is None:
                return
            name = room.watch.topic
            rooms = self._topics[name].rooms
            del rooms[room.watch.key]
            if not rooms:
                del self._topics[name]
                self._waiting.pop(name, None)
                self._inbox.drop(name)
            if not self._topics:
                self._inbox.wake()

    def _enter(self, watch: Watch, member: Member) -> Room:
        with self._lock:
            if self._inbox is None:
                self._inbox = self._bus.subscribe(most=_MOST_NEWS)
                threading.Thread(target=self._listen, args=(self._inbox,), name="dinnerkit-live-news", daemon=True).start()
            topic = self._topics.get(watch.topic)
            if topic is None:
                topic = self._topics[watch.topic] = _Topic()
                self._inbox.add(watch.topic)
            room = topic.rooms.get(watch.key)
            if room is None:
                room = topic.rooms[watch.key] = Room(watch)
            room.guests += member not in room.members
            return room

    def _listen(self, inbox: Subscription) -> None:
        """Hear what happens until nobody watches."""
        try:
            with inbox:
                while self._hear(inbox.next(self._patience())):
                    pass
        except Exception as error:  # noqa: BLE001 - every bus has errors of its own
            log.warning("live_news_end", error=type(error).__name__)
            with self._lock:
                lost = [member for topic in self._topics.values() for room in topic.rooms.values() for member in room.members]
                self._topics, self._waiting, self._inbox = {}, {}, None
            for member in lost:
                member.fail()

    def _patience(self) -> float:
        """Seconds until something that was heard may be told."""
        with self._lock:
            soonest = min((topic.told + TELL_SECONDS for topic in self._waiting.values() if not topic.busy), default=None)
        return _REST_SECONDS if soonest is None else max(0.0, soonest - self._clock())

    def _hear(self, news: Heard | None) -> bool:
        """Take note of it, and have told what may be; whether there is anybody left to be told."""
        now = self._clock()
        with self._lock:
            if not self._topics:
                self._inbox = None
                return False
            if isinstance(news, Missed):
                for topic in self._topics.values():
                    topic.missed = True
                    topic.pending.clear()
                self._waiting.update(self._topics)
            elif isinstance(news, News) and (heard := self._topics.get(news.topic)) is not None:
                about = news.body.get("about")
                heard.pending.pop(about, None)
                heard.pending[about] = news.body, now
                self._waiting[news.topic] = heard
            ready = [(name, topic) for name, topic in self._waiting.items() if not topic.busy and now >= topic.told + TELL_SECONDS]
            for name, topic in ready:
                del self._waiting[name]
                topic.busy, topic.told = True, now
        for _, topic in ready:
            self._crew.submit(self._flush, topic)
        return True

    def _flush(self, topic: _Topic) -> None:
        """Tell what was heard of a topic, by how it is now."""
        with self._lock:
            missed, topic.missed = topic.missed, False
            pending, topic.pending = topic.pending, {}
            rooms = list(topic.rooms.values())
        try:
            for room in rooms:
                if missed:
                    self._tell(room, lambda room=room: room.watch.at_first() or {})  # type: ignore[misc]
                for told, heard in pending.values():
                    self._tell(room, partial(room.watch.now, told, heard))
        finally:
            with self._lock:
                topic.busy = False
                if self._inbox is not None and (topic.pending or topic.missed):
                    self._inbox.wake()

    def _tell(self, room: Room, read: Callable[[], State | None]) -> None:
        """Tell everybody in a room how it is."""
        gone = False
        state: State | None = None
        with room.lock:
            room.first = None
            try:
                state = read()
            except (NotFound, Forbidden):
                gone = True
            except Exception as error:  # noqa: BLE001 - whatever it is, whoever watches must not go on with what was
                log.warning("live_read_failed", topic=room.watch.name["topic"], error=type(error).__name__)
                for member in list(room.members):
                    member.fail()
                return
            members = list(room.members)
        if gone:
            frame = said({"type": "gone", **room.watch.name})
        elif state is not None:
            frame = said({"type": room.watch.name["topic"], **state})
        else:
            return
        for member in in_turns(members):
            if member in room.members:
                if gone:
                    member.lose(room)
                member.tell(frame)

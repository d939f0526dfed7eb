"""Buses that are wrong in one way each; the contract must tell which."""

from __future__ import annotations

import threading

import orjson

from dinnerkit.errors import Unavailable
from dinnerkit.ports.bus import News, encoded
from dinnerkit.ports.hub import Hub, Inbox
from dinnerkit.testing import BusBench
from tests.teeth import faults
from tests.teeth.meeting import Between


class Room:
    """What the buses of several processes have in common."""

    def __init__(self) -> None:
        self.hub = Hub()
        self.past: list[News] = []
        self.busy = threading.Lock()
        self.between = Between()


class Sound:
    """A bus that passes: what the broken ones are made of. Its service, where it has one, is only asked whether it is there."""

    at_once = patience = faults.LATE

    def __init__(self, room: Room, service: tuple[str, int] | None = None) -> None:
        self.room = room
        self.service = service
        self.closed = False

    def publish(self, *news: News) -> None:
        told = [News(one.topic, orjson.loads(encoded(one))) for one in news]
        if not self.closed and self.service is None:
            for one in told:
                self.tell(one)

    def tell(self, one: News) -> None:
        self.room.past.append(one)
        self.room.hub.hand_out(one)

    def subscribe(self, *topics: str, most: int = 256) -> Inbox:
        inbox = self.room.hub.open(most)
        for topic in topics:
            inbox.add(topic)
        if self.service is not None:
            inbox.miss()
        return inbox

    def ping(self) -> None:
        try:
            faults.ask(self.service)
        except OSError as error:
            raise Unavailable("the bus does not answer") from error

    def close(self) -> None:
        self.closed = True

    def interrupt(self) -> None:
        self.room.hub.tell_missed()


class HearsEverything(Sound):
    def subscribe(self, *topics: str, most: int = 256) -> Inbox:
        inbox = super().subscribe(*topics, most=most)
        _EVERYBODY.append(inbox)
        return inbox

    def tell(self, one: News) -> None:
        for inbox in _EVERYBODY:
            inbox.put(one)


_EVERYBODY: list[Inbox] = []


class Reorders(Sound):
    """Hands out by twos, the later first."""

    held: News | None = None

    def tell(self, one: News) -> None:
        if "end" in one.body or self.held is not None:
            held, self.held = self.held, None
            order = [held, one] if "end" in one.body else [one, held]
            for each in order:
                if each is not None:
                    super().tell(each)
        else:
            self.held = one


class TellsTwice(Sound):
    def tell(self, one: News) -> None:
        super().tell(one)
        if one.body.get("n") == 7:
            super().tell(one)


class LosesSome(Sound):
    def tell(self, one: News) -> None:
        if one.body.get("n") != 7:
            super().tell(one)


class LosesWhatComesAtOnce(Sound):
    """Whoever publishes while another does is not heard: as with one buffer that two write to."""

    def tell(self, one: News) -> None:
        if "end" in one.body:
            super().tell(one)
            return
        alone = self.room.busy.acquire(blocking=False)
        self.room.between.meet()
        if alone:
            super().tell(one)
            self.room.busy.release()


class TellsOfThePast(Sound):
    def subscribe(self, *topics: str, most: int = 256) -> Inbox:
        inbox = super().subscribe(*topics, most=most)
        for one in self.room.past:
            if one.topic in topics and "end" not in one.body:
                inbox.put(one)
        return inbox


class ListensLate(Sound):
    """``subscribe`` returns before its service has heard of it, which first tells what comes next."""

    patience = faults.SOON

    def __init__(self, room: Room, service: tuple[str, int] | None = None) -> None:
        super().__init__(room, service)
        self.late: list[tuple[Inbox, str]] = []

    def subscribe(self, *topics: str, most: int = 256) -> Inbox:
        inbox = super().subscribe(most=most)
        self.late += [(inbox, topic) for topic in topics]
        return inbox

    def tell(self, one: News) -> None:
        super().tell(one)
        while self.late:
            inbox, topic = self.late.pop()
            inbox.add(topic)


class NeverDrops(Sound):
    def subscribe(self, *topics: str, most: int = 256) -> Inbox:
        inbox = super().subscribe(*topics, most=most)
        inbox.drop = lambda topic: None  # type: ignore[method-assign]
        return inbox


class SilentInbox(Inbox):
    """Loses what is too much, and does not say so."""

    def put(self, news: News) -> None:
        if len(self._waiting) < self._most:
            super().put(news)


class LosesInSilence(Sound):
    def subscribe(self, *topics: str, most: int = 256) -> Inbox:
        inbox = SilentInbox(self.room.hub, most)
        self.room.hub._inboxes.add(inbox)
        for topic in topics:
            inbox.add(topic)
        return inbox


class DeafInbox(Inbox):
    def wake(self) -> None:
        """Sleep on."""


class SleepsOn(Sound):
    patience = faults.SOON

    def subscribe(self, *topics: str, most: int = 256) -> Inbox:
        inbox = DeafInbox(self.room.hub, most)
        self.room.hub._inboxes.add(inbox)
        for topic in topics:
            inbox.add(topic)
        return inbox


class SharesTheObject(Sound):
    def publish(self, *news: News) -> None:
        for one in news:
            encoded(one)
            self.tell(one)


class MakesTextOfEverything(Sound):
    def tell(self, one: News) -> None:
        super().tell(News(one.topic, {name: str(value) for name, value in one.body.items()}))


class TakesAnything(Sound):
    def publish(self, *news: News) -> None:
        for one in news:
            try:
                encoded(one)
            except ValueError:
                return
            self.tell(News(one.topic, orjson.loads(encoded(one))))


class TalksOnWhenClosed(Sound):
    def close(self) -> None:
        """Stay."""


class RaisesWhenClosed(Sound):
    def publish(self, *news: News) -> None:
        if self.closed:
            raise RuntimeError("closed")
        super().publish(*news)


class DropsWhatWaitsWhenItCloses(Sound):
    """Sends in the background, and forgets what is not sent yet."""

    patience = faults.SOON

    def __init__(self, room: Room, service: tuple[str, int] | None = None) -> None:
        super().__init__(room, service)
        self.waiting: list[News] = []

    def tell(self, one: News) -> None:
        if "end" in one.body:
            super().tell(one)
            return
        self.waiting.append(one)
        if len(self.waiting) > 200:
            for each in self.waiting:
                super().tell(each)
            self.waiting.clear()


class HearsOnlyItself(Sound):
    patience = faults.SOON

    def __init__(self, room: Room, service: tuple[str, int] | None = None) -> None:
        super().__init__(Room(), service)


class SaysNothingOfAnInterruption(Sound):
    patience = faults.SOON

    def interrupt(self) -> None:
        """Reconnect, and go on as if nothing had been."""


class RaisesWithoutItsService(Sound):
    def publish(self, *news: News) -> None:
        self.ping()
        super().publish(*news)


class WaitsForItsService(Sound):
    at_once = faults.SOON

    def publish(self, *news: News) -> None:
        if self.service is not None:
            threading.Event().wait(0.6)


class ListensToNobody(Sound):
    patience = faults.SOON

    def subscribe(self, *topics: str, most: int = 256) -> Inbox:
        return self.room.hub.open(most)


class SaysThatAllIsWell(Sound):
    def ping(self) -> None:
        """What should be wrong?"""


class TellsItsSecret(faults.TellsItsSecret, Sound):
    """In its representation."""


def bench_of(kind: type[Sound]) -> BusBench:
    room = Room()
    return BusBench(
        open=lambda: kind(room),
        interrupt=lambda: kind(room).interrupt(),
        reach=lambda host, port: kind(Room(), (host, port)),
        secrets=["hunter22"],
        patience=kind.patience,
        at_once=kind.at_once,
    )

"""Queues that are wrong in one way each; the contract must tell which."""

from __future__ import annotations

import json
import pickle
import random
import threading
from collections import defaultdict
from collections.abc import Callable
from typing import Any, ClassVar

from huey.api import Huey
from huey.constants import EmptyData
from huey.registry import Message
from huey.serializer import Serializer
from huey.storage import BaseStorage

from dinnerkit.errors import Unavailable
from dinnerkit.ports.json_tasks import JsonTasks
from dinnerkit.testing import QueueBench
from tests.teeth import faults
from tests.teeth.meeting import Between


class Room:
    """What the queues of several processes have in common: for each name, what waits, by priority and then by age."""

    def __init__(self) -> None:
        self.waiting: defaultdict[str, list[tuple[int, int, bytes]]] = defaultdict(list)
        self.count = 0
        self.lock = threading.Lock()
        self.door = threading.Lock()
        self.shut = threading.Event()
        self.between = Between()


class SoundStorage(BaseStorage):
    """A storage of huey's that passes; it asks its service first, where it has one."""

    def __init__(self, name: str, room: Room, service: tuple[str, int] | None = None, **options: Any) -> None:
        super().__init__(name, **options)
        self.room = room
        self.service = service

    def ask(self) -> None:
        faults.ask(self.service)

    def enqueue(self, data: bytes, priority: float | None = None) -> None:
        self.ask()
        with self.room.lock:
            self.room.count += 1
            self.room.waiting[self.name].append((-int(priority or 0), self.room.count, data))
            self.room.waiting[self.name].sort()

    def dequeue(self) -> bytes | None:
        self.ask()
        with self.room.lock:
            return self.room.waiting[self.name].pop(0)[2] if self.room.waiting[self.name] else None

    def queue_size(self) -> int:
        self.ask()
        return len(self.room.waiting[self.name])

    def enqueued_items(self, limit: int | None = None) -> list[bytes]:
        return [data for _, _, data in self.room.waiting[self.name]][:limit]

    def peek_data(self, key: str) -> Any:
        return EmptyData

    pop_data = peek_data

    def has_data_for_key(self, key: str) -> bool:
        return False


class Sound:
    """A maker of Hueys that passes."""

    priorities = True
    at_once = faults.LATE

    storage: ClassVar[type[SoundStorage]] = SoundStorage
    serializer: ClassVar[Callable[[], Serializer]] = JsonTasks

    def __init__(self, room: Room, service: tuple[str, int] | None = None) -> None:
        self.room = room
        self.service = service
        self.made: dict[str, Huey] = {}

    def make(self, name: str) -> Huey:
        serializer = type(self).serializer()
        return Huey(name, storage_class=self.storage, results=False, serializer=serializer, room=self.room, service=self.service)

    def huey(self, name: str) -> Huey:
        return self.made.setdefault(name, self.make(name))

    def ping(self) -> None:
        try:
            self.make("default").storage.ask()
        except OSError as error:
            raise Unavailable("the queue does not answer") from error

    def close(self) -> None:
        """Nothing to give back."""


class MakesAnotherEachTime(Sound):
    def huey(self, name: str) -> Huey:
        return self.make(name)


class _GivesOutTwice(SoundStorage):
    given: ClassVar[set[bytes]] = set()

    def dequeue(self) -> bytes | None:
        waiting = self.room.waiting[self.name]
        if not waiting:
            return None
        data = waiting[0][2]
        if data in self.given:
            return super().dequeue()
        self.given.add(data)
        return data


class GivesOutTwice(Sound):
    storage = _GivesOutTwice


class _TheNewestFirst(SoundStorage):
    def dequeue(self) -> bytes | None:
        return self.room.waiting[self.name].pop()[2] if self.room.waiting[self.name] else None


class TheNewestFirst(Sound):
    storage = _TheNewestFirst


class _AnyOrder(SoundStorage):
    def dequeue(self) -> bytes | None:
        random.shuffle(self.room.waiting[self.name])
        return super().dequeue()


class AnyOrder(Sound):
    storage = _AnyOrder


class OneQueueForAll(Sound):
    def make(self, name: str) -> Huey:
        huey = super().make("all")
        huey.name = name
        return huey


class _HasPlaceForSoMany(SoundStorage):
    def enqueue(self, data: bytes, priority: float | None = None) -> None:
        super().enqueue(data, priority)
        if sum(map(len, self.room.waiting.values())) > 500:
            fullest_first = sorted(self.room.waiting.values(), key=len)
            next(waiting for waiting in fullest_first if waiting).pop(0)


class HasPlaceForSoMany(Sound):
    """In all queues together; then it forgets what has waited for longest where least waits."""

    storage = _HasPlaceForSoMany


class _WaitsForEver(SoundStorage):
    blocking = True

    def dequeue(self) -> bytes | None:
        while (found := super().dequeue()) is None:
            threading.Event().wait(0.01)
        return found


class WaitsForEver(Sound):
    storage = _WaitsForEver


class _LocksWhileItWaits(SoundStorage):
    blocking = True

    def enqueue(self, data: bytes, priority: float | None = None) -> None:
        self.room.shut.wait()
        with self.room.door:
            super().enqueue(data, priority)

    def dequeue(self) -> bytes | None:
        with self.room.door:
            self.room.shut.set()
            for _ in range(1000):
                if found := super().dequeue():
                    return found
                threading.Event().wait(0.02)
        return None


class LocksWhileItWaits(Sound):
    storage = _LocksWhileItWaits


class _LosesWhatComesAtOnce(SoundStorage):
    def enqueue(self, data: bytes, priority: float | None = None) -> None:
        waiting = list(self.room.waiting[self.name])
        self.room.between.meet()
        self.room.waiting[self.name] = [*waiting, (0, len(waiting), data)]


class LosesWhatComesAtOnce(Sound):
    storage = _LosesWhatComesAtOnce


class _TwoTakeTheSame(SoundStorage):
    def dequeue(self) -> bytes | None:
        waiting = self.room.waiting[self.name]
        with self.room.lock:
            found = waiting[0] if waiting else None
        self.room.between.meet()
        if found is None:
            return None
        with self.room.lock:
            if found in waiting:
                waiting.remove(found)
        return found[2]


class TwoTakeTheSame(Sound):
    storage = _TwoTakeTheSame


class ForgetsOverARestart(Sound):
    def close(self) -> None:
        self.room.waiting.clear()


class KeepsItToItself(Sound):
    def __init__(self, room: Room, service: tuple[str, int] | None = None) -> None:
        super().__init__(Room(), service)


class Pickles(Sound):
    serializer = Serializer


class _ReadsAnything(JsonTasks):
    def _deserialize(self, data: bytes) -> Message:
        try:
            return super()._deserialize(data)
        except ValueError:
            return pickle.loads(data)  # noqa: S301 - that is what is wrong with it


class ReadsPicklesToo(Sound):
    serializer = _ReadsAnything


class _TextOfEverything(JsonTasks):
    def _serialize(self, data: Any) -> bytes:
        fields = {name: value for name, value in data._asdict().items() if value is not None}
        return json.dumps(fields, default=str).encode()


class QueuesWhatItCanNotSay(Sound):
    serializer = _TextOfEverything


class _StopsAtNonsense(SoundStorage):
    def dequeue(self) -> bytes | None:
        waiting = self.room.waiting[self.name]
        if waiting and not waiting[0][2].startswith(b"{"):
            return waiting[0][2]
        return super().dequeue()


class StopsAtNonsense(Sound):
    storage = _StopsAtNonsense


class _KnowsNoUrgency(SoundStorage):
    def enqueue(self, data: bytes, priority: float | None = None) -> None:
        super().enqueue(data)


class KnowsNoUrgency(Sound):
    storage = _KnowsNoUrgency


class _PutsTheUrgentInFront(SoundStorage):
    def enqueue(self, data: bytes, priority: float | None = None) -> None:
        super().enqueue(data, priority)
        if priority:
            with self.room.lock:
                mine = next(task for task in self.room.waiting[self.name] if task[2] == data)
                self.room.waiting[self.name].remove(mine)
                self.room.waiting[self.name].insert(0, (mine[0] - self.room.count, mine[1], data))


class PutsTheUrgentInFront(Sound):
    """Each before all others, so that who comes last is served first."""

    storage = _PutsTheUrgentInFront


class _LosesTheUsual(SoundStorage):
    def enqueue(self, data: bytes, priority: float | None = None) -> None:
        super().enqueue(data, priority)
        if priority:
            with self.room.lock:
                self.room.waiting[self.name] = [task for task in self.room.waiting[self.name] if task[0]]


class LosesTheUsual(Sound):
    """Where something urgent comes."""

    storage = _LosesTheUsual


class _LosesInSilence(SoundStorage):
    def enqueue(self, data: bytes, priority: float | None = None) -> None:
        try:
            super().enqueue(data, priority)
        except OSError:
            return


class LosesInSilence(Sound):
    storage = _LosesInSilence


class _MakesRequestsWait(SoundStorage):
    def ask(self) -> None:
        faults.insist(super().ask, OSError)


class MakesRequestsWait(Sound):
    at_once = faults.SOON
    storage = _MakesRequestsWait


class SaysThatAllIsWell(Sound):
    def ping(self) -> None:
        """What should be wrong?"""


class TellsItsSecret(faults.TellsItsSecret, Sound):
    """In its representation."""


class CanNotBeClosedTwice(faults.CanNotBeClosedTwice, Sound):
    """Fails the second time."""


def bench_of(kind: type[Sound]) -> QueueBench:
    room = Room()
    return QueueBench(
        open=lambda: kind(room), reach=lambda host, port: kind(Room(), (host, port)), secrets=["hunter22"], at_once=kind.at_once
    )

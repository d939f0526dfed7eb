"""Search backends that find people, wrong in one way each; the contract must tell which."""

from __future__ import annotations

import math
import threading
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from dinnerkit.errors import Unavailable
from dinnerkit.ports.search import MOST_AT_ONCE, Removal
from dinnerkit.ports.search_people import TRAITS, PersonEntry
from tests.teeth import faults
from tests.teeth.broken_searches import Sound


@dataclass
class Crowd:
    lock: threading.RLock = field(default_factory=threading.RLock)
    entries: dict[str, PersonEntry] = field(default_factory=dict)
    removed: dict[str, int] = field(default_factory=dict)
    since: set[str] = field(default_factory=set)
    built: bool = False


CROWDS: defaultdict[str, Crowd] = defaultdict(Crowd)
"""What the processes of one test share."""


class SoundAboutPeople(Sound):
    """One that passes."""

    def __init__(self, name: str, service: tuple[str, int] | None = None) -> None:
        super().__init__(name, service)
        self.crowd = CROWDS[name]

    def few(self, many: Sequence[object]) -> None:
        if len(many) > MOST_AT_ONCE:
            raise ValueError("too many")

    def put_people(self, entries: Sequence[PersonEntry]) -> None:
        self.few(entries)
        with self.crowd.lock:
            for entry in entries:
                here = self.crowd.entries.get(entry.id)
                if (here is None or here.version <= entry.version) and self.crowd.removed.get(entry.id, 0) < entry.version:
                    self.crowd.entries[entry.id] = entry
                    self.crowd.since.add(entry.id)

    def remove_people(self, removals: Sequence[Removal]) -> None:
        self.few(removals)
        with self.crowd.lock:
            for removal in removals:
                here = self.crowd.entries.get(removal.id)
                if here is None or here.version <= removal.version:
                    self.crowd.entries.pop(removal.id, None)
                    self.crowd.removed[removal.id] = removal.version

    def nearest_people(self, traits: Sequence[float], farthest: float, limit: int) -> Sequence[str]:
        self.ask()
        if not 1 <= limit <= MOST_AT_ONCE or len(traits) != TRAITS:
            raise ValueError("out of bounds")
        near = sorted((math.dist(traits, entry.traits), entry.id) for entry in self.crowd.entries.values())
        return [one for distance, one in near if distance <= farthest][:limit]

    def rebuild_people(self, entries: Iterable[PersonEntry]) -> int:
        self.crowd.since.clear()
        given = list(entries)
        with self.crowd.lock:
            fresh = [self.crowd.entries[one] for one in self.crowd.since if one in self.crowd.entries]
            self.crowd.entries.clear()
            self.put_people([*given, *fresh])
        self.crowd.built = True
        return len(given)

    def people_built(self) -> bool:
        return self.crowd.built


class FindsWhoeverIsThere(SoundAboutPeople):
    def nearest_people(self, traits: Sequence[float], farthest: float, limit: int) -> Sequence[str]:
        return super().nearest_people(traits, 9.0, limit)


class FindsTheFirst(SoundAboutPeople):
    """As many as are asked for, and not the nearest."""

    def nearest_people(self, traits: Sequence[float], farthest: float, limit: int) -> Sequence[str]:
        return (
            super().nearest_people(traits, farthest, MOST_AT_ONCE)[-limit:]
            if 1 <= limit <= MOST_AT_ONCE
            else super().nearest_people(traits, farthest, limit)
        )


class TakesWhatComesLast(SoundAboutPeople):
    def put_people(self, entries: Sequence[PersonEntry]) -> None:
        for entry in entries:
            self.crowd.entries.pop(entry.id, None)
        super().put_people(entries)


class ForgetsWhoTookItBack(SoundAboutPeople):
    def remove_people(self, removals: Sequence[Removal]) -> None:
        super().remove_people(removals)
        self.crowd.removed.clear()


class RemovesForGood(SoundAboutPeople):
    def remove_people(self, removals: Sequence[Removal]) -> None:
        super().remove_people(removals)
        self.crowd.removed.update((removal.id, 10**9) for removal in removals if removal.id in self.crowd.removed)


class RemovesWhoeverIsThere(SoundAboutPeople):
    def remove_people(self, removals: Sequence[Removal]) -> None:
        super().remove_people(removals)
        for removal in removals:
            self.crowd.entries.pop(removal.id, None)


class MixesThemWithEvents(SoundAboutPeople):
    def remove_people(self, removals: Sequence[Removal]) -> None:
        super().remove_people(removals)
        self.remove(removals)


class BringsThemBackByARebuild(SoundAboutPeople):
    """Writes what was read, whatever has become of it meanwhile."""

    def rebuild_people(self, entries: Iterable[PersonEntry]) -> int:
        given = list(entries)
        self.crowd.removed.clear()
        return super().rebuild_people(given)


class LosesWhoComesMeanwhile(SoundAboutPeople):
    def rebuild_people(self, entries: Iterable[PersonEntry]) -> int:
        given = list(entries)
        self.crowd.since.clear()
        return super().rebuild_people(given)


class KeepsWhoIsLeftOver(SoundAboutPeople):
    def rebuild_people(self, entries: Iterable[PersonEntry]) -> int:
        before = list(self.crowd.entries.values())
        count = super().rebuild_people(entries)
        self.put_people(before)
        return count


class TakesAnyNumber(SoundAboutPeople):
    def few(self, many: Sequence[object]) -> None:
        """Whatever it is."""


class OneCrowdForAll(SoundAboutPeople):
    def __init__(self, name: str, service: tuple[str, int] | None = None) -> None:
        super().__init__(name, service)
        self.crowd = CROWDS[name.removesuffix("-elsewhere")]


class SaysThatNobodyIsAlike(SoundAboutPeople):
    def nearest_people(self, traits: Sequence[float], farthest: float, limit: int) -> Sequence[str]:
        try:
            return super().nearest_people(traits, farthest, limit)
        except Unavailable:
            return []


class MakesReadersWait(SoundAboutPeople):
    at_once = faults.SOON

    def ask(self) -> None:
        faults.insist(super().ask, Unavailable)

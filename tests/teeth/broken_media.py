"""Stores of media that are wrong in one way each; the contract must tell which."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial

from dinnerkit.errors import Unavailable
from dinnerkit.ports.media import MOST_BYTES, MOST_LISTED, MediaInfo, Medium, check_content_type, check_key, check_listing, check_medium
from dinnerkit.testing import MediaBench
from tests.teeth import faults
from tests.teeth.meeting import Between


class Room:
    """What the stores of several processes have in common."""

    def __init__(self) -> None:
        self.kept: dict[str, Medium] = {}
        self.lock = threading.Lock()
        self.open = 0
        self.between = Between()
        self.put_by: dict[str, int] = {}


class Sound:
    """A store that passes; it asks its service first, where it has one."""

    at_once = faults.LATE

    def __init__(self, room: Room, name: str = "a", service: tuple[str, int] | None = None) -> None:
        self.room = room
        self.name = name
        self.service = service
        room.open += 1

    def ask(self) -> None:
        try:
            faults.ask(self.service)
        except OSError as error:
            raise Unavailable("media: the store does not answer") from error

    def place(self, key: str) -> str:
        return f"{self.name}:{key}"

    def check(self, key: str) -> None:
        check_key(key)

    def check_put(self, key: str, content: bytes, content_type: str) -> None:
        check_medium(key, content, content_type)

    def etag(self, content: bytes) -> str:
        return hashlib.sha256(content).hexdigest()

    def info(self, key: str, content: bytes, content_type: str) -> MediaInfo:
        return MediaInfo(key, len(content), content_type, self.etag(content), datetime.now(UTC))

    def put(self, key: str, content: bytes, content_type: str) -> MediaInfo:
        self.check_put(key, content, content_type)
        self.ask()
        info = self.info(key, content, content_type)
        with self.room.lock:
            self.room.kept[self.place(key)] = Medium(info, content)
        return info

    def get(self, key: str) -> Medium | None:
        self.check(key)
        self.ask()
        return self.room.kept.get(self.place(key))

    def stat(self, key: str) -> MediaInfo | None:
        self.check(key)
        self.ask()
        found = self.room.kept.get(self.place(key))
        return None if found is None else found.info

    def delete(self, key: str) -> None:
        self.check(key)
        self.ask()
        with self.room.lock:
            self.room.kept.pop(self.place(key), None)

    def ours(self) -> list[MediaInfo]:
        with self.room.lock:
            return [medium.info for place, medium in self.room.kept.items() if place.startswith(f"{self.name}:")]

    def listed(self, prefix: str = "", after: str = "", limit: int = MOST_LISTED) -> Sequence[MediaInfo]:
        check_listing(prefix, after, limit)
        self.ask()
        found = sorted((info for info in self.ours() if info.key.startswith(prefix) and info.key > after), key=lambda info: info.key)
        return found[:limit]

    def ping(self) -> None:
        self.ask()

    def close(self) -> None:
        """Nothing to give back."""


class ThinksInText(Sound):
    def put(self, key: str, content: bytes, content_type: str) -> MediaInfo:
        return super().put(key, content.decode("utf-8", "replace").encode(), content_type)


class CutsWhatIsLarge(Sound):
    """As one does that writes into a column of 16 MiB."""

    def put(self, key: str, content: bytes, content_type: str) -> MediaInfo:
        return super().put(key, content[: MOST_BYTES // 2], content_type)


class ForgetsTheType(Sound):
    def info(self, key: str, content: bytes, content_type: str) -> MediaInfo:
        return super().info(key, content, "application/octet-stream")


class GuessesTheType(Sound):
    """By how the key ends, as servers of files do."""

    def info(self, key: str, content: bytes, content_type: str) -> MediaInfo:
        return super().info(key, content, "text/html" if key.endswith(".html") else content_type)


class KeepsTheFirstType(Sound):
    def put(self, key: str, content: bytes, content_type: str) -> MediaInfo:
        before = self.room.kept.get(self.place(key))
        return super().put(key, content, before.info.content_type if before and before.content == content else content_type)


class MixesUpKeys(Sound):
    """Makes flat names of keys with slashes."""

    def place(self, key: str) -> str:
        return super().place(key.replace("/b/", "/b.").replace("-", "_"))


class RemembersWhatItRead(Sound):
    """Keeps in the process what it has read once."""

    def __init__(self, room: Room, name: str = "a", service: tuple[str, int] | None = None) -> None:
        super().__init__(room, name, service)
        self.seen: dict[str, Medium] = {}

    def get(self, key: str) -> Medium | None:
        found = self.seen.get(key) or super().get(key)
        if found is not None:
            self.seen[key] = found
        return found

    def put(self, key: str, content: bytes, content_type: str) -> MediaInfo:
        self.seen.pop(key, None)
        return super().put(key, content, content_type)


class GivesWhatIsDeleted(Sound):
    def delete(self, key: str) -> None:
        self.check(key)
        self.ask()


class DeletesAllThatBeginsSo(Sound):
    def delete(self, key: str) -> None:
        self.check(key)
        self.ask()
        with self.room.lock:
            for place in [place for place in self.room.kept if place.startswith(self.place(key))]:
                del self.room.kept[place]


class HasTheEtagOfTheSize(Sound):
    def etag(self, content: bytes) -> str:
        return str(len(content))


class QuotesItsEtag(Sound):
    def etag(self, content: bytes) -> str:
        return f'"{super().etag(content)}"'


class ForgetsOnRestart(Sound):
    def close(self) -> None:
        self.room.open -= 1
        if not self.room.open:
            self.room.kept.clear()


class WritesInTwoSteps(Sound):
    """Between which a reader comes; what the broken ones are made of that do so."""

    def get(self, key: str) -> Medium | None:
        with self.room.between.entered():
            return super().get(key)


class ServesHalfAWrite(WritesInTwoSteps):
    """Writes in place."""

    def put(self, key: str, content: bytes, content_type: str) -> MediaInfo:
        super().put(key, content[: len(content) // 2] or content, content_type)
        self.room.between.hold()
        return super().put(key, content, content_type)


class HasTypesApart(WritesInTwoSteps):
    """Keeps the type in a file beside, which is written a moment later."""

    def put(self, key: str, content: bytes, content_type: str) -> MediaInfo:
        before = self.room.kept.get(self.place(key))
        if before is not None:
            with self.room.lock:
                self.room.kept[self.place(key)] = Medium(replace(before.info, size=len(content)), content)
            self.room.between.hold()
        return super().put(key, content, content_type)


class DeletesBeforeItWrites(WritesInTwoSteps):
    def put(self, key: str, content: bytes, content_type: str) -> MediaInfo:
        self.check_put(key, content, content_type)
        self.delete(key)
        self.room.between.hold()
        return super().put(key, content, content_type)


class LosesWritesAtOnce(Sound):
    """Reads all, adds one, and writes all, as one who keeps a list of them in a file does."""

    def put(self, key: str, content: bytes, content_type: str) -> MediaInfo:
        self.check_put(key, content, content_type)
        self.ask()
        kept = dict(self.room.kept)
        self.room.between.meet()
        info = self.info(key, content, content_type)
        kept[self.place(key)] = Medium(info, content)
        self.room.kept = kept
        return info


class TidiesUpUnderOthers(Sound):
    """Removes the folder with all that others have put there, once it has deleted what it takes for the last medium in it."""

    def put(self, key: str, content: bytes, content_type: str) -> MediaInfo:
        with self.room.lock:
            goes_on = threading.get_ident() in self.room.put_by.values()
            self.room.put_by[self.place(key)] = threading.get_ident()
        info = super().put(key, content, content_type)
        if goes_on:
            self.room.between.hold()
        return info

    def delete(self, key: str) -> None:
        super().delete(key)
        with self.room.between.entered(), self.room.lock:
            for place, who in self.room.put_by.items():
                if who != threading.get_ident():
                    self.room.kept.pop(place, None)


class HasNoLimit(Sound):
    def check_put(self, key: str, content: bytes, content_type: str) -> None:
        check_key(key)
        check_content_type(content_type)


class TakesAnyType(Sound):
    def check_put(self, key: str, content: bytes, content_type: str) -> None:
        check_medium(key, content, "image/png")


class WritesBeforeItLooks(Sound):
    def put(self, key: str, content: bytes, content_type: str) -> MediaInfo:
        if len(content) > MOST_BYTES:
            super().put(key, content[:MOST_BYTES], content_type)
        return super().put(key, content, content_type)


class GoesUp(Sound):
    """Trusts that nobody asks for what lies above."""

    def check(self, key: str) -> None:
        """Take anything."""


class ListsWhatLiesAbove(Sound):
    def listed(self, prefix: str = "", after: str = "", limit: int = MOST_LISTED) -> Sequence[MediaInfo]:
        return super().listed("" if ".." in prefix else prefix, after, limit)


class LeaksBetweenApps(Sound):
    def place(self, key: str) -> str:
        return f"a:{key}"


class ListsTheNeighboursToo(Sound):
    def ours(self) -> list[MediaInfo]:
        with self.room.lock:
            return [medium.info for medium in self.room.kept.values()]


class DeletesTheNeighboursToo(Sound):
    def delete(self, key: str) -> None:
        super().delete(key)
        with self.room.lock:
            for place in [place for place in self.room.kept if place.endswith(f":{key}")]:
                del self.room.kept[place]


class ListsTheFirstPageAlone(Sound):
    def listed(self, prefix: str = "", after: str = "", limit: int = MOST_LISTED) -> Sequence[MediaInfo]:
        return [] if after else super().listed(prefix, after, limit)


class NeverComesToTheEnd(Sound):
    def listed(self, prefix: str = "", after: str = "", limit: int = MOST_LISTED) -> Sequence[MediaInfo]:
        return super().listed(prefix, after if after and limit == 1 else "", limit)


class KnowsNoMoment(Sound):
    """Says that all is old, and so has it swept away."""

    def info(self, key: str, content: bytes, content_type: str) -> MediaInfo:
        return replace(super().info(key, content, content_type), stored_at=datetime.now(UTC) - timedelta(days=2))


class SaysThatThereIsNothing(Sound):
    def get(self, key: str) -> Medium | None:
        try:
            return super().get(key)
        except Unavailable:
            return None


class SwallowsErrors(Sound):
    def delete(self, key: str) -> None:
        try:
            super().delete(key)
        except Unavailable:
            return


class MakesOthersWait(Sound):
    at_once = faults.SOON

    def ask(self) -> None:
        faults.insist(super().ask, Unavailable)


class TellsWhatIsInIt(Sound):
    def put(self, key: str, content: bytes, content_type: str) -> MediaInfo:
        try:
            return super().put(key, content, content_type)
        except Unavailable as error:
            raise Unavailable(f"media: {content[:40]!r} could not be put") from error


class TellsItsSecret(faults.TellsItsSecret, Sound):
    """In its representation."""


class CanNotBeClosedTwice(faults.CanNotBeClosedTwice, Sound):
    """Fails the second time."""


def bench_of(kind: type[Sound]) -> MediaBench:
    room = Room()
    return MediaBench(
        open=partial(kind, room),
        beside=partial(kind, room, "b"),
        reach=lambda host, port: kind(room, service=(host, port)),
        secrets=["hunter22"],
        at_once=kind.at_once,
        ping_at_once=kind.at_once,
    )

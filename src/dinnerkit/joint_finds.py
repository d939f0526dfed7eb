"""Documents for those who ask at the same moment, found by one question, as the bytes that the database sent."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Generic, TypeVar, cast

import bson
from bson.codec_options import CodecOptions
from bson.raw_bson import RawBSONDocument
from pymongo.client_session import ClientSession
from pymongo.collection import Collection

from dinnerkit.joint_reads import JointReads
from dinnerkit.secondaries import Question
from dinnerkit.storage import Row, is_outage

Q = TypeVar("Q", bound=Hashable)
A = TypeVar("A")

READS_AT_ONCE = 2
"""Others who ask while so many questions are being answered wait for one of these, and are then answered together."""

MOST_UNITED = 32
"""So much is found by one question, which the database answers one part after the other."""

_AWARE: Final[CodecOptions[Row]] = CodecOptions(tz_aware=True)
_AS_SENT: Final[CodecOptions[RawBSONDocument]] = CodecOptions(document_class=RawBSONDocument)
"""``aggregate_raw_batches`` would ask twice: it has the server send nothing with the first answer."""

_BY_PART: Final = {"$group": {"_id": "$part", "found": {"$push": "$document"}}}
"""At the end: within the pipeline of a part it would have a say in which index is used."""


@dataclass(frozen=True, slots=True)
class Find:
    """What to find: a filter, a projection, an order, and how much at the most."""

    wanted: Row
    projection: Mapping[str, Any]
    sort: Mapping[str, int]
    limit: int

    @property
    def options(self) -> dict[str, Any]:
        """As the driver's ``find`` takes them."""
        return {"filter": self.wanted, "projection": self.projection, "sort": list(self.sort.items()), "limit": self.limit}

    def stages(self, part: int) -> list[Row]:
        """The same as a pipeline, whose documents each have a document, and that number."""
        return [
            {"$match": self.wanted},
            {"$sort": self.sort},
            {"$limit": self.limit},
            {"$project": self.projection},
            {"$replaceWith": {"part": part, "document": "$$ROOT"}},
        ]


class JointFinds(Generic[Q, A]):
    """Answers what is made of documents of one collection, what is asked for at the same moment by one question.

    Args:
        ask: has a question about the collection answered.
        plan: what to find for an answer.
        make: makes the answer of what was found, in its order. Those who ask for the same are given one, not to be changed.
    """

    def __init__(self, ask: Callable[[Question[Any]], Any], plan: Callable[[Q], Find], make: Callable[[Q, Iterable[bytes]], A]) -> None:
        self._ask = ask
        self._plan = plan
        self._make = make
        self._joint: JointReads[int, Q, A] = JointReads(self.read)

    def answer(self, wanted: Q) -> A:
        """The answer, found from now on.

        Raises:
            PyMongoError: the database gave none.
        """
        try:
            return self._joint.ask(hash(wanted) % READS_AT_ONCE, wanted)
        except Exception as error:
            if is_outage(error):
                raise
            return self.alone(wanted)  # what was wrong with something else that was asked for together with it is nothing to it

    def alone(self, wanted: Q) -> A:
        """The same, by a question of its own."""
        options = self._plan(wanted).options

        def read(rows: Collection[Row], session: ClientSession | None) -> A:
            batches = rows.find_raw_batches(**options, session=session)
            return self._make(wanted, documents(cast("Iterable[bytes]", batches)))

        return cast("A", self._ask(read))

    def read(self, _: Hashable, together: Sequence[Q]) -> list[A]:
        """The answers, each different one found once."""
        if len(together) == 1:
            return [self.alone(together[0])]
        places: dict[Q, int] = {}
        asked = [places.setdefault(wanted, len(places)) for wanted in together]
        different = list(places)
        answers: list[A] = []
        for start in range(0, len(different), MOST_UNITED):
            part = different[start : start + MOST_UNITED]
            answers += [self.alone(part[0])] if len(part) == 1 else self._united(part)
        return [answers[place] for place in asked]

    def _united(self, different: Sequence[Q]) -> list[A]:
        first, *others = [self._plan(wanted).stages(number) for number, wanted in enumerate(different)]

        def read(rows: Collection[Row], session: ClientSession | None) -> list[A]:
            united = [*first, *({"$unionWith": {"coll": rows.name, "pipeline": stages}} for stages in others), _BY_PART]
            sent = rows.with_options(codec_options=_AS_SENT).aggregate(united, session=session)
            found = dict(parts(bytes(document.raw) for document in sent))
            return [self._make(wanted, found.get(number, ())) for number, wanted in enumerate(different)]

        return cast("list[A]", self._ask(read))


def row_of(document: bytes) -> Row:
    """A document as the driver gives it."""
    return bson.decode(document, _AWARE)


def documents(batches: Iterable[bytes]) -> Iterator[bytes]:
    """The documents of batches of BSON, each of which begins with its length."""
    for batch in batches:
        begin = 0
        while begin < len(batch):
            end = begin + int.from_bytes(batch[begin : begin + 4], "little")
            yield batch[begin:end]
            begin = end


def parts(found: Iterable[bytes]) -> Iterator[tuple[int, Iterator[bytes]]]:
    """Of documents ``{"_id": number, "found": [document, …]}`` the number and the documents of each.

    Raises:
        ValueError: one is not of that shape.
    """
    for part in found:
        if part[4 : len(_PART_ID) + 4] != _PART_ID or not part.startswith(_PART_FOUND, _FOUND_AT):
            raise ValueError("not a part of what was found")
        begin = _FOUND_AT + len(_PART_FOUND)
        yield int.from_bytes(part[len(_PART_ID) + 4 : _FOUND_AT], "little"), _elements(part, begin)


_PART_ID: Final = b"\x10_id\0"
_FOUND_AT: Final = 4 + len(_PART_ID) + 4
"""After the length of the whole, and the number in 32 bits."""
_PART_FOUND: Final = b"\x04found\0"


def _elements(part: bytes, begin: int) -> Iterator[bytes]:
    """The documents of the BSON array that begins there: each comes after its type and its index, which is text that ends with a zero."""
    end = begin + int.from_bytes(part[begin : begin + 4], "little") - 1
    begin += 4
    while begin < end:
        begin = part.index(0, begin + 1) + 1
        size = int.from_bytes(part[begin : begin + 4], "little")
        yield part[begin : begin + size]
        begin += size

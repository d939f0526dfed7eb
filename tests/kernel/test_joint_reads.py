from __future__ import annotations

import threading
from collections.abc import Hashable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import count

import pytest

from dinnerkit import joint_reads
from dinnerkit.joint_reads import MOST, JointReads
from tests.waiting import DEADLINE, until


class Store:
    """What is read: each question twice over, and how often it was written by then. The first read waits to be let through."""

    def __init__(self) -> None:
        self.read: list[tuple[Hashable, list[int]]] = []
        self.written = count()
        self.begun, self.go_on = threading.Event(), threading.Event()
        self.fails: dict[int, BaseException] = {}
        """By the number of the read."""
        self.joint = JointReads(self._read)

    def _read(self, about: Hashable, questions: Sequence[int]) -> list[tuple[int, int]]:
        now = next(self.written)
        self.read.append((about, list(questions)))
        if len(self.read) == 1:
            self.begun.set()
            assert self.go_on.wait(2 * DEADLINE)
        if len(self.read) in self.fails:
            raise self.fails[len(self.read)]
        return [(2 * question, now) for question in questions]

    def waiting(self, about: Hashable) -> int:
        found = self.joint._waiting.get(about)
        return len(found.questions) if found else 0


@pytest.fixture
def pool() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(MOST + 8) as pool:
        yield pool


@pytest.fixture
def store(monkeypatch: pytest.MonkeyPatch, pool: ThreadPoolExecutor) -> Iterator[Store]:
    monkeypatch.setattr(joint_reads, "PATIENCE_SECONDS", DEADLINE)
    store = Store()
    yield store
    store.go_on.set()  # before the pool waits for its threads


def begin(store: Store, pool: ThreadPoolExecutor, about: Hashable = "a") -> Future[tuple[int, int]]:
    """A read that waits."""
    first = pool.submit(store.joint.ask, about, 0)
    assert store.begun.wait(DEADLINE)
    return first


def join(store: Store, pool: ThreadPoolExecutor, *questions: int, about: Hashable = "a") -> list[Future[tuple[int, int]]]:
    """Questions that wait for the read that is under way."""
    joined = []
    for question in questions:
        had = store.waiting(about)
        joined.append(pool.submit(store.joint.ask, about, question))
        until(lambda had=had: store.waiting(about) != had, "it waits")
    return joined


def test_who_asks_alone_is_answered_by_a_read_of_their_own(store: Store) -> None:
    store.go_on.set()
    assert [store.joint.ask("a", number)[0] for number in range(3)] == [0, 2, 4]
    assert store.read == [("a", [0]), ("a", [1]), ("a", [2])]


def test_those_who_come_meanwhile_are_answered_together_by_a_read_that_begins_after_they_asked(
    store: Store, pool: ThreadPoolExecutor
) -> None:
    first = begin(store, pool)
    others = join(store, pool, 5, 6, 7)
    written = next(store.written)
    store.go_on.set()
    assert first.result(DEADLINE) == (0, 0)
    answers = [other.result(DEADLINE) for other in others]
    assert [answer for answer, _ in answers] == [10, 12, 14]
    assert all(at > written for _, at in answers)
    assert store.read == [("a", [0]), ("a", [5, 6, 7])]


def test_what_is_about_something_else_does_not_wait(store: Store, pool: ThreadPoolExecutor) -> None:
    begin(store, pool, "a")
    assert store.joint.ask("b", 4) == (8, 1)


def test_no_read_answers_more_than_so_many(store: Store, pool: ThreadPoolExecutor) -> None:
    begin(store, pool)
    others = join(store, pool, *range(MOST + 3))
    store.go_on.set()
    assert [other.result(DEADLINE)[0] for other in others] == [2 * number for number in range(MOST + 3)]
    assert sorted(len(questions) for _, questions in store.read) == [1, 3, MOST]


def test_a_read_that_hangs_holds_up_nobody_for_long(store: Store, pool: ThreadPoolExecutor, monkeypatch: pytest.MonkeyPatch) -> None:
    begin(store, pool)
    monkeypatch.setattr(joint_reads, "PATIENCE_SECONDS", 0.01)
    assert pool.submit(store.joint.ask, "a", 4).result(DEADLINE)[0] == 8
    assert store.joint.ask("a", 5)[0] == 10


@pytest.mark.parametrize("error", [ConnectionError("away"), KeyError("no")])
def test_all_whom_a_read_was_to_answer_hear_of_its_error_and_the_next_read_is_a_new_one(
    store: Store, pool: ThreadPoolExecutor, error: Exception
) -> None:
    store.fails[2] = error
    first = begin(store, pool)
    others = join(store, pool, 1, 2)
    store.go_on.set()
    assert first.result(DEADLINE)[0] == 0
    for other in others:
        with pytest.raises(type(error)):
            other.result(DEADLINE)
    assert store.joint.ask("a", 3)[0] == 6
    assert [questions for _, questions in store.read] == [[0], [1, 2], [3]]


def test_who_is_ended_in_the_middle_of_a_read_leaves_the_others_to_ask_again(store: Store, pool: ThreadPoolExecutor) -> None:
    store.fails[2] = SystemExit()
    begin(store, pool)
    ended, *others = join(store, pool, 1, 2, 3)
    store.go_on.set()
    with pytest.raises(SystemExit):
        ended.result(DEADLINE)
    assert [other.result(DEADLINE)[0] for other in others] == [4, 6]


def test_who_is_ended_before_their_read_begins_leaves_the_others_to_ask_again(
    store: Store, pool: ThreadPoolExecutor, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = begin(store, pool)
    over, joined = store.joint._running["a"].over, threading.Event()
    wait = over.wait

    def end(_: float) -> None:
        monkeypatch.setattr(over, "wait", wait)
        joined.wait(DEADLINE)
        raise SystemExit

    monkeypatch.setattr(over, "wait", end)
    ended, *others = join(store, pool, 1, 2, 3)
    joined.set()
    with pytest.raises(SystemExit):
        ended.result(DEADLINE)
    store.go_on.set()
    assert [other.result(DEADLINE)[0] for other in (first, *others)] == [0, 4, 6]
    assert not store.joint._running
    assert not store.joint._waiting


def test_many_threads_get_each_their_own_answer_and_none_from_before_they_asked() -> None:
    asked: set[int] = set()

    def read(_: Hashable, questions: Sequence[int]) -> list[tuple[int, frozenset[int]]]:
        known = frozenset(asked.copy())
        return [(question, known) for question in questions]

    joint = JointReads(read)

    def ask(question: int) -> bool:
        asked.add(question)
        answer, known = joint.ask("a", question)
        return answer == question and question in known

    with ThreadPoolExecutor(16) as pool:
        assert all(pool.map(ask, range(600)))

"""How jobs are taken from one queue."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from huey import MemoryHuey
from huey.api import Huey

from dinnerkit.ports.json_tasks import JsonTasks
from dinnerkit.worker import consuming
from dinnerkit.worker.consuming import QueueConsumer
from tests.waiting import DEADLINE


class Counter:
    """A huey whose task counts how many of it run side by side, and goes on when it is let."""

    def __init__(self) -> None:
        self.huey = MemoryHuey("emails", results=False, serializer=JsonTasks())
        self.let_go = threading.Semaphore(0)
        self.begun = threading.Semaphore(0)
        self.ran: list[int] = []
        self.running = self.most = 0
        self._lock = threading.Lock()
        self.task = self.huey.task(name="deliver")(self.run)

    def run(self, number: int) -> None:
        with self._lock:
            self.running += 1
            self.most = max(self.most, self.running)
        self.begun.release()
        assert self.let_go.acquire(timeout=DEADLINE)
        with self._lock:
            self.running -= 1
            self.ran.append(number)

    def wait_for(self, count: int) -> None:
        for _ in range(count):
            assert self.begun.acquire(timeout=DEADLINE)


@pytest.fixture
def counter() -> Counter:
    return Counter()


@pytest.fixture
def consume() -> Iterator[Callable[[Huey, int], QueueConsumer]]:
    begun: list[QueueConsumer] = []

    def start(huey: Huey, concurrency: int) -> QueueConsumer:
        begun.append(QueueConsumer(huey, concurrency))
        begun[-1].start()
        return begun[-1]

    yield start
    for consumer in begun:
        consumer.stop()


def threads() -> int:
    return sum(thread.name == "dinnerkit-emails" for thread in threading.enumerate())


def test_so_many_run_side_by_side_and_never_more(counter: Counter, consume: Callable[..., QueueConsumer]) -> None:
    for number in range(12):
        counter.task(number)
    consumer = consume(counter.huey, 3)
    counter.wait_for(3)
    for _ in range(9):
        counter.let_go.release()
        counter.wait_for(1)
    counter.let_go.release(3)
    consumer.stop()
    assert consumer.ended(time.monotonic() + DEADLINE)
    assert (sorted(counter.ran), counter.most) == (list(range(12)), 3)


def test_a_queue_on_which_nothing_waits_has_one_thread(counter: Counter, consume: Callable[..., QueueConsumer]) -> None:
    before = threads()
    consumer = consume(counter.huey, 200)
    assert threads() == before + 1
    counter.let_go.release(2)
    for number in range(2):
        counter.task(number)
        counter.wait_for(1)
    consumer.stop()
    assert consumer.ended(time.monotonic() + DEADLINE)
    assert threads() == before


def test_who_is_told_that_something_came_looks_at_once(
    counter: Counter, consume: Callable[..., QueueConsumer], monkeypatch: pytest.MonkeyPatch
) -> None:
    looks, dequeue = threading.Semaphore(0), counter.huey.dequeue

    def look() -> Any:
        found = dequeue()
        looks.release()
        return found

    monkeypatch.setattr(consuming, "_FIRST_PAUSE", 10 * DEADLINE)
    monkeypatch.setattr(consuming, "_LONGEST_PAUSE", 10 * DEADLINE)
    monkeypatch.setattr(counter.huey, "dequeue", look)
    consumer = consume(counter.huey, 1)
    assert looks.acquire(timeout=DEADLINE)
    counter.task(1)
    consumer.wake()
    counter.wait_for(1)
    counter.let_go.release()


def test_after_the_stop_nothing_more_is_taken_and_what_runs_is_waited_for(counter: Counter, consume: Callable[..., QueueConsumer]) -> None:
    for number in range(3):
        counter.task(number)
    consumer = consume(counter.huey, 1)
    counter.wait_for(1)
    consumer.stop()
    assert not consumer.ended(time.monotonic()), "it runs"
    counter.let_go.release(3)
    assert consumer.ended(time.monotonic() + DEADLINE)
    assert (counter.ran, counter.huey.pending_count()) == ([0], 2)


def test_what_came_into_the_hands_of_who_is_to_stop_is_given_back(
    counter: Counter, consume: Callable[..., QueueConsumer], monkeypatch: pytest.MonkeyPatch
) -> None:
    """As where a store lets its callers wait."""
    waits, go_on, dequeue = threading.Event(), threading.Event(), counter.huey.dequeue

    def wait_and_dequeue() -> Any:
        waits.set()
        assert go_on.wait(DEADLINE)
        return dequeue()

    monkeypatch.setattr(counter.huey, "dequeue", wait_and_dequeue)
    consumer = consume(counter.huey, 1)
    assert waits.wait(DEADLINE)
    counter.task(1)
    consumer.stop()
    go_on.set()
    assert consumer.ended(time.monotonic() + DEADLINE)
    assert (counter.ran, counter.huey.pending_count()) == ([], 1)


def test_a_job_that_would_end_its_thread_and_a_machine_without_threads_stop_nobody(
    counter: Counter, consume: Callable[..., QueueConsumer], monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_thread(_: object) -> None:
        raise RuntimeError("can't start new thread")

    def dequeue_later() -> Any:
        assert go_on.wait(DEADLINE)
        return dequeue()

    go_on, dequeue = threading.Event(), counter.huey.dequeue
    monkeypatch.setattr(counter.huey, "dequeue", dequeue_later)
    counter.huey.task(name="leave")(sys.exit)(1)
    counter.task(1)
    counter.let_go.release()
    consumer = consume(counter.huey, 2)
    monkeypatch.setattr(threading.Thread, "start", no_thread)
    go_on.set()
    counter.wait_for(1)
    monkeypatch.undo()
    consumer.stop()
    assert consumer.ended(time.monotonic() + DEADLINE)
    assert counter.ran == [1]


def test_what_can_not_be_read_stops_nobody(counter: Counter, consume: Callable[..., QueueConsumer]) -> None:
    counter.huey.storage.enqueue(b"\x80nonsense")
    counter.task(1)
    consume(counter.huey, 1)
    counter.wait_for(1)
    counter.let_go.release()


def test_a_store_that_fails_is_asked_ever_more_rarely_and_again_once_it_is_back(
    counter: Counter, consume: Callable[..., QueueConsumer], monkeypatch: pytest.MonkeyPatch
) -> None:
    failures, dequeue = iter(range(4)), counter.huey.dequeue

    def fail_at_first() -> Any:
        if next(failures, None) is not None:
            raise ConnectionError
        return dequeue()

    monkeypatch.setattr(consuming, "_FIRST_PAUSE", 0.001)
    monkeypatch.setattr(counter.huey, "dequeue", fail_at_first)
    counter.task(1)
    consume(counter.huey, 1)
    counter.wait_for(1)
    counter.let_go.release()

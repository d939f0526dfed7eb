"""What every queue must do, as tests: subclass :class:`QueueContract`, give one fixture, and run pytest.

    from dinnerkit.testing import QueueBench, QueueContract

    class TestOurQueue(QueueContract):
        @pytest.fixture
        def bench(self):
            return QueueBench(open=lambda: open_queue("ourstore://127.0.0.1:1234"))

The queue must have nothing in it when a test begins.
"""

from __future__ import annotations

import logging
import pickle
import pickletools
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeAlias

import pytest
from huey.api import Huey

from dinnerkit.errors import Unavailable
from dinnerkit.ids import new_id
from dinnerkit.ports.queue import URGENT, Priorities, Queue
from dinnerkit.testing.away import away
from dinnerkit.testing.bench import Bench
from dinnerkit.testing.expecting import (
    ContractBroken,
    all_answered,
    at_once,
    closes_twice,
    expect,
    in_time,
    keeps_secrets,
    needed,
    refusal,
    refused_soon,
    told_by,
)

__all__ = ["ContractBroken", "QueueBench", "QueueContract"]

_THREADS, _EACH = 6, 20
_MANY = 1000
_ROUNDS, _BREATH_SECONDS = 10, 0.01
_MOST_WRONG = 5

Bound: TypeAlias = tuple[Huey, Any, list[tuple[Any, ...]]]
"""A named queue, a task on it, and the arguments with which that was run."""


@dataclass(frozen=True, kw_only=True, slots=True)
class QueueBench(Bench[Queue]):
    """What the author of a queue gives to the tests: what :class:`~dinnerkit.testing.bench.Bench` says."""


class QueueContract:
    """The tests that every queue must pass."""

    @pytest.fixture
    def bench(self) -> QueueBench:
        """The queue to be tested: the one fixture that a subclass gives."""
        raise NotImplementedError(f"{type(self).__name__} must define a fixture `bench` that gives a QueueBench")

    def test_it_speaks_through_the_port(self, bench: QueueBench) -> None:
        """The core knows a queue by its methods, and each name by the one Huey that belongs to it."""
        with closing(bench.open()) as queue:
            expect(isinstance(queue, Queue), f"{type(queue).__name__} lacks a method of dinnerkit.ports.queue.Queue")
            queue.ping()
            expect(isinstance(queue.huey("emails"), Huey), "what it has under a name is no Huey")
            expect(
                queue.huey("emails") is queue.huey("emails"), "the same name gives another Huey each time, which does not know its tasks"
            )

    def test_a_task_is_run_once_with_its_arguments(self, bench: QueueBench) -> None:
        """Whatever JSON can say."""
        arguments = ("delivery-é", 1, 0.5, None, True, [1, {"a": "b"}])
        with closing(bench.open()) as queue:
            huey, task, ran = _bound(queue)
            task(*arguments)
            expect(huey.pending_count() == 1, f"it says that {huey.pending_count()} tasks wait where one does")
            _work(huey)
            expect(len(ran) == 1, f"one task was queued, and {len(ran)} were run")
            expect(ran == [arguments], f"a task that was queued with {arguments} was run with {ran[0] if ran else None}")
            expect(huey.pending_count() == 0, "a task that was run is still said to wait")

    def test_tasks_come_in_the_order_in_which_they_were_queued(self, bench: QueueBench) -> None:
        """Else some would wait for ever while others come."""
        with closing(bench.open()) as queue:
            huey, task, ran = _bound(queue)
            for number in range(50):
                task(number)
            _work(huey)
        numbers = [number for (number,) in ran]
        expect(len(numbers) == 50, f"of 50 tasks {len(numbers)} were run")
        expect(numbers == list(range(50)), f"tasks were run in another order than that in which they were queued: {numbers[:8]} …")

    def test_the_named_queues_are_apart(self, bench: QueueBench) -> None:
        """A worker of one never gets what is another's."""
        with closing(bench.open()) as queue:
            mails, mail, sent = _bound(queue, "emails")
            payments, _, paid = _bound(queue, "payments")
            mail("m1")
            expect(payments.pending_count() == 0, "what was queued under one name waits under another")
            _work(payments)
            expect(not paid, "what was queued under one name was run under another")
            _work(mails)
            expect(sent == [("m1",)], "what was queued under a name was not run under it")

    def test_what_fills_one_queue_loses_nothing_of_another(self, bench: QueueBench) -> None:
        """Thousands of pictures are no reason to forget a mail."""
        with closing(bench.open()) as queue:
            mails, mail, sent = _bound(queue, "emails")
            pictures, picture, _ = _bound(queue, "media")
            mail("m1")
            for number in range(_MANY):
                picture(number)
            expect(mails.pending_count() == 1, f"{_MANY} tasks were queued under one name, and what waited under another is gone")
            waiting = pictures.pending_count()
            expect(waiting == _MANY, f"of {_MANY} tasks that were queued under one name, beside another, {waiting} wait")
            _work(mails)
            expect(sent == [("m1",)], f"{_MANY} tasks were queued under one name, and what waited under another was not run")

    def test_who_waits_for_one_queue_keeps_nobody_from_another(self, bench: QueueBench) -> None:
        """A worker asks for tasks of a queue on which there are none all day long."""
        done, asking = threading.Event(), threading.Event()
        with closing(bench.open()) as queue:
            mails, mail, sent = _bound(queue, "emails")
            pictures, _, _ = _bound(queue, "media")

            def ask_on() -> None:
                while not done.is_set():
                    asking.set()
                    pictures.dequeue()

            asker = threading.Thread(target=ask_on, daemon=True)
            asker.start()
            try:
                for number in range(_ROUNDS):
                    asking.wait()
                    done.wait(_BREATH_SECONDS)
                    in_time("a task was queued under one name while somebody waited under another", partial(mail, number))
                    in_time("a worker asked under one name while somebody waited under another", partial(_work, mails))
            finally:
                done.set()
            in_time("somebody waited under a name under which nothing was queued", asker.join)
        expect(len(sent) == _ROUNDS, f"of {_ROUNDS} tasks {len(sent)} were run while somebody waited under another name")

    def test_where_nothing_waits_who_asks_is_told_so(self, bench: QueueBench) -> None:
        """A worker that is to stop must not wait until the next task comes."""
        with closing(bench.open()) as queue:
            huey, _, _ = _bound(queue, "media")
            task = in_time("a worker asked for a task where none waited", huey.dequeue)
            expect(task is None, f"a worker asked for a task where none waited, and got {task!r}")

    def test_tasks_that_are_queued_at_the_same_time_are_all_there(self, bench: QueueBench) -> None:
        """And each is run once, by whichever of several workers takes it."""
        with closing(bench.open()) as queue:
            huey, task, ran = _bound(queue)

            def put(who: int) -> None:
                for number in range(_EACH):
                    task(who, number)

            all_answered(at_once([partial(put, who) for who in range(_THREADS)], "tasks queued at once"), "tasks queued at once")
            all_answered(at_once([partial(_work, huey)] * _THREADS, "workers at once"), "workers at once")
        expect(len(ran) == len(set(ran)), f"{len(ran) - len(set(ran))} tasks were run twice by workers at the same time")
        expect(len(ran) == _THREADS * _EACH, f"of {_THREADS * _EACH} tasks queued at once {len(ran)} were run")

    def test_tasks_outlive_the_process_that_queued_them(self, bench: QueueBench) -> None:
        """A restart of the app is no reason to lose a hint."""
        with closing(bench.open()) as queue:
            _bound(queue)[1]("d1")
        with closing(bench.open()) as later:
            huey, _, ran = _bound(later)
            _work(huey)
        expect(ran == [("d1",)], "a task was forgotten when the process that had queued it ended")

    def test_another_process_takes_what_one_has_queued(self, bench: QueueBench) -> None:
        """The web server queues, the worker works."""
        with closing(bench.open()) as here, closing(bench.open()) as there:
            _, task, _ = _bound(here)
            huey, _, ran = _bound(there)
            task("d1")
            _work(huey)
            expect(ran == [("d1",)], "a task that one process queued is not seen by another")
            task("d2")
            _work(huey)
            expect(ran[1:] == [("d2",)], "a task that was queued while another process was working is not seen by it")

    def test_what_lies_in_the_store_is_no_pickle(self, bench: QueueBench) -> None:
        """Else whoever can write to the store can run code in the worker."""
        with closing(bench.open()) as queue:
            huey, task, _ = _bound(queue)
            task("d1")
            (stored,) = huey.storage.enqueued_items()
            expect(not _is_pickle(bytes(stored)), "tasks lie in the store as pickles: whoever can write there can run code here")
            _work(huey)

    def test_what_is_not_ours_is_not_run(self, bench: QueueBench) -> None:
        """A pickle that somebody put there is refused unread; what comes behind it is run."""
        went_off: list[int] = []
        with closing(bench.open()) as queue:
            huey, task, ran = _bound(queue)
            with _bomb(went_off) as planted:
                huey.storage.enqueue(planted)
                task("d1")
                _work(huey)
        expect(not went_off, "a pickle that lay in the store was loaded, and its code run")
        expect(ran == [("d1",)], "what lay behind a task that makes no sense was not run")

    def test_arguments_that_json_can_not_say_are_refused_when_they_are_queued(self, bench: QueueBench) -> None:
        """Not when they are run, where nobody can mend it."""
        with closing(bench.open()) as queue:
            huey, task, _ = _bound(queue)
            try:
                task(object())
            except (TypeError, ValueError):
                expect(huey.pending_count() == 0, "a task that was refused waits all the same")
            else:
                raise ContractBroken("an argument that JSON can't say was queued")

    def test_what_is_urgent_comes_first(self, bench: QueueBench) -> None:
        """Where the queue has priorities; those that are alike come in the order in which they were queued."""
        with closing(bench.open()) as queue:
            if not (isinstance(queue, Priorities) and queue.priorities):
                pytest.skip("this queue has no priorities, and does not say that it has")
            huey, task, ran = _bound(queue)
            for number in range(3):
                task("usual", number)
                huey.enqueue(task.s("urgent", number, priority=URGENT))
            waiting = huey.pending_count()
            expect(waiting == 6, f"3 urgent tasks and 3 usual ones were queued, and {waiting} wait")
            _work(huey)
        first = [number for what, number in ran[:3] if what == "urgent"]
        expect(len(first) == 3, f"the queue has priorities, and ran {ran} where the urgent tasks were due first")
        expect(first == [0, 1, 2], f"urgent tasks were run in another order than that in which they were queued: {first}")
        rest = [number for _, number in ran[3:]]
        expect(rest == [0, 1, 2], f"what waited behind urgent tasks was run as {rest} where it was queued as [0, 1, 2]")

    @pytest.mark.parametrize("place", ["silent", "closed", "rude"])
    def test_without_its_service_a_task_is_refused_soon(self, bench: QueueBench, place: str) -> None:
        """By any error: the core then leaves it to the sweep. Not by silence, which would be a loss that nobody sees."""
        with away(bench, place) as queue:
            refusal(Unavailable, f"the service was {place}, and it was pinged", partial(in_time, "a ping", queue.ping))
            _, task, _ = _bound(queue)
            refused_soon(Exception, f"the service was {place}", "a task was queued", partial(task, "d1"), bench.at_once)

    def test_its_secrets_stay_its_own(self, bench: QueueBench, caplog: pytest.LogCaptureFixture) -> None:
        """They are in no error, no log and no representation."""
        secrets = needed(bench.secrets, "secret to look for")
        with caplog.at_level(logging.DEBUG):
            with closing(bench.open()) as queue:
                told = [repr(queue), str(queue)]
                _, task, _ = _bound(queue)
                told += told_by(partial(task, object()))
            if bench.reach is not None:
                with away(bench, "closed") as lost:
                    told += [repr(lost), *told_by(lost.ping), *told_by(partial(_bound(lost)[1], "d1"))]
        keeps_secrets([*told, caplog.text], secrets)

    def test_it_can_be_closed_twice(self, bench: QueueBench) -> None:
        """Whoever ends must not ask who has ended before."""
        queue = bench.open()
        queue.ping()
        closes_twice(queue.close)


def _bound(queue: Queue, name: str = "default") -> Bound:
    huey = queue.huey(name)
    ran: list[tuple[Any, ...]] = []

    def deliver(*arguments: Any) -> None:
        ran.append(arguments)

    return huey, huey.task(name="deliver")(deliver), ran


def _work(huey: Huey) -> None:
    """Run what waits, as a consumer does: what can't be read is left behind."""
    wrong = 0
    while True:
        try:
            task = huey.dequeue()
        except Exception as error:
            wrong += 1
            if wrong > _MOST_WRONG:
                raise ContractBroken(f"it can't give out what waits: {type(error).__name__} ({error})") from error
            continue
        if task is None:
            return
        huey.execute(task)


def _is_pickle(data: bytes) -> bool:
    try:
        return bool(list(pickletools.genops(data)))
    except ValueError:
        return False


_FUSES: dict[str, list[int]] = {}
_LOCK = threading.Lock()


def _go_off(name: str) -> None:
    _FUSES[name].append(1)


class _Bomb:
    def __init__(self, name: str) -> None:
        self._name = name

    def __reduce__(self) -> tuple[Any, ...]:
        return _go_off, (self._name,)


@contextmanager
def _bomb(went_off: list[int]) -> Iterator[bytes]:
    """A pickle that runs code where it is loaded."""
    name = new_id()
    with _LOCK:
        _FUSES[name] = went_off
    yield pickle.dumps(_Bomb(name))
    with _LOCK:
        del _FUSES[name]

"""The contract bites: each queue that is wrong fails it, and is told what it did wrong."""

from __future__ import annotations

import pytest

from dinnerkit.testing import QueueBench, QueueContract, expecting
from tests.teeth import broken_queues as broken
from tests.teeth.biting import all_broken, bites
from tests.teeth.broken_queues import Sound, bench_of


class TestTheSoundOne(QueueContract):
    @pytest.fixture
    def bench(self) -> QueueBench:
        return bench_of(Sound)


SILENT = "without_its_service_a_task_is_refused_soon[silent]"
BROKEN = [
    (broken.MakesAnotherEachTime, "it_speaks_through_the_port", "the same name gives another Huey each time"),
    (broken.GivesOutTwice, "a_task_is_run_once_with_its_arguments", "one task was queued, and 2 were run"),
    (broken.TheNewestFirst, "tasks_come_in_the_order_in_which_they_were_queued", r"in another order .*: \[49, 48"),
    (broken.AnyOrder, "tasks_come_in_the_order_in_which_they_were_queued", "in another order than that in which they were queued"),
    (broken.OneQueueForAll, "the_named_queues_are_apart", "what was queued under one name waits under another"),
    (broken.HasPlaceForSoMany, "what_fills_one_queue_loses_nothing_of_another", "1000 tasks .* what waited under another is gone"),
    (
        broken.LocksWhileItWaits,
        "who_waits_for_one_queue_keeps_nobody_from_another",
        "a task was queued under one name while somebody waited under another: no answer after 2 s",
    ),
    (broken.WaitsForEver, "where_nothing_waits_who_asks_is_told_so", "asked for a task where none waited: no answer after 2 s"),
    (broken.LosesWhatComesAtOnce, "tasks_that_are_queued_at_the_same_time_are_all_there", r"of 120 tasks queued at once \d+ were run"),
    (broken.TwoTakeTheSame, "tasks_that_are_queued_at_the_same_time_are_all_there", r"\d+ tasks were run twice by workers"),
    (broken.ForgetsOverARestart, "tasks_outlive_the_process_that_queued_them", "a task was forgotten when the process"),
    (broken.KeepsItToItself, "another_process_takes_what_one_has_queued", "a task that one process queued is not seen by another"),
    (broken.Pickles, "what_lies_in_the_store_is_no_pickle", "tasks lie in the store as pickles"),
    (broken.ReadsPicklesToo, "what_is_not_ours_is_not_run", "a pickle that lay in the store was loaded, and its code run"),
    (broken.StopsAtNonsense, "what_is_not_ours_is_not_run", "it can't give out what waits: "),
    (
        broken.QueuesWhatItCanNotSay,
        "arguments_that_json_can_not_say_are_refused_when_they_are_queued",
        "an argument that JSON can't say",
    ),
    (broken.KnowsNoUrgency, "what_is_urgent_comes_first", "the queue has priorities, and ran .*usual.* where the urgent"),
    (broken.PutsTheUrgentInFront, "what_is_urgent_comes_first", r"urgent tasks were run in another order .*: \[2, 1, 0\]"),
    (broken.LosesTheUsual, "what_is_urgent_comes_first", "3 urgent tasks and 3 usual ones were queued, and 3 wait"),
    (broken.LosesInSilence, SILENT, "silent, and a task was queued: it answered"),
    (broken.MakesRequestsWait, SILENT, r"silent, and it took \d+\.\d+ s to fail when a task was queued"),
    (broken.SaysThatAllIsWell, SILENT, "silent, and it was pinged: it answered None where Unavailable"),
    (broken.TellsItsSecret, "its_secrets_stay_its_own", "a secret of the backend's is in what it tells: .*hunt…"),
    (broken.CanNotBeClosedTwice, "it_can_be_closed_twice", "closing it a second time raised RuntimeError"),
]


@pytest.mark.parametrize(("kind", "test", "words"), BROKEN, ids=[f"{kind.__name__}-{test}" for kind, test, _ in BROKEN])
def test_what_is_broken_is_told_in_words(
    kind: type[Sound], test: str, words: str, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    if words.endswith("no answer after 2 s"):
        monkeypatch.setattr(expecting, "_PATIENCE", 2.0)
    bites(QueueContract, test, bench_of(kind), words, request)


def test_each_broken_queue_is_among_them() -> None:
    assert all_broken(broken, [Sound]) == {kind for kind, _, _ in BROKEN}

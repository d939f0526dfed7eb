"""The contract bites: each bus that is wrong fails it, and is told what it did wrong."""

from __future__ import annotations

import pytest

from dinnerkit.testing import BusBench, BusContract
from tests.teeth import broken_buses as broken
from tests.teeth.biting import all_broken, bites
from tests.teeth.broken_buses import Sound, bench_of


class TestTheSoundOne(BusContract):
    @pytest.fixture
    def bench(self) -> BusBench:
        return bench_of(Sound)


BROKEN = [
    (broken.HearsEverything, "news_reach_those_who_listen_to_their_topic_and_nobody_else", "hears what it does not listen to"),
    (broken.Reorders, "news_are_heard_once_in_the_order_in_which_they_were_published", "in another order than that in which"),
    (broken.TellsTwice, "news_are_heard_once_in_the_order_in_which_they_were_published", r"heard twice: \[7\]"),
    (broken.LosesSome, "news_are_heard_once_in_the_order_in_which_they_were_published", "of 300 news 299 were heard"),
    (
        broken.LosesWhatComesAtOnce,
        "several_publishers_lose_nothing_and_keep_their_orders",
        r"of 100 news of one among 4 publishers \d+",
    ),
    (broken.TellsOfThePast, "whoever_listens_hears_from_then_on_and_nothing_of_before", "heard what was published before it"),
    (broken.ListensLate, "whoever_listens_hears_from_then_on_and_nothing_of_before", "was not heard within"),
    (broken.ListensToNobody, "topics_can_be_added_and_dropped", "was not heard within 0.5 s, and nothing said that it was missed"),
    (broken.NeverDrops, "topics_can_be_added_and_dropped", "still hears a topic that was dropped"),
    (broken.LosesInSilence, "who_is_too_slow_is_told_that_they_missed_news", "lost to a slow listener, and no MISSED told it"),
    (broken.SleepsOn, "a_listener_can_be_woken", "a listener that was woken slept on"),
    (broken.SharesTheObject, "news_are_copies_and_json", "it heard .*changed"),
    (broken.MakesTextOfEverything, "news_are_copies_and_json", "it heard .*'None'"),
    (
        broken.TakesAnything,
        "what_is_no_news_is_refused[a long body]",
        "a long body were published: it answered None",
    ),
    (
        broken.TakesAnything,
        "what_is_no_news_is_refused[an object]",
        "an object were published: it answered None",
    ),
    (broken.TalksOnWhenClosed, "when_closed_it_is_silent", "a closed bus told"),
    (broken.RaisesWhenClosed, "when_closed_it_is_silent", "publishing on a closed bus raised RuntimeError"),
    (broken.DropsWhatWaitsWhenItCloses, "news_go_from_one_who_opened_it_to_another", "was not heard within"),
    (broken.HearsOnlyItself, "news_go_from_one_who_opened_it_to_another", "was not heard within"),
    (broken.SaysNothingOfAnInterruption, "whose_connection_broke_is_told_that_they_may_have_missed_news", "was not heard within"),
    (broken.RaisesWithoutItsService, "without_its_service_nobody_waits_and_listeners_know[closed]", "publishing raised Unavailable"),
    (broken.WaitsForItsService, "without_its_service_nobody_waits_and_listeners_know[silent]", "silent, and publishing waited for it"),
    (broken.SaysThatAllIsWell, "without_its_service_nobody_waits_and_listeners_know[rude]", "pinged: it answered None where Unavailable"),
    (broken.TellsItsSecret, "its_secrets_stay_its_own", "a secret of the backend's is in what it tells: .*hunt…"),
]


@pytest.mark.parametrize(("kind", "test", "words"), BROKEN, ids=[f"{kind.__name__}-{test}" for kind, test, _ in BROKEN])
def test_what_is_broken_is_told_in_words(kind: type[Sound], test: str, words: str, request: pytest.FixtureRequest) -> None:
    bites(BusContract, test, bench_of(kind), words, request)


def test_each_broken_bus_is_among_them() -> None:
    assert all_broken(broken, [Sound]) == {kind for kind, _, _ in BROKEN}

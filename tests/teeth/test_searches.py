"""The contract bites: each search backend that is wrong fails it, and is told what it did wrong."""

from __future__ import annotations

import inspect

import pytest

from dinnerkit.ids import new_id
from dinnerkit.testing import SearchBench, SearchContract
from dinnerkit.testing.expecting import ContractBroken
from tests.teeth import broken_searches as broken
from tests.teeth.biting import all_broken, bites
from tests.teeth.broken_searches import Sound, bench_of


class TestTheSoundOne(SearchContract):
    @pytest.fixture
    def bench(self) -> SearchBench:
        return bench_of(Sound, new_id())


WORDS = "words_are_found_without_case_and_accents_and_by_their_beginning"
SILENT = "without_an_answer_it_says_so_at_once[silent]"
BROKEN = [
    (broken.TakesWhatComesLast, "an_older_version_changes_nothing", "version 2, which came after version 3, has replaced it"),
    (broken.LooksAndThenPuts, "the_highest_version_wins_whoever_writes_at_the_same_time", r"put at once, it is found by \[\d\]: a newer"),
    (broken.DropsTheOthersToo, "an_older_version_changes_nothing", "put beside a stale one was lost"),
    (broken.KeepsEachVersion, "a_change_replaces_what_was", "still found by the title that it had"),
    (broken.ForgetsItsRemovals, "what_is_removed_stays_away", "removed is back, by an older version that came late"),
    (broken.RemovesWhateverIsThere, "a_stale_removal_removes_nothing", "a removal at version 2 has removed version 3"),
    (broken.ForgetsOverARestart, "nothing_is_lost_over_a_restart", r"after a restart \[\] is found of \['one'\]"),
    (broken.MindsAccents, f"{WORDS}[MÜN]", "'MÜN' does not find"),
    (broken.WholeWordsOnly, f"{WORDS}[semmel]", "'semmel' does not find 'Semmelknödel"),
    (broken.AnyWordWillDo, "all_words_must_be_there[semmel thai]", "which does not have all of its words"),
    (broken.TakesTextForAPattern, "no_character_is_an_operator[.*]", "a character was taken for an operator"),
    (broken.ForgivesNothing, "a_slip_of_the_pen_is_forgiven[nodles]", r"'nodles' finds \[\] where 'Noodles' is one slip away"),
    (broken.LooselyFiltered, "each_filter_lets_through_what_meets_it_and_nothing_else", "asked for a part of a city's name, it finds"),
    (broken.RepeatsItselfOnPages, "each_order_is_kept_over_all_pages", "on more than one page"),
    (broken.CountsThePage, "the_counts_are_of_all_that_is_found", "asked for everything, it counts .* by city where"),
    (broken.FlatEarth, "what_is_near_is_found_with_its_distance", "within 150 km of Vienna it finds"),
    (broken.SuggestsTheDead, "nothing_is_suggested_that_is_not_there_any_more", "that (was removed|an event had).* is still suggested"),
    (broken.SuggestsEachAgain, "what_begins_so_is_suggested_once[swi]", "the same more than once"),
    (broken.EmptiesBeforeItRebuilds, "meanwhile_nothing_is_missing_and_nothing_is_lost", r"up to \d+ of 36 entries were not found"),
    (broken.LosesWhatComesMeanwhile, "meanwhile_nothing_is_missing_and_nothing_is_lost", "put during the rebuild is lost"),
    (broken.SwallowsFailures, SILENT, "it was asked for a word: it answered Found.* where Unavailable is due"),
    (broken.MakesReadersWait, SILENT, r"it took \d+\.\d+ s to fail when it was asked for a word"),
    (broken.TakesAnyNumber, "what_is_too_much_or_makes_no_sense_is_refused", "asked for a page of 0: it answered"),
    (broken.OnePlaceForAll, "other_places_share_nothing", r"here is found \['two'\]"),
    (broken.TellsItsSecret, "its_secrets_stay_its_own", "a secret of the backend's is in what it tells: .*hunt…"),
    (broken.CanNotBeClosedTwice, "it_can_be_closed_twice", "closing it a second time raised RuntimeError"),
]


@pytest.mark.parametrize(("kind", "test", "words"), BROKEN, ids=[f"{kind.__name__}-{test}" for kind, test, _ in BROKEN])
def test_what_is_broken_is_told_in_words(kind: type[Sound], test: str, words: str, request: pytest.FixtureRequest) -> None:
    name, _, case = test.partition("[")
    method = getattr(SearchContract(), f"test_{name}")
    if not {"text", "typed"} & set(inspect.signature(method).parameters):
        bites(SearchContract, test, bench_of(kind, new_id()), words, request)
        return
    cases = [mark.args for mark in method.pytestmark if mark.name == "parametrize"]
    (parameters,) = [values for _, values in cases]
    given = next(value for value in parameters if (value if isinstance(value, str) else value[0]) == case.removesuffix("]"))
    with pytest.raises(ContractBroken, match=words):
        method(bench_of(kind, new_id()), *([given] if isinstance(given, str) else given))


def test_each_broken_search_is_among_them() -> None:
    assert all_broken(broken, [Sound]) == {kind for kind, _, _ in BROKEN}

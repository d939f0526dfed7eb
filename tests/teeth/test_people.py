"""The contract bites: each search that is wrong about people fails it, and is told what it did wrong."""

from __future__ import annotations

import pytest

from dinnerkit.ids import new_id
from dinnerkit.testing import SearchBench, SearchContract
from dinnerkit.testing.search.people import AmongPeople
from tests.teeth import broken_people as broken
from tests.teeth.biting import all_broken, bites
from tests.teeth.broken_people import SoundAboutPeople
from tests.teeth.broken_searches import Sound, bench_of


class TestTheSoundOne(AmongPeople):
    @pytest.fixture
    def bench(self) -> SearchBench:
        return bench_of(SoundAboutPeople, new_id())


NEAREST = "the_nearest_people_are_found"
CONSENT = "who_takes_the_consent_back_is_found_no_more"
REBUILT = "rebuilt_it_has_those_people_who_were_given"
SILENT = "without_an_answer_about_people_it_says_so_at_once[silent]"
BROKEN = [
    (broken.FindsWhoeverIsThere, NEAREST, r"within \.18 of p0, .* it finds \['p0', 'p1', 'p2', 'p3', 'p4'"),
    (broken.FindsTheFirst, NEAREST, r"asked for the 3 nearest of p0 to p9, it finds \['p7'"),
    (broken.TakesWhatComesLast, "of_a_person_the_newest_version_counts", "found where they were before: an older version has come late"),
    (broken.ForgetsWhoTookItBack, CONSENT, "who took the consent back is found again, by what was written before"),
    (broken.RemovesForGood, CONSENT, "who has agreed anew is not found"),
    (broken.RemovesWhoeverIsThere, CONSENT, "not found, since an older removal has come late"),
    (broken.MixesThemWithEvents, "people_are_apart_from_events", "with a person an event of the same id has gone"),
    (broken.BringsThemBackByARebuild, REBUILT, "took the consent back before or during the rebuild is back"),
    (broken.LosesWhoComesMeanwhile, REBUILT, r"'fresh', who came meanwhile, .* found are \['two'\]"),
    (broken.KeepsWhoIsLeftOver, REBUILT, "who was not among those given is found after the rebuild"),
    (broken.TakesAnyNumber, "too_many_people_or_traits_are_refused", "asked for too many people: it answered"),
    (broken.OneCrowdForAll, "other_places_share_no_people", r"here is found \['here', 'there'\]"),
    (broken.SaysThatNobodyIsAlike, SILENT, r"asked for people: it answered \[\] where Unavailable is due"),
    (broken.MakesReadersWait, SILENT, r"it took \d+\.\d+ s to fail when it was asked for people"),
]


@pytest.mark.parametrize(("kind", "test", "words"), BROKEN, ids=[f"{kind.__name__}-{test}" for kind, test, _ in BROKEN])
def test_what_is_broken_is_told_in_words(kind: type[Sound], test: str, words: str, request: pytest.FixtureRequest) -> None:
    bites(SearchContract, test, bench_of(kind, new_id()), words, request)


def test_each_broken_search_is_among_them() -> None:
    assert all_broken(broken, [Sound, SoundAboutPeople]) == {kind for kind, _, _ in BROKEN}

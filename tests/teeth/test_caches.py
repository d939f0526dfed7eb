"""The contract bites: each cache that is wrong fails it, and is told what it did wrong."""

from __future__ import annotations

import pytest

from dinnerkit.testing import CacheBench, CacheContract
from tests.teeth import broken_caches as broken
from tests.teeth.biting import all_broken, bites
from tests.teeth.broken_caches import Sound, bench_of


class TestTheSoundOne(CacheContract):
    @pytest.fixture
    def bench(self) -> CacheBench:
        return bench_of(Sound)


SILENT = "without_its_service_it_raises_soon[silent]"
BROKEN = [
    (broken.TakesFalseForNothing, "what_was_set_comes_back_as_it_was[no]", "where False was set, it gives None"),
    (broken.MakesTextOfBytes, "what_was_set_comes_back_as_it_was[bytes]", r"where b'.*' was set, it gives '"),
    (broken.TakesAnything, "what_is_no_value_is_refused", "an object that JSON can't say was set: it answered False where TypeError"),
    (broken.KeepsTheFirst, "the_last_that_was_set_counts", "after each of 3 keys was set to something new, they give .*old"),
    (broken.SimplifiesKeys, "keys_that_look_alike_are_different", "keys that look alike share a value"),
    (broken.CutsKeys, "keys_that_look_alike_are_different", "keys that look alike share a value"),
    (broken.SharesTheObject, "what_it_gives_is_a_copy", "after it was set changed the cache"),
    (broken.DeletesNothing, "what_is_deleted_is_gone", "after it was deleted, a key still gives 'a'"),
    (broken.DeletesTooMuch, "what_is_deleted_is_gone", "another key was deleted too"),
    (broken.IgnoresTimeouts, "past_its_timeout_nothing_is_given", r"set for 1 s is given after \d+\.\d s"),
    (broken.ClearsTheWholeStore, "clearing_forgets_all_that_is_its_own", "has cleared a cache beside it too"),
    (broken.LeaksBetweenNeighbours, "clearing_forgets_all_that_is_its_own", "a cache beside it sees its values"),
    (broken.ClearsNothing, "clearing_forgets_all_that_is_its_own", "after it was cleared it gives"),
    (broken.IsGivenWhatOthersDeleted, "all_who_opened_it_see_the_same", "what one process deleted another still gives: 'a'"),
    (broken.SeesOnlyItsOwn, "all_who_opened_it_see_the_same", "what one process set another does not see"),
    (broken.WritesInTwoSteps, "values_are_whole_whoever_writes_at_the_same_time", "it gave what nobody had set"),
    (broken.LooksBeforeItClaims, "of_all_who_claim_at_once_one_gets_it", r"of 6 who claimed a key at once \d got it"),
    (broken.GivesAwayWhatIsTaken, "a_claim_holds_for_its_time", "a key that was taken was given to another"),
    (broken.KeepsClaimsForEver, "a_claim_holds_for_its_time", r"a claim for 1 s is not free after \d+\.\d s"),
    (broken.RoundsClaimsDown, "a_claim_holds_for_its_time", r"a claim for 1 s was given to another after \d+\.\d s"),
    (broken.ClaimsWithoutAValue, "a_claim_holds_for_its_time", "a claim with a value gives b''"),
    (broken.SwallowsErrors, SILENT, "silent, and it was asked for a value: it answered None where Exception"),
    (broken.MakesRequestsWait, SILENT, r"silent, and it took \d+\.\d+ s to fail when it was asked for a value"),
    (broken.TellsItsSecret, "its_secrets_stay_its_own", "a secret of the backend's is in what it tells: .*hunt…"),
]


@pytest.mark.parametrize(("kind", "test", "words"), BROKEN, ids=[f"{kind.__name__}-{test}" for kind, test, _ in BROKEN])
def test_what_is_broken_is_told_in_words(kind: type[Sound], test: str, words: str, request: pytest.FixtureRequest) -> None:
    bites(CacheContract, test, bench_of(kind), words, request)


def test_each_broken_cache_is_among_them() -> None:
    assert all_broken(broken, [Sound]) == {kind for kind, _, _ in BROKEN}

"""The contract bites: each limiter storage that is wrong fails it, and is told what it did wrong."""

from __future__ import annotations

import pytest

from dinnerkit.ids import new_id
from dinnerkit.testing import LimiterBench, LimiterContract
from tests.teeth import broken_limiters as broken
from tests.teeth.biting import all_broken, bites
from tests.teeth.broken_limiters import Sound, bench_of


class TestTheSoundOne(LimiterContract):
    @pytest.fixture
    def bench(self) -> LimiterBench:
        return bench_of(Sound, new_id())


SHARES = "a_lease_takes_a_share_of_what_is_free_and_what_is_needed_in_any_case"
SILENT = "without_its_service_a_hit_fails_soon_and_by_an_error_of_its_own[silent]"
BROKEN = [
    (broken.LetsOneTooMany, "as_many_as_the_limit_come_through_and_no_more", "of 8 hits where 5 are allowed it let 6 through"),
    (broken.CountsWhatItRefuses, "as_many_as_the_limit_come_through_and_no_more", "what was refused was counted as if it had come through"),
    (broken.OneWindowForAll, "each_caller_and_each_limit_has_a_window_of_its_own", "one caller was refused for what another had done"),
    (broken.LooksAndThenCounts, "hits_at_the_same_time_are_counted_each", r"of 80 hits at once, where 40 are allowed, it let \d+ through"),
    (broken.CountsForItself, "all_who_opened_it_count_together", "of 4 hits in two processes, where 3 are allowed, it let 4"),
    (broken.FixedWindows, "no_second_has_more_than_the_limit_of_a_second", r"5 hits came through within 0\.\d+ s, where 4 a second"),
    (broken.TellsTheWrongTime, "it_tells_when_to_come_back", r"is told to come back in -\d+ s"),
    (broken.TakesWhatIsLeft, "more_at_once_than_is_left_is_refused_whole", "refused a hit that costs less than is left"),
    (broken.ForgetsAll, "a_caller_can_be_forgotten", "another was forgotten with the caller"),
    (broken.LetsAllThroughWithoutItsService, SILENT, "silent, and it was asked for a hit: it answered True where OSError"),
    (broken.MakesRequestsWait, SILENT, r"silent, and it took \d+\.\d+ s to fail when it was asked for a hit; a request waits"),
    (broken.SaysThatAllIsWell, SILENT, r"silent, and check\(\) says True"),
    (broken.LeasesAllThatIsFree, SHARES, r"an 8th and at most 3, then 100, are \[3, 97\] and not \[3, 12\]"),
    (broken.LeasesNoMoreThanAShare, SHARES, "where 85 are free and 50 needed, it gave 10"),
    (broken.LeasesElsewhere, "what_is_leased_is_counted_in_the_window_of_its_key", "of 100 hits 60 are leased, and 100 left"),
    (broken.TakesBackTwice, "what_is_given_back_is_free_again_and_only_once", "given back already was dropped again: 7 count"),
    (broken.LooksAndThenLeases, "no_two_are_leased_the_same_hits", r"of 160 hits, leased at once where 100 are allowed, it gave \d+"),
    (broken.LeasesWithoutItsService, SILENT, "silent, and it was asked for a lease: it answered Lease.* where OSError"),
    (broken.TellsItsSecret, "its_secrets_stay_its_own", "a secret of the backend's is in what it tells: .*hunt…"),
    (broken.CanNotBeClosedTwice, "it_can_be_closed_twice", "closing it a second time raised RuntimeError"),
]


@pytest.mark.parametrize(("kind", "test", "words"), BROKEN, ids=[f"{kind.__name__}-{test}" for kind, test, _ in BROKEN])
def test_what_is_broken_is_told_in_words(kind: type[Sound], test: str, words: str, request: pytest.FixtureRequest) -> None:
    bites(LimiterContract, test, bench_of(kind, new_id()), words, request)


def test_each_broken_limiter_is_among_them() -> None:
    assert all_broken(broken, [Sound]) == {kind for kind, _, _ in BROKEN}

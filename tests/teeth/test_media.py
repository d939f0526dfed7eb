"""The contract bites: each store of media that is wrong fails it, and is told what it did wrong."""

from __future__ import annotations

import pytest

from dinnerkit.testing import MediaBench, MediaContract
from tests.teeth import broken_media as broken
from tests.teeth.biting import all_broken, bites
from tests.teeth.broken_media import Sound, bench_of


class TestTheSoundOne(MediaContract):
    @pytest.fixture
    def bench(self) -> MediaBench:
        return bench_of(Sound)


WHOLE = "a_medium_comes_back_whole_and_as_what_it_was"
TYPE = "its_type_stays_with_it"
DELETED = "what_is_deleted_is_gone_for_all"
REPLACED = "whoever_reads_while_it_is_replaced_reads_one_or_the_other"
LISTED = "all_are_listed_once_in_order_page_by_page"
APART = "stores_beside_each_other_are_apart"
SILENT = "without_its_service_it_raises_soon[silent]"
BROKEN = [
    (broken.ThinksInText, f"{WHOLE}[bytes that are no text]", r"put says that 2304 bytes are \d+"),
    (broken.CutsWhatIsLarge, f"{WHOLE}[largest]", "put says that 33554432 bytes are 16777216"),
    (broken.ForgetsTheType, TYPE, "what was put as 'image/jpeg' is 'application/octet-stream'"),
    (broken.GuessesTheType, TYPE, "what was put as 'image/webp' is 'text/html'"),
    (broken.KeepsTheFirstType, TYPE, "what was put as 'application/octet-stream' is 'image/jpeg'"),
    (broken.MixesUpKeys, "each_key_has_its_own", "a key was given another's medium"),
    (broken.RemembersWhatItRead, "what_is_put_in_its_place_is_there_for_all", "where 9 bytes that begin with b'anoth'.* it gives"),
    (broken.HasTheEtagOfTheSize, "what_is_put_in_its_place_is_there_for_all", "other bytes have the same etag: '9'"),
    (broken.QuotesItsEtag, f"{WHOLE}[one byte]", "an etag that can't stand in a header"),
    (broken.GivesWhatIsDeleted, DELETED, "after it was deleted get still gives a medium"),
    (broken.DeletesAllThatBeginsSo, DELETED, "a medium of 1 bytes that was put is not there"),
    (broken.ForgetsOnRestart, "a_restart_loses_nothing", "a medium of 1 bytes that was put is not there"),
    (broken.ServesHalfAWrite, REPLACED, "a reader got half of it, or a mixture"),
    (broken.HasTypesApart, REPLACED, "a reader got half of it, or a mixture"),
    (broken.DeletesBeforeItWrites, REPLACED, "while a medium was replaced there was none at all"),
    (broken.LosesWritesAtOnce, "what_many_put_at_the_same_time_is_all_there", r"of 60 media .* at the same time \d+ are lost"),
    (broken.TidiesUpUnderOthers, "who_deletes_beside_others_takes_nothing_of_theirs", "gone because somebody deleted another one"),
    (broken.HasNoLimit, "what_is_too_large_or_empty_is_refused", "of 33554433 bytes: it answered .* where TooLarge is due"),
    (broken.TakesAnyType, "what_is_too_large_or_empty_is_refused", "with the content type .* where Invalid is due"),
    (broken.WritesBeforeItLooks, "what_is_too_large_or_empty_is_refused", "where 1 bytes that begin with b'a'.* it gives 33554432"),
    (broken.GoesUp, "what_is_no_key_is_refused[up]", r"get was given a key that is none \(up\): it answered None"),
    (broken.ListsWhatLiesAbove, "what_is_no_key_is_refused[up]", r"listed was given a prefix that is none \(up\): it answered"),
    (broken.LeaksBetweenApps, APART, "another app in the same store is given our medium"),
    (broken.ListsTheNeighboursToo, APART, "another app in the same store is shown our medium in its list"),
    (broken.DeletesTheNeighboursToo, APART, "a medium of 4 bytes that was put is not there"),
    (broken.ListsTheFirstPageAlone, LISTED, "of the keys .* it lists"),
    (broken.NeverComesToTheEnd, LISTED, "page after page of the list says the same"),
    (broken.KnowsNoMoment, LISTED, "that was stored a moment ago is said to have been so at"),
    (broken.SaysThatThereIsNothing, SILENT, "silent, and it was asked for a medium: it answered None where Unavailable"),
    (broken.SwallowsErrors, SILENT, "silent, and it was told to delete one: it answered None where Unavailable"),
    (broken.MakesOthersWait, SILENT, r"silent, and it took \d+\.\d+ s to fail when it was asked for a medium"),
    (broken.TellsWhatIsInIt, "its_errors_tell_nothing_of_what_is_in_a_medium", "a secret of the backend's is in what it tells"),
    (broken.TellsItsSecret, "its_secrets_stay_its_own", "a secret of the backend's is in what it tells: .*hunt…"),
    (broken.CanNotBeClosedTwice, "it_can_be_closed_twice", "closing it a second time raised RuntimeError"),
]


@pytest.mark.parametrize(("kind", "test", "words"), BROKEN, ids=[f"{kind.__name__}-{test}" for kind, test, _ in BROKEN])
def test_what_is_broken_is_told_in_words(kind: type[Sound], test: str, words: str, request: pytest.FixtureRequest) -> None:
    bites(MediaContract, test, bench_of(kind), words, request)


def test_each_broken_store_is_among_them() -> None:
    assert all_broken(broken, [Sound, broken.WritesInTwoSteps]) == {kind for kind, _, _ in BROKEN}

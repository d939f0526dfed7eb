"""The contract bites: each store of sessions that is wrong fails it, and is told what it did wrong."""

from __future__ import annotations

import pytest

from dinnerkit.testing import SessionBench, SessionContract
from tests.teeth import broken_sessions as broken
from tests.teeth.biting import all_broken, bites
from tests.teeth.broken_sessions import Sound, bench_of


class TestTheSoundOne(SessionContract):
    @pytest.fixture
    def bench(self) -> SessionBench:
        return bench_of(Sound)


WHOLE = "a_session_comes_back_as_it_was_with_the_time_that_is_left"
SILENT = "without_its_service_it_raises_soon[silent]"
BROKEN = [
    (broken.ThinksInText, f"{WHOLE}[bytes that are no text]", r"where b'.*' was put, it gives"),
    (broken.CutsWhatIsLong, f"{WHOLE}[longest]", r"where b'.*' was put, it gives"),
    (
        broken.GivesAnothersSession,
        "each_browser_gets_its_own",
        "given another's session: b'session f' under the key of '0'",
    ),
    (broken.EndsNothing, "a_session_that_has_ended_is_gone", "after it was ended a session is still given"),
    (broken.EndsAll, "a_session_that_has_ended_is_gone", "a session of 1 bytes that was opened for 600 s is not there"),
    (broken.BringsBackWhatHasEnded, "a_session_that_has_ended_is_gone", "prolonging a session that was ended has brought it back"),
    (broken.IgnoresExpiry, "past_its_time_a_session_is_not_given", r"opened for 1 s is given after \d+\.\d s"),
    (broken.WaitsForTheSweeper, "past_its_time_a_session_is_not_given", r"opened for 1 s is given after \d+\.\d s"),
    (broken.RevivesWhatIsOver, "past_its_time_a_session_is_not_given", "to prolong a session that is over answered that there is one"),
    (broken.ForgetsToProlong, "who_uses_a_session_keeps_it", "prolonged by 600 s was over after 1 s"),
    (broken.RemembersForItself, "all_who_opened_the_store_see_the_same", "that one process has ended another still gives"),
    (broken.ForgetsOnRestart, "a_restart_signs_nobody_out", "after all who had opened it were closed, a session is forgotten"),
    (broken.LeaksBetweenApps, "apps_beside_each_other_are_apart", "another app in the same store is given our session"),
    (broken.EndsTheNeighboursToo, "apps_beside_each_other_are_apart", "another app in the same store has ended our session"),
    (broken.LosesWritesAtOnce, "what_many_open_at_the_same_time_is_all_there", r"of 120 sessions .* at the same time \d+ are lost"),
    (broken.WritesBackWhatItRead, "who_signs_out_while_a_page_prolongs_is_out", "ended while pages prolonged it lives on"),
    (broken.SignsOutWithoutItsService, SILENT, "silent, and it was asked for a session: it answered None where Unavailable"),
    (broken.SwallowsErrors, SILENT, "silent, and it was told to end one: it answered None where Unavailable"),
    (broken.MakesRequestsWait, SILENT, r"silent, and it took \d+\.\d+ s to fail when it was asked for a session"),
    (broken.TellsTheKey, "its_errors_name_no_session", "a secret of the backend's is in what it tells"),
    (broken.TellsItsSecret, "its_secrets_stay_its_own", "a secret of the backend's is in what it tells: .*hunt…"),
    (broken.CanNotBeClosedTwice, "it_can_be_closed_twice", "closing it a second time raised RuntimeError"),
]


@pytest.mark.parametrize(("kind", "test", "words"), BROKEN, ids=[f"{kind.__name__}-{test}" for kind, test, _ in BROKEN])
def test_what_is_broken_is_told_in_words(kind: type[Sound], test: str, words: str, request: pytest.FixtureRequest) -> None:
    bites(SessionContract, test, bench_of(kind), words, request)


def test_each_broken_store_is_among_them() -> None:
    assert all_broken(broken, [Sound]) == {kind for kind, _, _ in BROKEN}

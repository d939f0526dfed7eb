"""The contract bites: each captcha that is wrong fails it, and is told what it did wrong."""

from __future__ import annotations

import pytest

from dinnerkit.testing import CaptchaBench, CaptchaContract
from tests.teeth import broken_captchas as broken
from tests.teeth.biting import all_broken, bites
from tests.teeth.broken_captchas import Sound, bench_of


class TestTheSoundOne(CaptchaContract):
    @pytest.fixture
    def bench(self) -> CaptchaBench:
        return bench_of(Sound)


ONCE = "who_answers_passes_and_once"
SILENT = "without_its_service_it_raises_soon[silent]"
TAMPERED = "an_answer_that_was_tampered_with_is_none"
BROKEN = [
    (broken.TakesUsedAnswers, ONCE, "an answer that was used has passed"),
    (
        broken.RemembersForItself,
        "an_answer_that_one_process_has_seen_is_used_for_all",
        "an answer that another process has seen has passed",
    ),
    (broken.ForgetsOnRestart, "a_restart_makes_no_answer_new", "an answer that was used before a restart has passed"),
    (broken.LooksAndThenRemembers, "of_many_who_show_one_answer_at_once_one_passes", r"shown 8 times at once, and passed \d times"),
    (broken.MixesUpWhoIsThere, "many_who_answer_at_once_all_pass", r"of 8 right answers that came at once \d did not pass"),
    (broken.IgnoresExpiry, "an_answer_that_comes_too_late_is_over", "an answer whose time is over has passed"),
    (broken.StopsForEver, "an_answer_that_comes_too_late_is_over", "the right answer to what was asked later did not pass"),
    (broken.IgnoresTheAction, "an_answer_for_something_else_is_none", "made to sign in, shown to register, has passed"),
    (broken.TakesAnotherSites, "another_sites_answer_is_none", "made at another site has passed"),
    (broken.LooksAtNoSignature, TAMPERED, "the beginning of an answer is no answer, and the verdict was <Verdict.PASSED"),
    (broken.TakesAnythingLong, "rubbish_is_no_answer[much]", "much is no answer, and the verdict was <Verdict.PASSED"),
    (broken.ChokesOnRubbish, "rubbish_is_no_answer[no ASCII]", "raised UnicodeEncodeError as if the service were away"),
    (broken.CallsRubbishAnOutage, "rubbish_is_no_answer[a null]", "a null was no answer, and raised Unavailable as if"),
    (broken.UsesUpWhatItRefuses, TAMPERED, "the right answer, after others had shown what they made of it, did not pass"),
    (broken.LetsAllInWithoutItsService, SILENT, "shown an answer: it answered <Verdict.PASSED.*where Unavailable is due"),
    (broken.KeepsAllOutWithoutItsService, SILENT, "shown an answer: it answered <Verdict.FAILED.*where Unavailable is due"),
    (
        broken.BlamesVisitorsForItsSecret,
        "a_secret_that_the_service_does_not_know_is_an_outage",
        "shown an answer: it answered <Verdict.FAILED",
    ),
    (broken.PingsWithoutItsSecret, "a_secret_that_the_service_does_not_know_is_an_outage", "pinged: it answered None where Unavailable"),
    (broken.MakesPeopleWait, SILENT, r"silent, and it took \d+\.\d+ s to fail when it was shown an answer"),
    (broken.WaitsForDrops, "without_its_service_it_raises_soon[slow]", r"slow, and it took \d+\.\d+ s to fail when it was shown an answer"),
    (broken.TellsTheAnswer, "its_errors_name_nobody", "a secret of the backend's is in what it tells"),
    (broken.TellsTheAddress, "its_errors_name_nobody", r"a secret of the backend's is in what it tells: .*203\.…"),
    (broken.HasNoModule, "a_page_can_ask", r"its module does not export ask\(\)"),
    (broken.AsksNothing, "a_page_can_ask", "it asks nothing of whoever registers"),
    (broken.GivesNoJson, "a_page_can_ask", "what its module is told is no JSON"),
    (broken.LetsAnyScriptIn, "a_page_can_ask", "its form wants script-src to let in 'unsafe-inline'"),
    (broken.ChangesWhereFormsGo, "a_page_can_ask", "its form wants to change form-action"),
    (broken.ShowsItsSecret, "its_secrets_stay_its_own", "a secret of the backend's is in what it tells: .*hunt…"),
    (broken.TellsItsSecret, "its_secrets_stay_its_own", "a secret of the backend's is in what it tells: .*hunt…"),
    (broken.CanNotBeClosedTwice, "it_can_be_closed_twice", "closing it a second time raised RuntimeError"),
]


@pytest.mark.parametrize(("kind", "test", "words"), BROKEN, ids=[f"{kind.__name__}-{test}" for kind, test, _ in BROKEN])
def test_what_is_broken_is_told_in_words(kind: type[Sound], test: str, words: str, request: pytest.FixtureRequest) -> None:
    bites(CaptchaContract, test, bench_of(kind), words, request)


def test_each_broken_captcha_is_among_them() -> None:
    assert all_broken(broken, [Sound]) == {kind for kind, _, _ in BROKEN}

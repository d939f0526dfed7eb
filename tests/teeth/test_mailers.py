"""The contract bites: each mailer that is wrong fails it, and is told what it did wrong."""

from __future__ import annotations

import pytest

from dinnerkit.testing import MailerBench, MailerContract
from tests.teeth import broken_mailers as broken
from tests.teeth.biting import all_broken, bites
from tests.teeth.broken_mailers import Sound, bench_of


class TestTheSoundOne(MailerContract):
    @pytest.fixture
    def bench(self) -> MailerBench:
        return bench_of(Sound)


WHOLE = "a_mail_arrives_whole_and_is_there_once_it_was_sent"
AT_ONCE = "mails_at_the_same_time_do_not_get_mixed_up"
SILENT = "without_its_service_it_raises_soon[silent]"
BROKEN = [
    (broken.ThinksInAscii, WHOLE, r"its Subject was 'Ein Plätzchen .*', and arrives as 'Ein Pl\?tzchen"),
    (broken.ManglesLinesThatBeginWithFrom, WHOLE, "its plain text has changed on the way: where 'From here on.*' was it has '>From"),
    (broken.EndsAtALoneDot, WHOLE, r"its plain text has changed on the way: where '\.\\n\.\. a line .*' was it has ''"),
    (broken.ForgetsAttachments, WHOLE, r"of what was attached \(2048 bytes\) there arrives \[\]"),
    (broken.SendsLater, WHOLE, "has not arrived when sending it has returned"),
    (broken.ForgetsOnRestart, "what_was_sent_outlives_who_sent_it", "has not arrived when sending it has returned"),
    (broken.GivesAnotherMessageId, WHOLE, "or has another Message-ID"),
    (broken.ChangesTheMail, "a_repeated_mail_is_known_by_its_message_id", "sending a mail has changed the mail that it was given"),
    (broken.LosesMailsAtOnce, AT_ONCE, r"of 30 mails that were sent at the same time \d+ did not arrive"),
    (broken.MixesUpMailsAtOnce, AT_ONCE, r"of 30 mails that were sent at the same time \d+ have the words of another"),
    (broken.SwallowsErrors, SILENT, "silent, and it was given a mail: it answered None where Unavailable"),
    (broken.RaisesAnythingElse, SILENT, r"silent, and it was given a mail: it raised RuntimeError"),
    (broken.MakesWorkersWait, SILENT, r"silent, and it took \d+\.\d+ s to fail when it was given a mail"),
    (broken.TellsWhoItIsTo, "its_errors_tell_nobody_what_was_in_the_mail", "is in what it tells: .*ada\\.…"),
    (broken.TellsItsSecret, "its_secrets_stay_its_own", "a secret of the backend's is in what it tells: .*hunt…"),
    (broken.CanNotBeClosedTwice, "it_can_be_closed_twice", "closing it a second time raised RuntimeError"),
]


@pytest.mark.parametrize(("kind", "test", "words"), BROKEN, ids=[f"{kind.__name__}-{test}" for kind, test, _ in BROKEN])
def test_what_is_broken_is_told_in_words(kind: type[Sound], test: str, words: str, request: pytest.FixtureRequest) -> None:
    bites(MailerContract, test, bench_of(kind), words, request)


def test_each_broken_mailer_is_among_them() -> None:
    assert all_broken(broken, [Sound, broken.WritesAnew]) == {kind for kind, _, _ in BROKEN}

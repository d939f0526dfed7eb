"""What every captcha must do, as tests: subclass :class:`CaptchaContract`, give one fixture, and run pytest.

from dinnerkit.testing import CaptchaBench, CaptchaContract

class TestOurCaptcha(CaptchaContract):
    @pytest.fixture
    def bench(self, service):
        return CaptchaBench(open=lambda: open_captcha("ours://site-key?secret=…"), solve=lambda form: service.solve(form.settings))
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from functools import partial

import pytest

from dinnerkit.errors import Unavailable
from dinnerkit.ports.captcha import LONGEST_ANSWER, BoundToActions, Captcha, CaptchaForm, Verdict
from dinnerkit.testing.away import away, told_of_itself
from dinnerkit.testing.bench import Bench
from dinnerkit.testing.expecting import (
    ContractBroken,
    all_answered,
    at_once,
    closes_twice,
    expect,
    keeps_secrets,
    needed,
    refused_soon,
    told_by,
)

__all__ = ["CaptchaBench", "CaptchaContract", "ContractBroken"]

_ADDRESS = "203.0.113.77"
_DIRECTIVES = frozenset({"script-src", "frame-src", "style-src", "connect-src", "img-src"})
_SOURCE = re.compile(r"https?://(\*\.)?[A-Za-z0-9.-]+(:\d{1,5})?")
_THREADS = 8
_RUBBISH = {
    "a word": "x",
    "a null": "null",
    "a NUL": "\x00",
    "spaces": "   ",
    "no ASCII": "смачно ☕ 🍲",
    "half a surrogate": "\ud800",
    "an empty object": "{}",
    "a list": base64.b64encode(b"[[]]").decode(),
    "another shape": base64.b64encode(b'{"challenge": 1, "solution": []}').decode(),
    "an endless number": base64.b64encode(b'{"challenge": {"parameters": {"cost": 1e999, "expiresAt": 1e999}}}').decode(),
    "deep nesting": "[" * LONGEST_ANSWER,
    "much": "A" * LONGEST_ANSWER,
}


@dataclass(frozen=True, kw_only=True, slots=True)
class CaptchaBench(Bench[Captcha]):
    """What the author of a captcha gives to the tests, beside what :class:`~dinnerkit.testing.bench.Bench` says.

    Attributes:
        solve: what somebody who was asked by this form answers, rightly.
        later: lets so much time pass, for captchas that are open already, that the answers made so far come too late.
        beside: opens the captcha of another site of the same kind: with another site key, or another secret.
        unknown: opens one whose secret the service does not know.
        at_once: seconds within which a call must have failed where the service is silent.
    """

    solve: Callable[[CaptchaForm], str]
    later: Callable[[], None] | None = None
    beside: Callable[[], Captcha] | None = None
    unknown: Callable[[], Captcha] | None = None
    at_once: float = 3.0


class CaptchaContract:
    """The tests that every captcha which asks for something must pass."""

    @pytest.fixture
    def bench(self) -> CaptchaBench:
        """The captcha to be tested: the one fixture that a subclass gives."""
        raise NotImplementedError(f"{type(self).__name__} must define a fixture `bench` that gives a CaptchaBench")

    def test_it_speaks_through_the_port(self, bench: CaptchaBench) -> None:
        """The core knows a captcha by its members."""
        with closing(bench.open()) as captcha:
            expect(isinstance(captcha, Captcha), f"{type(captcha).__name__} lacks a member of dinnerkit.ports.captcha.Captcha")
            captcha.ping()

    def test_a_page_can_ask(self, bench: CaptchaBench) -> None:
        """By a module, what that is told, and what the page must let in."""
        with closing(bench.open()) as captcha:
            form = _form(captcha)
            asks = re.search(r"export\s+(async\s+)?(function\s+ask\b|(const|let)\s+ask\b|\{[^}]*\bask\b)", captcha.module)
            expect(asks, "its module does not export ask(), so that no page can ask")
            expect(re.fullmatch(r"[a-z][a-z0-9-]*", form.kind), f"its form is of the kind {form.kind!r}: a word of small letters is due")
            try:
                json.dumps(dict(form.settings), allow_nan=False)
            except (TypeError, ValueError) as error:
                raise ContractBroken(f"what its module is told is no JSON: {error}") from error
            for directive, origins in form.sources.items():
                expect(directive in _DIRECTIVES, f"its form wants to change {directive}, which is not for it to say")
                wrong = [origin for origin in origins if not _SOURCE.fullmatch(origin)]
                expect(not wrong, f"its form wants {directive} to let in {', '.join(wrong)}")

    def test_who_answers_passes_and_once(self, bench: CaptchaBench) -> None:
        """The second time the answer is worth nothing."""
        with closing(bench.open()) as captcha:
            answer = bench.solve(_form(captcha))
            _expect(captcha, answer, "the right answer")
            _expect_no(captcha, answer, "an answer that was used")

    def test_an_answer_that_one_process_has_seen_is_used_for_all(self, bench: CaptchaBench) -> None:
        """As the processes of a server, which share the work."""
        with closing(bench.open()) as one, closing(bench.open()) as other:
            answer = bench.solve(_form(one))
            _expect(other, answer, "the right answer to what another process has asked")
            _expect_no(one, answer, "an answer that another process has seen")

    def test_a_restart_makes_no_answer_new(self, bench: CaptchaBench) -> None:
        """And asks nobody twice."""
        with closing(bench.open()) as captcha:
            used, unused = bench.solve(_form(captcha)), bench.solve(_form(captcha))
            _expect(captcha, used, "the right answer")
        with closing(bench.open()) as captcha:
            _expect_no(captcha, used, "an answer that was used before a restart")
            _expect(captcha, unused, "an answer to what was asked before a restart")

    def test_of_many_who_show_one_answer_at_once_one_passes(self, bench: CaptchaBench) -> None:
        """Whoever looks first and remembers then lets several in."""
        with closing(bench.open()) as one, closing(bench.open()) as other:
            answer = bench.solve(_form(one))
            calls = [partial(_judge, captcha, answer) for captcha in (one, other) * (_THREADS // 2)]
            verdicts = all_answered(at_once(calls, "verify"), "verify")
            passed = sum(verdict is Verdict.PASSED for verdict in verdicts)
            expect(passed == 1, f"one answer was shown {_THREADS} times at once, and passed {passed} times")

    def test_many_who_answer_at_once_all_pass(self, bench: CaptchaBench) -> None:
        """Nobody is taken for somebody else."""
        with closing(bench.open()) as captcha:
            answers = [bench.solve(_form(captcha)) for _ in range(_THREADS)]
            verdicts = all_answered(at_once([partial(_judge, captcha, answer) for answer in answers], "verify"), "verify")
            lost = sum(verdict is not Verdict.PASSED for verdict in verdicts)
            expect(not lost, f"of {_THREADS} right answers that came at once {lost} did not pass")

    def test_an_answer_that_comes_too_late_is_over(self, bench: CaptchaBench) -> None:
        """So that nobody keeps a store of them."""
        later = needed(bench.later, "way to let time pass")
        with closing(bench.open()) as captcha:
            answer = bench.solve(_form(captcha))
            later()
            _expect_no(captcha, answer, "an answer whose time is over")
            _expect(captcha, bench.solve(_form(captcha)), "the right answer to what was asked later")

    def test_an_answer_for_something_else_is_none(self, bench: CaptchaBench) -> None:
        """What was solved to sign in makes no account."""
        with closing(bench.open()) as captcha:
            if not (isinstance(captcha, BoundToActions) and captcha.bound_to_actions):
                pytest.skip("it can't tell for which action an answer was made, and does not say that it can")
            _expect_no(captcha, bench.solve(_form(captcha, "login")), "an answer that was made to sign in, shown to register,")

    def test_another_sites_answer_is_none(self, bench: CaptchaBench) -> None:
        """Whoever has a site of their own has all the answers that they want, there."""
        beside = needed(bench.beside, "captcha of another site")
        with closing(bench.open()) as captcha, closing(beside()) as theirs:
            _expect_no(captcha, bench.solve(_form(theirs)), "an answer that was made at another site")

    @pytest.mark.parametrize("what", list(_RUBBISH))
    def test_rubbish_is_no_answer(self, bench: CaptchaBench, what: str) -> None:
        """And no error, which would be taken for an outage."""
        with closing(bench.open()) as captcha:
            _expect_failed(captcha, _RUBBISH[what], what)

    def test_an_answer_that_was_tampered_with_is_none(self, bench: CaptchaBench) -> None:
        """Neither are two halves of different ones; and none of them uses up a right one."""
        with closing(bench.open()) as captcha:
            one, other = bench.solve(_form(captcha)), bench.solve(_form(captcha))
            half = len(one) // 2
            for what, made in (
                ("the beginning of an answer", one[:half]),
                ("an answer that was turned round", one[::-1]),
                ("the halves of two answers", one[:half] + other[half:]),
            ):
                _expect_failed(captcha, made, what)
            _expect(captcha, one, "the right answer, after others had shown what they made of it,")

    @pytest.mark.parametrize("place", ["silent", "closed", "rude", "slow"])
    def test_without_its_service_it_raises_soon(self, bench: CaptchaBench, place: str) -> None:
        """It neither lets everybody in nor keeps everybody out: that is not for it to say."""
        with away(bench, place) as captcha:
            where, answer = f"the service was {place}", bench.solve(_form(captcha))
            refused_soon(Unavailable, where, "it was shown an answer", partial(_judge, captcha, answer), bench.at_once)
            refused_soon(Unavailable, where, "it was pinged", captcha.ping, bench.at_once)

    def test_a_secret_that_the_service_does_not_know_is_an_outage(self, bench: CaptchaBench) -> None:
        """Not everybody's failure: nobody would get in, and no one would hear why."""
        unknown = needed(bench.unknown, "captcha whose secret is wrong")
        with closing(unknown()) as captcha:
            where, answer = "its secret was wrong", bench.solve(_form(captcha))
            refused_soon(Unavailable, where, "it was shown an answer", partial(_judge, captcha, answer), bench.at_once)
            refused_soon(Unavailable, where, "it was pinged", captcha.ping, bench.at_once)

    def test_its_errors_name_nobody(self, bench: CaptchaBench) -> None:
        """Neither an answer nor an address: they go to the log."""
        with away(bench, "closed") as captcha:
            answer = bench.solve(_form(captcha))
            keeps_secrets(told_by(partial(_judge, captcha, answer)), [answer, _ADDRESS])

    def test_its_secrets_stay_its_own(self, bench: CaptchaBench) -> None:
        """They are in no form, no error and no representation."""
        hidden = needed(bench.secrets, "secret to look for")
        with closing(bench.open()) as captcha:
            form = _form(captcha)
            keeps_secrets([json.dumps(dict(form.settings)), captcha.module, repr(form)], hidden)
        keeps_secrets(told_of_itself(bench, lambda captcha: [captcha.ping, partial(_judge, captcha, "x")]), hidden)

    def test_it_can_be_closed_twice(self, bench: CaptchaBench) -> None:
        """Whoever ends must not ask who has ended before."""
        closes_twice(bench.open().close)


def _form(captcha: Captcha, action: str = "register") -> CaptchaForm:
    form = captcha.form(action)
    if form is None:
        raise ContractBroken("it asks nothing of whoever registers")
    return form


def _judge(captcha: Captcha, answer: str) -> Verdict:
    return captcha.verify(answer, action="register", address=_ADDRESS)


def _expect(captcha: Captcha, answer: str, what: str) -> None:
    verdict = _judge(captcha, answer)
    expect(verdict is Verdict.PASSED, f"{what} did not pass: {verdict!r}")


def _expect_no(captcha: Captcha, answer: str, what: str) -> None:
    verdict = _judge(captcha, answer)
    expect(isinstance(verdict, Verdict), f"of {what} it says {verdict!r}, which is no Verdict")
    expect(verdict is not Verdict.PASSED, f"{what} has passed")


def _expect_failed(captcha: Captcha, answer: str, what: str) -> None:
    try:
        verdict = _judge(captcha, answer)
    except Exception as error:
        raise ContractBroken(f"{what} was no answer, and raised {type(error).__name__} as if the service were away") from error
    expect(verdict is Verdict.FAILED, f"{what} is no answer, and the verdict was {verdict!r}")

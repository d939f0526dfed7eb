"""Whether whoever fills in a form has shown that they are no robot, and what is done while nobody can tell."""

from __future__ import annotations

from datetime import timedelta
from enum import Enum, auto

import structlog

from dinnerkit.accounts.attempts import AttemptLimit, Attempts
from dinnerkit.accounts.errors import CaptchaFailed, CaptchaRequired, CaptchaUnavailable, TooManyAttempts
from dinnerkit.errors import Unavailable
from dinnerkit.ports.captcha import LONGEST_ANSWER, Captcha, CaptchaForm, Verdict
from dinnerkit.retry import Breaker

_REST_SECONDS = 5.0
_WINDOW = timedelta(hours=1)

log = structlog.get_logger(__name__)


class Shown(Enum):
    """How somebody has got past the captcha."""

    NOT_ASKED = auto()
    ANSWERED = auto()
    SPARED = auto()
    """The page could not ask."""
    UNKNOWN = auto()
    """The backend was away."""


class CaptchaCheck:
    """Lets people pass, and robots only as seldom as ``spared`` times an hour from one address.

    A backend that has just been away is left alone for some seconds, so that not everybody waits for it.
    """

    def __init__(self, captcha: Captcha, attempts: Attempts, spared: int) -> None:
        self._captcha = captcha
        self._attempts = attempts
        self._spared = AttemptLimit("captcha-spared", spared, _WINDOW)
        self._breaker = Breaker(_REST_SECONDS)

    @property
    def module(self) -> str:
        """The source of the module that a page needs in order to ask."""
        return self._captcha.module

    def form(self, action: str) -> CaptchaForm | None:
        """What is asked of whoever is about to do this; None where nothing is, or can be now."""
        try:
            return self._captcha.form(action)
        except Exception as error:  # noqa: BLE001 - a backend may fail in any way, and a page is shown all the same
            log.warning("captcha_not_asked", error=type(error).__name__)
            return None

    def check(self, action: str, answer: str, *, address: str, origin: str, asked_by_page: bool = False) -> Shown:
        """Judge the answer, and use it up.

        Args:
            action: what is to be done.
            answer: as it was sent; empty where there is none.
            address: of whoever does it.
            origin: what is counted where nobody can tell: an address, or a network.
            asked_by_page: the form is a page's, which may have had no way to ask.

        Raises:
            CaptchaRequired: there is no answer, and there must be one.
            CaptchaFailed: it is wrong, was used before, or comes too late.
            CaptchaUnavailable: nobody can tell now, and that was so too often for this origin.
        """
        if not self._captcha.module:
            return Shown.NOT_ASKED
        if not answer:
            return self._without(origin, asked_by_page)
        verdict = self._verdict(answer[: LONGEST_ANSWER + 1], action, address)
        if verdict is None:
            if not self._spares(origin):
                raise CaptchaUnavailable("We can't find out now whether you are a robot. Try again in a while.")
            return Shown.UNKNOWN
        if verdict is not Verdict.PASSED:
            log.info("captcha_refused", action=action, verdict=str(verdict))
            late = verdict is Verdict.OVER
            message = (
                "That answer was used before, or is too old. Answer once more." if late else "That answer is not right. Answer once more."
            )
            raise CaptchaFailed(message, fields={"captcha": message})
        return Shown.ANSWERED

    def _without(self, origin: str, asked_by_page: bool) -> Shown:
        if asked_by_page and self._spares(origin):
            return Shown.SPARED
        message = "Show that you are no robot: this needs an answer to the captcha."
        raise CaptchaRequired(message, fields={"captcha": message})

    def _verdict(self, answer: str, action: str, address: str) -> Verdict | None:
        """None where the backend is away."""
        if len(answer) > LONGEST_ANSWER:
            return Verdict.FAILED
        if not self._breaker.lets():
            return None
        try:
            verdict = self._captcha.verify(answer, action=action, address=address)
        except Exception as error:  # noqa: BLE001 - every driver has errors of its own
            self._breaker.failed()
            log.warning("captcha_unavailable", error=type(error).__name__, why=error.message if isinstance(error, Unavailable) else "")
            return None
        self._breaker.worked()
        return verdict

    def _spares(self, origin: str) -> bool:
        try:
            self._attempts.count(self._spared, origin)
        except TooManyAttempts:
            return False
        return True

"""A captcha that asks for a sum, for the one of yours that takes its place: programs can do sums, too."""

from __future__ import annotations

import secrets
import threading
import time
from dataclasses import dataclass, field

from dinnerkit.ports.captcha import CaptchaForm, Verdict
from dinnerkit.ports.contracts import built_for
from dinnerkit.ports.urls import parse_url

_SECONDS = 600

_MODULE = """
export function ask(place, { id, sum }, answered) {
  const question = document.createElement("label");
  question.textContent = "How much is " + sum + "? ";
  const field = document.createElement("input");
  field.addEventListener("input", () => answered(field.value ? id + "." + field.value : ""));
  question.append(field);
  place.append(question);
}
"""


class AcmeCaptcha:
    """Remembers what was asked, and forgets it with the first answer.

    Args:
        place: which questions; captchas of the same place share them.
    """

    module = _MODULE
    bound_to_actions = True

    def __init__(self, place: str) -> None:
        self._place = _PLACES.setdefault(place, _Place())

    def form(self, action: str) -> CaptchaForm:
        """A new sum."""
        one, other = secrets.randbelow(90) + 10, secrets.randbelow(90) + 10
        key = secrets.token_hex(16)
        with self._place.lock:
            self._place.asked[key] = (time.monotonic() + _SECONDS, action, str(one + other))
        return CaptchaForm("acme", {"id": key, "sum": f"{one} + {other}"})

    def verify(self, answer: str, *, action: str, address: str) -> Verdict:
        """Take the question away, whatever the answer: who was wrong is asked anew."""
        key, _, given = answer.partition(".")
        with self._place.lock:
            until, wanted, right = self._place.asked.pop(key, (0.0, "", ""))
        if not right or wanted != action or given != right:
            return Verdict.FAILED
        return Verdict.PASSED if time.monotonic() < until else Verdict.OVER

    def ping(self) -> None:
        """Memory is always there; a service that is not raises ``dinnerkit.errors.Unavailable``, here and above."""

    def close(self) -> None:
        """Memory has nothing to give back; a client's connections would be closed here."""


@built_for(1, AcmeCaptcha)
def open_captcha(url: str) -> AcmeCaptcha:
    """``acme://PLACE``.

    Raises:
        SettingError: the URL has options.
    """
    return AcmeCaptcha(parse_url(url).only().location)


@dataclass(slots=True)
class _Place:
    """In place of the service: for each question until when, for what, and the answer; for ever, if nobody answers."""

    lock: threading.Lock = field(default_factory=threading.Lock)
    asked: dict[str, tuple[float, str, str]] = field(default_factory=dict)


_PLACES: dict[str, _Place] = {}

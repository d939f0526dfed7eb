"""No captcha."""

from __future__ import annotations

from dinnerkit.ports.captcha import CaptchaForm, Verdict
from dinnerkit.ports.contracts import built_for
from dinnerkit.ports.urls import parse_url


class NoCaptcha:
    """Asks nothing of anybody."""

    module = ""

    def form(self, action: str) -> CaptchaForm | None:
        """Nothing."""
        return None

    def verify(self, answer: str, *, action: str, address: str) -> Verdict:
        """Whatever it is, nobody had asked for it."""
        return Verdict.PASSED

    def ping(self) -> None:
        """There is nothing to reach."""

    def close(self) -> None:
        """There is nothing to give back."""


@built_for(1, NoCaptcha)
def none(url: str) -> NoCaptcha:
    """``none://``.

    Raises:
        SettingError: the URL has options.
    """
    parse_url(url).only()
    return NoCaptcha()

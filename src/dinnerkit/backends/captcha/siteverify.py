"""The captchas of providers: Cloudflare Turnstile, hCaptcha and reCAPTCHA, which are asked about an answer in the same words.

- https://developers.cloudflare.com/turnstile/get-started/server-side-validation/
- https://docs.hcaptcha.com/#verify-the-user-response-server-side
- https://developers.google.com/recaptcha/docs/verify
"""

from __future__ import annotations

import json
import re
import threading
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files
from queue import Empty, SimpleQueue
from typing import Any, ClassVar

from dinnerkit.errors import SettingError, Unavailable
from dinnerkit.ports.captcha import CaptchaForm, Verdict
from dinnerkit.ports.contracts import built_for
from dinnerkit.ports.urls import BackendUrl, parse_url

_SECONDS = 2.5
_WELL_SECONDS = 30.0
_MOST_BYTES = 65_536
_MOST_AT_ONCE = 16
"""Questions to the provider that wait for an answer; more than that are not asked."""

_ANSWER = re.compile(r"[!-~]{1,8192}", re.ASCII)
_OVER = frozenset({"timeout-or-duplicate", "expired-input-response", "already-seen-response", "invalid-or-already-seen-response"})
_OURS = frozenset({"missing-input-secret", "invalid-input-secret", "sitekey-secret-mismatch", "not-using-dummy-secret", "internal-error"})
"""Error codes that say nothing about the answer: the secret is wrong, or the provider in trouble. What a stranger could bring about with an
answer, such as ``bad-request``, is none of them: it would have the core do without a captcha."""

_NO_ANSWER = "dinnerkit-asks-whether-the-secret-is-right"


@dataclass(frozen=True, slots=True)
class Provider:
    """Where a provider is, and what its widget needs.

    Attributes:
        verify: where an answer is judged.
        script: what brings the widget.
        name: what the script calls it.
        sources: what the page must let in for it.
        bound: whether the provider tells for which action an answer was made.
    """

    verify: str
    script: str
    name: str
    sources: Mapping[str, tuple[str, ...]]
    bound: bool = False


_CLOUDFLARE = ("https://challenges.cloudflare.com",)
_HCAPTCHA = ("https://hcaptcha.com", "https://*.hcaptcha.com")
_GOOGLE = ("https://www.google.com", "https://recaptcha.google.com")

TURNSTILE = Provider(
    "https://challenges.cloudflare.com/turnstile/v0/siteverify",
    "https://challenges.cloudflare.com/turnstile/v0/api.js?render=explicit",
    "turnstile",
    {"script-src": _CLOUDFLARE, "frame-src": _CLOUDFLARE},
    bound=True,
)
HCAPTCHA = Provider(
    "https://api.hcaptcha.com/siteverify",
    "https://js.hcaptcha.com/1/api.js?render=explicit",
    "hcaptcha",
    {"script-src": _HCAPTCHA, "frame-src": _HCAPTCHA, "style-src": _HCAPTCHA, "connect-src": _HCAPTCHA},
)
RECAPTCHA = Provider(
    "https://www.google.com/recaptcha/api/siteverify",
    "https://www.google.com/recaptcha/api.js?render=explicit",
    "grecaptcha",
    {"script-src": (*_GOOGLE, "https://www.gstatic.com"), "frame-src": _GOOGLE},
)


class Siteverify:
    """Has a provider judge the answers.

    Args:
        kind: the provider's name.
        provider: where it is.
        site_key: public; names the widget.
        secret: what only the provider and we know.
        hostnames: where answers may come from; empty is anywhere that the provider allows for the site key.
        seconds: how long a judgement may take.
    """

    module: ClassVar[str] = files("dinnerkit.backends.captcha").joinpath("siteverify.js").read_text("utf-8")

    def __init__(
        self, kind: str, provider: Provider, site_key: str, secret: str, hostnames: frozenset[str] = frozenset(), seconds: float = _SECONDS
    ) -> None:
        self._kind = kind
        self._provider = provider
        self._site_key = site_key
        self._secret = secret
        self._hostnames = hostnames
        self._seconds = seconds
        self._asking = threading.BoundedSemaphore(_MOST_AT_ONCE)
        self._well_until = 0.0

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self._kind!r}, site_key={self._site_key!r})"

    def form(self, action: str) -> CaptchaForm:
        """The widget."""
        settings = {"script": self._provider.script, "global": self._provider.name, "sitekey": self._site_key, "action": action}
        return CaptchaForm(self._kind, settings, self._provider.sources)

    def verify(self, answer: str, *, action: str, address: str) -> Verdict:
        """Ask the provider, which counts it as used up then."""
        if not _ANSWER.fullmatch(answer):
            return Verdict.FAILED
        found = self._asked(answer, address)
        codes = _codes(found)
        if found.get("success") is not True:
            if codes & _OURS:
                raise Unavailable(f"captcha: {self._kind} says {', '.join(sorted(codes & _OURS))}")
            return Verdict.OVER if codes & _OVER else Verdict.FAILED
        elsewhere = bool(self._hostnames) and found.get("hostname") not in self._hostnames
        otherwise = self._provider.bound and found.get("action") != action
        return Verdict.FAILED if elsewhere or otherwise else Verdict.PASSED

    def ping(self) -> None:
        """Have the provider judge what can't be an answer: that tells whether it is there, and knows the secret.

        That all is well is remembered for a while: whoever reads the health page all day must not take the provider's time from visitors.
        """
        if time.monotonic() < self._well_until:
            return
        self.verify(_NO_ANSWER, action="ping", address="")
        self._well_until = time.monotonic() + _WELL_SECONDS

    def close(self) -> None:
        """Each question has a connection of its own."""

    def _asked(self, answer: str, address: str) -> Mapping[str, Any]:
        """What the provider says, in time: in a thread of its own, since neither names nor slow drops of an answer keep to a time-out."""
        if not self._asking.acquire(blocking=False):
            raise Unavailable(f"captcha: {self._kind} has too much to answer already")
        ended: SimpleQueue[Mapping[str, Any] | Unavailable] = SimpleQueue()

        def ask() -> None:
            try:
                ended.put(self._said(answer, address))
            except Unavailable as error:
                ended.put(error)
            finally:
                self._asking.release()

        try:
            threading.Thread(target=ask, name="dinnerkit-captcha", daemon=True).start()
        except RuntimeError:  # the machine gives no more
            self._asking.release()
            raise Unavailable("captcha: there is no thread to ask in") from None
        try:
            outcome = ended.get(timeout=self._seconds)
        except Empty:
            raise Unavailable(f"captcha: {self._kind} gave no answer within {self._seconds:g} s") from None
        if isinstance(outcome, Unavailable):
            raise outcome
        return outcome

    def _said(self, answer: str, address: str) -> Mapping[str, Any]:
        fields = {"secret": self._secret, "response": answer, "sitekey": self._site_key} | ({"remoteip": address} if address else {})
        headers = {"Content-Type": "application/x-www-form-urlencoded", "Accept": "application/json"}
        request = urllib.request.Request(  # noqa: S310 - the URL is the deployer's, and known to be of http
            self._provider.verify, urllib.parse.urlencode(fields).encode(), headers
        )
        try:
            with urllib.request.urlopen(request, timeout=self._seconds) as response:  # noqa: S310
                body = response.read(_MOST_BYTES)
            found = json.loads(body)
        except Exception as error:  # noqa: BLE001 - whatever it is, nobody can tell now; its words may hold what was sent
            status = ""
            if isinstance(error, urllib.error.HTTPError):
                status = f" {error.code}"
                error.close()
            raise Unavailable(f"captcha: {self._kind} gave no answer: {type(error).__name__}{status}") from None
        if not isinstance(found, Mapping):
            raise Unavailable(f"captcha: {self._kind} gave an answer that is none")
        return found


class ActionSiteverify(Siteverify):
    """One whose provider tells the action, too."""

    bound_to_actions = True


@built_for(1, ActionSiteverify)
def turnstile(url: str) -> Siteverify:
    """``turnstile://SITE-KEY?secret=SECRET&hostname=dinners.example``, as for the two others.

    Further options are ``timeout`` (seconds), and ``verify`` and ``script``, where the provider is reached at other addresses.

    Raises:
        SettingError: the key or the secret is missing, or an option makes no sense.
    """
    return _opened(url, TURNSTILE)


@built_for(1, Siteverify)
def hcaptcha(url: str) -> Siteverify:
    """``hcaptcha://SITE-KEY?secret=SECRET``; see :func:`turnstile`."""
    return _opened(url, HCAPTCHA)


@built_for(1, Siteverify)
def recaptcha(url: str) -> Siteverify:
    """``recaptcha://SITE-KEY?secret=SECRET``, of version 2, which has a widget; see :func:`turnstile`."""
    return _opened(url, RECAPTCHA)


def _codes(found: Mapping[str, Any]) -> frozenset[str]:
    codes = found.get("error-codes")
    return frozenset(code for code in codes if isinstance(code, str)) if isinstance(codes, list) else frozenset()


def _opened(url: str, usual: Provider) -> Siteverify:
    parsed = parse_url(url).only("secret", "hostname", "timeout", "verify", "script")
    site_key, secret = urllib.parse.unquote(parsed.location), parsed.options.get("secret", "")
    if not re.fullmatch(r"[\w.:-]+", site_key, re.ASCII) or not secret:
        raise SettingError(f"captcha: {parsed.scheme}://SITE-KEY?secret=SECRET has both, as the provider gives them")
    hostnames = frozenset(name for name in parsed.options.get("hostname", "").split(",") if name)
    kind = ActionSiteverify if usual.bound else Siteverify
    return kind(parsed.scheme, _at(parsed, usual), site_key, secret, hostnames, _timeout(parsed))


def _at(parsed: BackendUrl, usual: Provider) -> Provider:
    """The provider, where the URL has it."""
    verify = _web_address(parsed, "verify", usual.verify)
    script = _web_address(parsed, "script", usual.script)
    sources = usual.sources
    if script != usual.script:
        parts = urllib.parse.urlsplit(script)
        sources = {name: (f"{parts.scheme}://{parts.netloc}", *origins) for name, origins in usual.sources.items()}
    return Provider(verify, script, usual.name, sources, usual.bound)


def _web_address(parsed: BackendUrl, option: str, usual: str) -> str:
    address = parsed.options.get(option, usual)
    if not re.fullmatch(r"https?://[A-Za-z0-9.-]+(:\d{1,5})?(/[!-~]*)?", address):
        raise SettingError(f"captcha: {option} is an address such as {usual}")
    return address


def _timeout(parsed: BackendUrl) -> float:
    text = parsed.options.get("timeout", str(_SECONDS))
    if not re.fullmatch(r"\d(\.\d{1,3})?", text, re.ASCII) or not 0 < float(text) <= _SECONDS:
        raise SettingError(f"captcha: timeout is a number of seconds, up to {_SECONDS:g}, not {text!r}")
    return float(text)

"""Captchas that are wrong in one way each; the contract must tell which."""

from __future__ import annotations

import hmac
import json
import secrets
import threading
from functools import partial
from typing import Any

from dinnerkit.errors import Unavailable
from dinnerkit.ports.captcha import CaptchaForm, Verdict
from dinnerkit.testing import CaptchaBench
from tests.teeth import faults
from tests.teeth.meeting import Between

SECRET = "hunter22"


class Room:
    """What the captchas of several processes have in common: which answers were used, what time it is, and how many are open."""

    def __init__(self) -> None:
        self.between = Between()
        self.used: set[str] = set()
        self.lock = threading.Lock()
        self.now = 0.0
        self.open = 0


class Sound:
    """A captcha that passes; it asks its service first, where it has one."""

    module = "export function ask(place, { challenge }, answered) { answered(`${challenge}.solved`); }"
    bound_to_actions = True

    def __init__(self, room: Room, secret: str = SECRET, service: tuple[str, int] | None = None) -> None:
        self.room = room
        self.secret = secret
        self.service = service
        room.open += 1

    patience = faults.SECONDS
    at_once = faults.LATE

    def ask(self, answer: str = "", address: str = "") -> None:
        if self.secret == "wrong":
            raise Unavailable("captcha: the service does not know the secret")
        try:
            faults.hear_out(self.service, self.patience)
        except OSError as error:
            raise Unavailable("captcha: the service does not answer") from error

    def sign(self, asked: str) -> str:
        return hmac.digest(self.secret.encode(), asked.encode(), "sha256").hex()

    def form(self, action: str) -> CaptchaForm | None:
        asked = json.dumps({"action": action, "nonce": secrets.token_hex(8), "until": self.room.now + 60})
        return CaptchaForm("ours", {"challenge": f"{asked}.{self.sign(asked)}"}, {"script-src": ("https://ours.example",)})

    def verify(self, answer: str, *, action: str, address: str) -> Verdict:
        self.ask(answer, address)
        asked = self.asked(answer)
        if asked is None:
            return Verdict.FAILED
        if asked["action"] != action:
            return Verdict.FAILED
        if asked["until"] < self.room.now:
            return Verdict.OVER
        return self.use(asked["nonce"])

    def asked(self, answer: str) -> Any:
        text, _, rest = answer.rpartition("}.")
        signature, _, solved = rest.partition(".")
        try:
            right = hmac.compare_digest(signature, self.sign(text + "}"))
        except (TypeError, UnicodeEncodeError):
            return None
        return json.loads(text + "}") if right and solved == "solved" else None

    def use(self, nonce: str) -> Verdict:
        with self.room.lock:
            if nonce in self.room.used:
                return Verdict.OVER
            self.room.used.add(nonce)
        return Verdict.PASSED

    def ping(self) -> None:
        self.ask()

    def close(self) -> None:
        """Nothing to give back."""


class TakesUsedAnswers(Sound):
    def use(self, nonce: str) -> Verdict:
        return Verdict.PASSED


class RemembersForItself(Sound):
    """As one that keeps them in the process does, with two processes."""

    def __init__(self, room: Room, secret: str = SECRET, service: tuple[str, int] | None = None) -> None:
        super().__init__(room, secret, service)
        self.seen: set[str] = set()

    def use(self, nonce: str) -> Verdict:
        if nonce in self.seen:
            return Verdict.OVER
        self.seen.add(nonce)
        return Verdict.PASSED


class ForgetsOnRestart(Sound):
    def close(self) -> None:
        self.room.open -= 1
        if not self.room.open:
            self.room.used.clear()


class LooksAndThenRemembers(Sound):
    """In two steps, between which another looks."""

    def use(self, nonce: str) -> Verdict:
        used = nonce in self.room.used
        self.room.between.meet()
        self.room.used.add(nonce)
        return Verdict.OVER if used else Verdict.PASSED


class MixesUpWhoIsThere(Sound):
    """Has one place for the answer that is judged."""

    judged = ""

    def use(self, nonce: str) -> Verdict:
        self.judged = nonce
        self.room.between.meet()
        return super().use(self.judged)


class IgnoresExpiry(Sound):
    def verify(self, answer: str, *, action: str, address: str) -> Verdict:
        now, self.room.now = self.room.now, 0.0
        try:
            return super().verify(answer, action=action, address=address)
        finally:
            self.room.now = now


class StopsForEver(Sound):
    """Takes the time when it was opened for the present in what it gives away."""

    def form(self, action: str) -> CaptchaForm | None:
        now, self.room.now = self.room.now, 0.0
        try:
            return super().form(action)
        finally:
            self.room.now = now


class IgnoresTheAction(Sound):
    def verify(self, answer: str, *, action: str, address: str) -> Verdict:
        asked = self.asked(answer) or {"action": action}
        return super().verify(answer, action=asked["action"], address=address)


class TakesAnotherSites(Sound):
    """Signs with what all sites have in common."""

    def sign(self, asked: str) -> str:
        return hmac.digest(b"ours", asked.encode(), "sha256").hex()


class LooksAtNoSignature(Sound):
    def asked(self, answer: str) -> Any:
        try:
            return json.loads(answer.rpartition("}.")[0] + "}")
        except ValueError:
            return None


class TakesAnythingLong(Sound):
    def asked(self, answer: str) -> Any:
        found = super().asked(answer)
        return found or ({"action": "register", "until": 1e9, "nonce": secrets.token_hex(4)} if len(answer) > 1000 else None)


class ChokesOnRubbish(Sound):
    def asked(self, answer: str) -> Any:
        answer.encode("ascii")
        return super().asked(answer)


class CallsRubbishAnOutage(Sound):
    def asked(self, answer: str) -> Any:
        found = super().asked(answer)
        if found is None:
            raise Unavailable("captcha: not understood")
        return found


class UsesUpWhatItRefuses(Sound):
    """Remembers by the beginning, before it has looked."""

    def verify(self, answer: str, *, action: str, address: str) -> Verdict:
        if self.use(answer[:60]) is not Verdict.PASSED:
            return Verdict.FAILED
        return super().verify(answer, action=action, address=address)


class LetsAllInWithoutItsService(Sound):
    def verify(self, answer: str, *, action: str, address: str) -> Verdict:
        try:
            return super().verify(answer, action=action, address=address)
        except Unavailable:
            return Verdict.PASSED


class KeepsAllOutWithoutItsService(Sound):
    def verify(self, answer: str, *, action: str, address: str) -> Verdict:
        try:
            return super().verify(answer, action=action, address=address)
        except Unavailable:
            return Verdict.FAILED


class BlamesVisitorsForItsSecret(Sound):
    def verify(self, answer: str, *, action: str, address: str) -> Verdict:
        return Verdict.FAILED if self.secret == "wrong" else super().verify(answer, action=action, address=address)


class PingsWithoutItsSecret(Sound):
    def ping(self) -> None:
        faults.ask(self.service)


class MakesPeopleWait(Sound):
    at_once = faults.SOON

    def ask(self, answer: str = "", address: str = "") -> None:
        faults.insist(partial(super().ask, answer, address), Unavailable)


class WaitsForDrops(Sound):
    """Has a time-out for each step, and hardly one for all."""

    at_once = faults.SOON
    patience = 0.6


class TellsTheAnswer(Sound):
    def ask(self, answer: str = "", address: str = "") -> None:
        try:
            super().ask(answer, address)
        except Unavailable as error:
            raise Unavailable(f"captcha: no answer about {answer}") from error


class TellsTheAddress(Sound):
    def ask(self, answer: str = "", address: str = "") -> None:
        try:
            super().ask(answer, address)
        except Unavailable as error:
            raise Unavailable(f"captcha: no answer about {address}") from error


class HasNoModule(Sound):
    module = "function ask() {}"


class AsksNothing(Sound):
    def form(self, action: str) -> CaptchaForm | None:
        return None


class GivesNoJson(Sound):
    def form(self, action: str) -> CaptchaForm | None:
        return CaptchaForm("ours", {"challenge": b"bytes"})


class LetsAnyScriptIn(Sound):
    def form(self, action: str) -> CaptchaForm | None:
        return CaptchaForm("ours", {}, {"script-src": ("'unsafe-inline'",)})


class ChangesWhereFormsGo(Sound):
    def form(self, action: str) -> CaptchaForm | None:
        return CaptchaForm("ours", {}, {"form-action": ("https://ours.example",)})


class ShowsItsSecret(Sound):
    def form(self, action: str) -> CaptchaForm | None:
        return CaptchaForm("ours", {"secret": self.secret})


class TellsItsSecret(faults.TellsItsSecret, Sound):
    """In its representation."""


class CanNotBeClosedTwice(faults.CanNotBeClosedTwice, Sound):
    """Fails the second time."""


def bench_of(kind: type[Sound]) -> CaptchaBench:
    room = Room()

    def later() -> None:
        room.now += 61

    return CaptchaBench(
        open=lambda: kind(room),
        solve=lambda form: f"{form.settings['challenge']}.solved",
        later=later,
        beside=lambda: kind(room, "theirs"),
        unknown=lambda: kind(room, "wrong"),
        reach=lambda host, port: kind(room, service=(host, port)),
        secrets=[SECRET],
        at_once=kind.at_once,
    )

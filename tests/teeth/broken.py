"""Gateways that are wrong in one way each; the contract must tell which."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from dinnerkit.backends.sandbox import SIGNATURE_HEADER, SandboxGateway
from dinnerkit.backends.signatures import sign
from dinnerkit.errors import PaymentRequired, Unavailable
from dinnerkit.ids import new_id
from dinnerkit.money import Money
from dinnerkit.ports.checkout import CheckoutForm, OfferedMethod
from dinnerkit.ports.gateway import AccountNotReady, BadSignature, Charge, Dispute, GatewayEvent, GatewayRefund, PaymentDisputed, Payout
from dinnerkit.testing import GatewayBench
from tests.teeth import faults
from tests.teeth.meeting import Between

SECRETS = ("whsec_ours", "whsec_next")
ASKS = (
    *("charge", "retrieve", "find", "cancel", "refund", "ping", "refunds", "disputes", "charges", "refunds_made", "disputes_opened"),
    *("open_account", "onboarding_url", "account", "pay_out", "payout", "payouts_made"),
)


class Sound(SandboxGateway):
    """The sandbox with two secrets in force, as during a rotation: what the broken ones are made of."""

    def __init__(self, path: Path) -> None:
        super().__init__(path, 0, *SECRETS)


class OffersWhatItDoesNotTake(Sound):
    def checkout_form(self, money: Money) -> CheckoutForm:
        return CheckoutForm(offered=(OfferedMethod("pm_card_imaginary", "An imaginary card"),))


class AsksNothing(Sound):
    def checkout_form(self, money: Money) -> CheckoutForm:
        return CheckoutForm()


class ForgetsTheBank(Sound):
    checkout_module = "export async function ask() {}"


class LetsAnyScriptIn(Sound):
    def checkout_form(self, money: Money) -> CheckoutForm:
        return replace(super().checkout_form(money), sources={"script-src": ("'unsafe-inline'",)})


class ChangesWhereFormsGo(Sound):
    def checkout_form(self, money: Money) -> CheckoutForm:
        return replace(super().checkout_form(money), sources={"form-action": ("https://ourbank.example",)})


class ShowsItsSecret(Sound):
    def checkout_form(self, money: Money) -> CheckoutForm:
        return replace(super().checkout_form(money), settings={"key": SECRETS[0]})


class MovesMoneyTwice(Sound):
    def charge(self, *, key: str, money: Money, method: str, description: str) -> Charge:
        return replace(super().charge(key=new_id(), money=money, method=method, description=description), key=key)


class LooksAndThenWrites(Sound):
    """Idempotent as long as nobody else comes between looking and writing."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self._seen: dict[str, Charge] = {}
        self._between = Between()

    def charge(self, *, key: str, money: Money, method: str, description: str) -> Charge:
        seen = self._seen.get(key)
        if seen is None:
            self._between.meet()
            seen = replace(super().charge(key=new_id(), money=money, method=method, description=description), key=key)
            self._seen[key] = seen
        return seen


class TakesItsWordsForAnotherPayment(Sound):
    def charge(self, *, key: str, money: Money, method: str, description: str) -> Charge:
        made = super().charge(key=f"{key}/{description}", money=money, method=method, description=description)
        return replace(made, key=key)


class MovesMoneyTwiceInSecret(Sound):
    """It answers the first payment again, and makes another all the same."""

    def charge(self, *, key: str, money: Money, method: str, description: str) -> Charge:
        earlier = self.find(key)
        made = super().charge(key=f"{key}/{new_id()}" if earlier else key, money=money, method=method, description=description)
        return earlier or made

    def charges(self, since: datetime, until: datetime) -> list[Charge]:
        return [replace(charge, key=charge.key.partition("/")[0]) for charge in super().charges(since, until)]


class ListsOnePage(Sound):
    def charges(self, since: datetime, until: datetime) -> list[Charge]:
        return super().charges(since, until)[:10]


class RefundsWhatTheBankTookBack(Sound):
    def refund(self, *, key: str, charge_id: str, money: Money) -> GatewayRefund:
        try:
            return super().refund(key=key, charge_id=charge_id, money=money)
        except PaymentDisputed:
            return GatewayRefund(f"re_{key}", key, "succeeded", money, charge_id)


class KeepsItsFeeInItsOwnCurrency(Sound):
    def disputes(self, charge_id: str) -> list[Dispute]:
        return [replace(dispute, fee=Money(1500, "USD")) for dispute in super().disputes(charge_id)]


class ListsDisputesWithoutTheirFees(Sound):
    def disputes_opened(self, since: datetime, until: datetime) -> list[Dispute]:
        return [replace(dispute, fee=None) for dispute in super().disputes_opened(since, until)]


class TellsNoRefundsOfOthers(Sound):
    def refunds(self, charge_id: str) -> list[GatewayRefund]:
        return super().refunds(charge_id)[-1:]


class PaysHostsTwice(Sound):
    def pay_out(self, *, key: str, account_id: str, money: Money, description: str) -> Payout:
        return replace(super().pay_out(key=new_id(), account_id=account_id, money=money, description=description), key=key)


class PaysWhoIsNotReady(Sound):
    def pay_out(self, *, key: str, account_id: str, money: Money, description: str) -> Payout:
        try:
            return super().pay_out(key=key, account_id=account_id, money=money, description=description)
        except AccountNotReady:
            return Payout(f"tr_{key}", key, account_id, "pending", money)


class PaysWhatIsNotThere(Sound):
    def pay_out(self, *, key: str, account_id: str, money: Money, description: str) -> Payout:
        try:
            return super().pay_out(key=key, account_id=account_id, money=money, description=description)
        except Unavailable:
            return Payout(f"tr_{key}", key, account_id, "pending", money)


class ListsOnePageOfPayouts(Sound):
    def payouts_made(self, since: datetime, until: datetime) -> list[Payout]:
        return super().payouts_made(since, until)[:10]


class ListsPayoutsOfAnyTime(Sound):
    def payouts_made(self, since: datetime, until: datetime) -> list[Payout]:
        return super().payouts_made(datetime.fromtimestamp(0, UTC), datetime.now(UTC) + timedelta(minutes=1))


class ListsPayoutsWithoutTheirKeys(Sound):
    def payouts_made(self, since: datetime, until: datetime) -> list[Payout]:
        return [replace(payout, key=payout.id) for payout in super().payouts_made(since, until)]


class ForgetsTheKey(Sound):
    def find(self, key: str) -> Charge | None:
        return None


class ForgetsOverARestart(Sound):
    def __init__(self, path: Path) -> None:
        super().__init__(path.with_name(f"{new_id()}.db"))


class SucceedsBeforeTheGuestDoes(Sound):
    def charge(self, *, key: str, money: Money, method: str, description: str) -> Charge:
        made = super().charge(key=key, money=money, method=method, description=description)
        return replace(made, status="succeeded") if made.status == "action_required" else made


class CountsYenInHundredths(Sound):
    def charge(self, *, key: str, money: Money, method: str, description: str) -> Charge:
        asked = money * 100 if money.currency == "JPY" else money
        return super().charge(key=key, money=asked, method=method, description=description)


class RaisesADecline(Sound):
    def charge(self, *, key: str, money: Money, method: str, description: str) -> Charge:
        made = super().charge(key=key, money=money, method=method, description=description)
        if made.status == "declined":
            raise PaymentRequired("the card was declined")
        return made


class GivesUpWhatSucceeded(Sound):
    def cancel(self, charge_id: str) -> Charge:
        return replace(super().cancel(charge_id), status="cancelled")


class RaisesAnythingForTheUnknown(Sound):
    def retrieve(self, charge_id: str) -> Charge:
        if not charge_id.startswith("ch_"):
            raise KeyError(charge_id)
        return super().retrieve(charge_id)


class RefundsMoreThanWasPaid(Sound):
    def refund(self, *, key: str, charge_id: str, money: Money) -> GatewayRefund:
        self.retrieve(charge_id)
        return GatewayRefund(f"re_{key}", key, "succeeded", money, charge_id)


class RefundsTwice(Sound):
    def refund(self, *, key: str, charge_id: str, money: Money) -> GatewayRefund:
        return replace(super().refund(key=new_id(), charge_id=charge_id, money=money), key=key)


class RefundsAnyCurrency(Sound):
    def refund(self, *, key: str, charge_id: str, money: Money) -> GatewayRefund:
        return super().refund(key=key, charge_id=charge_id, money=Money(money.amount, self.retrieve(charge_id).money.currency))


class BelievesAnySignature(Sound):
    def verify(self, body: bytes, headers: Mapping[str, str]) -> GatewayEvent:
        return super().verify(body, {SIGNATURE_HEADER: self.sign(body)[SIGNATURE_HEADER]})


class BelievesOldSignatures(Sound):
    def verify(self, body: bytes, headers: Mapping[str, str]) -> GatewayEvent:
        header = {name.lower(): value for name, value in headers.items()}.get(SIGNATURE_HEADER.lower(), "")
        moment = header.partition(",")[0].removeprefix("t=")
        if (
            moment.isascii()
            and moment.isdecimal()
            and len(moment) < 12
            and any(header == sign(secret, body, int(moment)) for secret in SECRETS)
        ):
            return super().verify(body, self.sign(body))
        raise BadSignature("wrong")


class KnowsOneSecret(Sound):
    def __init__(self, path: Path) -> None:
        SandboxGateway.__init__(self, path, 0, SECRETS[0])


class CallsNonsenseAForgery(Sound):
    def verify(self, body: bytes, headers: Mapping[str, str]) -> GatewayEvent:
        try:
            json.loads(body)["id"]
        except (ValueError, TypeError, LookupError, RecursionError) as error:
            raise BadSignature("nonsense") from error
        return super().verify(body, headers)


class BelievesUnknownKinds(Sound):
    def verify(self, body: bytes, headers: Mapping[str, str]) -> GatewayEvent:
        told = super().verify(body, headers)
        return replace(told, charge_id=told.charge_id or "ch_of_whoever")


class RepeatsWhatWasAcknowledged(Sound):
    def acknowledge(self, webhook_id: str) -> None:
        pass


class TellsItsSecret(Sound):
    def __repr__(self) -> str:
        return f"TellsItsSecret(secret={SECRETS[0]!r})"


class CanNotBeClosedTwice(Sound):
    def close(self) -> None:
        super().close()
        if self.__dict__.setdefault("closed", False):
            raise sqlite3.ProgrammingError("closed already")
        self.__dict__["closed"] = True


class Remote(Sound):
    """One whose service is somewhere: it asks there before it does anything. It passes too."""

    def __init__(self, path: Path, service: tuple[str, int] | None = None) -> None:
        super().__init__(path)
        self.service = service

    def _ask(self) -> None:
        try:
            faults.ask(self.service)
        except OSError as error:
            raise Unavailable("no answer") from error


def _asking(name: str) -> Callable[..., Any]:
    def call(self: Remote, *arguments: Any, **named: Any) -> Any:
        self._ask()
        return getattr(Sound, name)(self, *arguments, **named)

    return call


for _name in ASKS:
    setattr(Remote, _name, _asking(_name))


class TakesSilenceForADecline(Remote):
    def charge(self, *, key: str, money: Money, method: str, description: str) -> Charge:
        try:
            return super().charge(key=key, money=money, method=method, description=description)
        except Unavailable:
            return Charge("ch_none", key, "declined", money, decline_code="processing_error")


class TakesSilenceForAbsence(Remote):
    def find(self, key: str) -> Charge | None:
        try:
            return super().find(key)
        except Unavailable:
            return None


class LetsTheSocketsErrorThrough(Remote):
    def _ask(self) -> None:
        faults.ask(self.service)


def bench_of(kind: type[Sound], folder: Path) -> GatewayBench:
    """The gateway on the bench, with all that the contract can use."""
    path = folder / "gateway.db"
    gateway = kind(path)
    return GatewayBench(
        gateway=gateway,
        authenticate=lambda charge, approve: gateway.authenticate(str(charge.client_secret), approve=approve),
        signers=[signed_with(secret) for secret in SECRETS],
        forger=signed_with("whsec_theirs"),
        disputed_method="pm_card_createDispute",
        make_ready=lambda account: gateway.onboarding_url(account, return_url="https://a.example", refresh_url="https://a.example"),
        notification=notification,
        reopen=lambda: kind(path),
        reach=(lambda host, port: kind(path, (host, port))) if issubclass(kind, Remote) else None,
        secrets=SECRETS,
    )


def signed_with(secret: str) -> Callable[[bytes, float], Mapping[str, str]]:
    return lambda body, at: {SIGNATURE_HEADER: sign(secret, body, int(at))}


def notification(charge_id: str | None) -> bytes:
    about = {"type": "invoice.paid"} if charge_id is None else {"type": "payment_intent.succeeded", "charge": charge_id}
    return json.dumps({"id": f"evt_{new_id()}", **about}).encode()

"""Webhooks: believed only when the gateway has signed them, lately, and to the byte."""

from __future__ import annotations

import time
from collections.abc import Mapping
from functools import partial

from dinnerkit.errors import Invalid
from dinnerkit.ids import new_id
from dinnerkit.ports.gateway import BadSignature, Gateway, GatewayEvent
from dinnerkit.ports.local_gateway import LocalWebhooks, SignedWebhook
from dinnerkit.testing.expecting import at_once, expect, in_time, needed, refusal
from dinnerkit.testing.gateway.bench import GatewayBench
from dinnerkit.testing.gateway.charging import pay

_TOO_OLD = 3600.0
_NONSENSE = (
    "",
    "v1=",
    "t=,v1=",
    "t=now,v1=00",
    "t=-1,v1=00",
    f"t={'9' * 400},v1=00",
    "t=1;v1=2",
    "é=ü,v1=ß",
    "t=1,v1=é",
    "=" * 999,
    "t,v1",
)
_HUGE = 4 * 1024 * 1024


class Telling:
    """What a gateway owes when something is told in its name."""

    def test_what_it_signed_is_understood(self, bench: GatewayBench) -> None:
        """With each of the secrets that are in force: during a rotation there are two."""
        charge_id, body = self._about_a_charge(bench)
        for number, signer in enumerate(needed(bench.signers, "signer"), 1):
            try:
                told = bench.gateway.verify(body, signer(body, time.time()))
            except BadSignature as error:
                expect(False, f"what was signed with secret {number} of {len(bench.signers)} that are in force is refused: {error}")
            else:
                expect(told.charge_id == charge_id, f"a webhook about the payment {charge_id} is read as one about {told.charge_id}")
                expect(told.id and told.kind, f"a webhook without id or kind came out: {told!r}")
                again = bench.gateway.verify(body, signer(body, time.time()))
                expect(
                    again.id == told.id, f"the same webhook sent twice has two ids, {told.id} and {again.id}: it would be worked on twice"
                )

    def test_header_names_are_known_in_any_case(self, bench: GatewayBench) -> None:
        """HTTP/2 has them in lower case, proxies as they like."""
        _, body = self._about_a_charge(bench)
        headers = needed(bench.signers, "signer")[0](body, time.time())
        for case in (str.lower, str.upper):
            changed = {case(name): value for name, value in headers.items()}
            try:
                bench.gateway.verify(body, changed)
            except BadSignature as error:
                expect(False, f"a signed webhook is refused since its header is written {next(iter(changed))!r}: {error}")

    def test_what_another_secret_signed_is_refused(self, bench: GatewayBench) -> None:
        """Anybody can send to the URL of the webhooks."""
        _, body = self._about_a_charge(bench)
        forged = needed(bench.forger, "forger")(body, time.time())
        refusal(BadSignature, "a webhook was signed with another secret", partial(bench.gateway.verify, body, forged))

    def test_what_was_changed_on_the_way_is_refused(self, bench: GatewayBench) -> None:
        """By a single byte, in the body or in the signature."""
        _, body = self._about_a_charge(bench)
        headers = needed(bench.signers, "signer")[0](body, time.time())
        for changed in (body + b" ", body[:-1], body.replace(b":", b": ", 1)):
            refusal(BadSignature, "a webhook's body was changed on the way", partial(bench.gateway.verify, changed, headers))
        for name, value in headers.items():
            other = {**headers, name: value[:-1] + ("0" if value[-1] != "0" else "1")}
            refusal(
                BadSignature,
                f"the header {name} of a webhook was changed on the way",
                partial(bench.gateway.verify, body, other),
            )

    def test_what_is_not_signed_is_refused(self, bench: GatewayBench) -> None:
        """A missing header, an empty one, and anything that is no signature."""
        _, body = self._about_a_charge(bench)
        names = list(needed(bench.signers, "signer")[0](body, time.time()))
        nonsense = (
            "",
            "v1=",
            "t=,v1=",
            "t=now,v1=00",
            "t=-1,v1=00",
            f"t={'9' * 400},v1=00",
            "t=1;v1=2",
            "é=ü,v1=ß",
            "t=1,v1=é",
            "=" * 1000,
            "t,v1",
        )
        for headers in ({}, *(dict.fromkeys(names, text) for text in nonsense)):
            refusal(BadSignature, f"a webhook came with {_shown(headers)}", partial(bench.gateway.verify, body, headers))

    def test_what_was_signed_long_ago_is_refused(self, bench: GatewayBench) -> None:
        """Else whoever once saw a webhook could send it again for ever."""
        _, body = self._about_a_charge(bench)
        old = needed(bench.signers, "signer")[0](body, time.time() - _TOO_OLD)
        refusal(BadSignature, f"a webhook was signed {_TOO_OLD:.0f} s ago", partial(bench.gateway.verify, body, old))

    def test_what_is_signed_and_makes_no_sense_is_invalid(self, bench: GatewayBench) -> None:
        """It was sent by the gateway; that it can't be read is another fault than a forgery."""
        signer = needed(bench.signers, "signer")[0]
        for body in (b"", b"{", b"[]", b"null", b"{}", b'"text"', b'{"id": 1}', b'{"id": ' + b"[" * 50_000):
            error = refusal(Invalid, f"{body[:20]!r} was signed", partial(bench.gateway.verify, body, signer(body, time.time())))
            expect(not isinstance(error, BadSignature), f"{body[:20]!r} was signed rightly, and is refused as a forgery")

    def test_of_a_kind_that_nobody_has_heard_of_nothing_is_believed(self, bench: GatewayBench) -> None:
        """Gateways invent new kinds; they are stored and lead nowhere."""
        body = needed(bench.notification, "notification")(None)
        told = bench.gateway.verify(body, needed(bench.signers, "signer")[0](body, time.time()))
        expect(told.charge_id is None, f"a webhook of an unknown kind is read as one about the payment {told.charge_id}")
        expect(told.id, "a webhook of an unknown kind has no id")

    def test_a_huge_body_is_refused_in_time(self, bench: GatewayBench) -> None:
        """Whoever sends it must not hold up the others."""
        signer = needed(bench.signers, "signer")[0]
        body = b'{"id": "' + b"x" * _HUGE + b'"}'
        for headers in ({}, dict(signer(b"{}", time.time()))):
            refusal(BadSignature, "a huge body was not signed", partial(_verify_in_time, bench.gateway, body, headers))

    def test_many_are_verified_at_once(self, bench: GatewayBench) -> None:
        """A webhook that comes while another is looked at must not be mixed up with it."""
        notification, signer = needed(bench.notification, "notification"), needed(bench.signers, "signer")[0]
        charges = [pay(bench, new_id()).id for _ in range(4)]
        bodies = [notification(charge) for charge in charges]
        told = at_once([partial(bench.gateway.verify, body, signer(body, time.time())) for body in bodies], "webhooks at once")
        about = [event.charge_id if isinstance(event, GatewayEvent) else event for event in told]
        expect(about == charges, f"webhooks that came at once, about {charges}, were read as about {about}")

    def test_webhooks_that_are_fetched_are_signed_and_come_until_acknowledged(self, bench: GatewayBench) -> None:
        """For a gateway that can't call our URL."""
        gateway = bench.gateway
        if not isinstance(gateway, LocalWebhooks):
            needed(None, "webhooks that are fetched")
            return
        charge = pay(bench, new_id())
        first = _about(gateway, bench.gateway, charge.id)
        expect(first, f"nothing is told of the payment {charge.id}")
        again = _about(gateway, bench.gateway, charge.id)
        expect([hook.id for hook in again] == [hook.id for hook in first], "a webhook that was not acknowledged does not come again")
        for hook in again:
            gateway.acknowledge(hook.id)
        expect(not _about(gateway, bench.gateway, charge.id), "a webhook that was acknowledged comes again")

    @staticmethod
    def _about_a_charge(bench: GatewayBench) -> tuple[str, bytes]:
        notification = needed(bench.notification, "notification")
        charge = pay(bench, new_id())
        return charge.id, notification(charge.id)


def _about(source: LocalWebhooks, gateway: Gateway, charge_id: str) -> list[SignedWebhook]:
    return [hook for hook in source.due_webhooks() if gateway.verify(hook.body, hook.headers).charge_id == charge_id]


def _verify_in_time(gateway: Gateway, body: bytes, headers: Mapping[str, str]) -> GatewayEvent:
    return in_time("a huge webhook", partial(gateway.verify, body, headers))


def _shown(headers: Mapping[str, str]) -> str:
    return f"the headers {headers}"[:200] if headers else "no header"

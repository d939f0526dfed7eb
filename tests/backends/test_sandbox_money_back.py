"""What happens to the sandbox's payments afterwards: refunds that take time, disputes, and lists of all."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from dinnerkit.backends.sandbox import SandboxGateway
from dinnerkit.errors import Conflict, Invalid, NotFound
from dinnerkit.money import Money
from dinnerkit.ports.gateway import Charge, PaymentDisputed
from dinnerkit.testing import StandingClock

PRICE = Money(3500, "EUR")
SOON = timedelta(seconds=5)


@pytest.fixture
def clock() -> StandingClock:
    return StandingClock()


@pytest.fixture
def gateway(tmp_path: Path, clock: StandingClock) -> SandboxGateway:
    return SandboxGateway(tmp_path / "gateway.db", webhook_delay=SOON.total_seconds(), clock=clock)


def charge(gateway: SandboxGateway, key: str = "pay_1", method: str = "pm_card_visa", money: Money = PRICE) -> Charge:
    return gateway.charge(key=key, money=money, method=method, description="Booking")


def told(gateway: SandboxGateway) -> list[str]:
    """The kinds of what was told since the last call."""
    webhooks = list(gateway.due_webhooks())
    for webhook in webhooks:
        gateway.acknowledge(webhook.id)
    return [gateway.verify(webhook.body, webhook.headers).kind for webhook in webhooks]


class TestFees:
    @pytest.mark.parametrize(("amount", "fee"), [(3500, 78), (1, 1), (10, 10), (100_000, 1525)])
    def test_are_known_once_the_payment_succeeded_and_never_more_than_it(self, gateway: SandboxGateway, amount: int, fee: int) -> None:
        assert charge(gateway, money=Money(amount, "JPY")).fee == Money(fee, "JPY")

    def test_are_not_taken_of_what_did_not_succeed(self, gateway: SandboxGateway) -> None:
        assert charge(gateway, method="pm_card_chargeDeclined").fee is None
        assert charge(gateway, "pay_2", "pm_card_authenticationRequired").fee is None


class TestRefundsThatTakeTime:
    def test_one_is_pending_until_it_is_settled_and_then_told(self, gateway: SandboxGateway, clock: StandingClock) -> None:
        made = charge(gateway, method="pm_card_pendingRefund")
        assert gateway.refund(key="re_1", charge_id=made.id, money=PRICE).status == "pending"
        assert [refund.status for refund in gateway.refunds(made.id)] == ["pending"]
        clock.now += SOON
        assert told(gateway) == ["payment_intent.succeeded", "charge.refunded"]
        (settled,) = gateway.refunds(made.id)
        assert (settled.key, settled.status, settled.money, settled.charge_id) == ("re_1", "succeeded", PRICE, made.id)
        clock.now += SOON
        assert told(gateway) == ["refund.updated"]

    def test_one_that_succeeded_may_fail_and_the_money_is_there_again(self, gateway: SandboxGateway, clock: StandingClock) -> None:
        made = charge(gateway, method="pm_card_refundFail")
        assert gateway.refund(key="re_1", charge_id=made.id, money=PRICE).status == "succeeded"
        clock.now += SOON
        assert [refund.status for refund in gateway.refunds(made.id)] == ["failed"]
        assert gateway.refund(key="re_1", charge_id=made.id, money=PRICE).status == "failed"
        assert gateway.refund(key="re_2", charge_id=made.id, money=PRICE).status == "succeeded"
        clock.now += SOON
        assert "refund.failed" in told(gateway)

    def test_the_same_key_answers_what_was_given_whatever_is_asked(self, gateway: SandboxGateway) -> None:
        made = charge(gateway)
        first = gateway.refund(key="re_1", charge_id=made.id, money=Money(500, "EUR"))
        assert gateway.refund(key="re_1", charge_id=made.id, money=PRICE) == first

    def test_of_what_is_not_there_there_is_no_history(self, gateway: SandboxGateway) -> None:
        for ask in (gateway.refunds, gateway.disputes):
            with pytest.raises(NotFound):
                ask("ch_unknown")


class TestDisputes:
    @pytest.mark.parametrize(
        ("method", "reason"),
        [("pm_card_createDispute", "fraudulent"), ("pm_card_createDisputeProductNotReceived", "product_not_received")],
    )
    def test_the_bank_of_some_cards_takes_the_payment_back(
        self, gateway: SandboxGateway, clock: StandingClock, method: str, reason: str
    ) -> None:
        made = charge(gateway, method=method)
        (dispute,) = gateway.disputes(made.id)
        assert (dispute.charge_id, dispute.status, dispute.money, dispute.reason) == (made.id, "open", PRICE, reason)
        assert dispute.fee == Money(1500, PRICE.currency)
        clock.now += SOON
        assert told(gateway) == ["payment_intent.succeeded", "charge.dispute.created"]

    def test_most_payments_have_none(self, gateway: SandboxGateway) -> None:
        assert gateway.disputes(charge(gateway).id) == []

    @pytest.mark.parametrize("won", [True, False])
    def test_is_decided_once(self, gateway: SandboxGateway, clock: StandingClock, won: bool) -> None:
        made = charge(gateway, method="pm_card_createDispute")
        (dispute,) = gateway.disputes(made.id)
        assert gateway.settle_dispute(dispute.id, won=won).status == ("won" if won else "lost")
        with pytest.raises(Conflict):
            gateway.settle_dispute(dispute.id, won=not won)
        assert [found.status for found in gateway.disputes(made.id)] == ["won" if won else "lost"]
        assert [found.fee for found in gateway.disputes(made.id)] == [Money(0 if won else 1500, PRICE.currency)]
        clock.now += SOON
        assert told(gateway)[-1:] == ["charge.dispute.closed"]

    def test_what_is_not_there_can_not_be_decided(self, gateway: SandboxGateway) -> None:
        with pytest.raises(NotFound):
            gateway.settle_dispute("dp_unknown", won=True)

    def test_what_the_bank_has_taken_is_not_given_back_as_well(self, gateway: SandboxGateway) -> None:
        made = charge(gateway, method="pm_card_createDispute")
        with pytest.raises(PaymentDisputed):
            gateway.refund(key="re_1", charge_id=made.id, money=PRICE)
        (dispute,) = gateway.disputes(made.id)
        gateway.settle_dispute(dispute.id, won=True)
        assert gateway.refund(key="re_1", charge_id=made.id, money=PRICE).status == "succeeded"


class TestListing:
    def test_each_is_listed_once_by_when_it_was_made(self, gateway: SandboxGateway, clock: StandingClock) -> None:
        start = clock.now
        made = []
        for number, method in enumerate(("pm_card_visa", "pm_card_createDispute", "pm_card_chargeDeclined")):
            made.append(charge(gateway, f"pay_{number}", method))
            clock.advance(hours=1)
        gateway.refund(key="re_1", charge_id=made[0].id, money=PRICE)
        hours = [start + timedelta(hours=number) for number in range(5)]
        assert [list(gateway.charges(hours[n], hours[n + 1])) for n in range(3)] == [[one] for one in made]
        assert gateway.charges(start, hours[4]) == made
        assert [refund.charge_id for refund in gateway.refunds_made(hours[3], hours[4])] == [made[0].id]
        assert [dispute.charge_id for dispute in gateway.disputes_opened(hours[1], hours[2])] == [made[1].id]
        assert gateway.refunds_made(start, hours[3]) == gateway.disputes_opened(hours[2], hours[4]) == []

    def test_what_is_listed_is_as_it_is_now(self, gateway: SandboxGateway, clock: StandingClock) -> None:
        start = clock.now
        made = charge(gateway, method="pm_card_refundFail")
        gateway.refund(key="re_1", charge_id=made.id, money=PRICE)
        clock.now += SOON
        assert [refund.status for refund in gateway.refunds_made(start, clock.now)] == ["failed"]


def test_a_refund_gives_something_back(gateway: SandboxGateway) -> None:
    with pytest.raises(Invalid):
        gateway.refund(key="re_1", charge_id=charge(gateway).id, money=Money(0, "EUR"))

"""Disputes: learnt from the gateway, and never paid twice."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

import pytest

from dinnerkit.money import Money
from dinnerkit.payment.disputes import DisputeService
from dinnerkit.payment.errors import NoSuchPayment
from dinnerkit.payment.rules import Share
from dinnerkit.ports.gateway import Dispute, PaymentDisputed
from tests.payment.conftest import PRICE, Till

DISPUTED = "pm_card_createDispute"


@pytest.fixture
def disputed(till: Till) -> Till:
    till.pay(method=DISPUTED, share=Share("mina", "dinner-1"))
    till.look(till.row()["charge"], "dispute")
    return till


def settle(till: Till, *, won: bool) -> None:
    (dispute,) = till.gateway.disputes(till.row()["charge"])
    till.gateway.settle_dispute(dispute.id, won=won)
    till.look(till.row()["charge"], "dispute")


def take_only(till: Till, monkeypatch: pytest.MonkeyPatch, amount: int) -> None:
    """Have the bank take a part of the payment alone."""
    whole = till.gateway.disputes
    part = Money(amount, "EUR")
    monkeypatch.setattr(till.gateway, "disputes", lambda charge: [replace(dispute, money=part) for dispute in whole(charge)])


def ask(till: Till) -> None:
    till.refunds.request("pay-1", PRICE, key="cause-1", reason="because")


def test_one_is_learnt_and_told_once(disputed: Till) -> None:
    disputed.look(disputed.row()["charge"])
    payment = disputed.payments.get("pay-1")
    assert payment
    assert payment.disputed
    assert [(dispute["status"], dispute["reason"]) for dispute in disputed.row()["disputes"]] == [("open", "fraudulent")]
    assert disputed.told() == ["payment.succeeded", "payment.dispute_opened", "payment.dispute_fee_changed"]


@pytest.mark.parametrize("won", [True, False])
def test_its_end_is_told_once(disputed: Till, won: bool) -> None:
    settle(disputed, won=won)
    disputed.look(disputed.row()["charge"])
    told = [entry for entry in disputed.row()["outbox"] if entry["kind"] != "payment.dispute_fee_changed"]
    assert [entry["kind"] for entry in told][1:] == ["payment.dispute_opened", "payment.dispute_closed"]
    assert told[-1]["data"]["won"] is won
    payment = disputed.payments.get("pay-1")
    assert payment
    assert payment.disputed is not won


def test_one_that_was_over_before_we_heard_of_it_is_opened_and_closed(till: Till) -> None:
    till.pay(method=DISPUTED)
    settle(till, won=True)
    assert till.told() == ["payment.succeeded", "payment.dispute_opened", "payment.dispute_closed"]


def test_a_webhook_about_one_makes_the_payment_known_too(till: Till) -> None:
    charge = till.gateway.charge(key="pay-1", money=PRICE, method=DISPUTED, description="")
    till.database["payments"].delete_many({})
    till.payments._begin("pay-1", "booking-1", "ada", PRICE, DISPUTED, Share())
    till.look(charge.id, "dispute")
    assert till.told() == ["payment.succeeded", "payment.dispute_opened", "payment.dispute_fee_changed"]


class TestRefundOfADispute:
    def test_is_refused_while_it_is_open_and_once_it_is_lost(self, disputed: Till) -> None:
        for _ in range(2):
            with pytest.raises(PaymentDisputed) as caught:
                ask(disputed)
            assert caught.value.code == "payment_disputed"
            assert disputed.row()["refundable"] == 3500
            if disputed.row()["disputes"][0]["status"] == "open":
                settle(disputed, won=False)

    def test_is_made_once_it_is_won(self, disputed: Till) -> None:
        settle(disputed, won=True)
        ask(disputed)
        disputed.work()
        assert disputed.row()["refunds"][0]["status"] == "succeeded"

    def test_that_was_asked_for_before_waits_and_is_made_once_it_is_won(self, till: Till) -> None:
        till.pay(method=DISPUTED)
        ask(till)
        till.work()
        assert till.row()["refunds"][0]["status"] == "pending"
        settle(till, won=True)
        till.work()
        assert till.row()["refunds"][0]["status"] == "succeeded"

    def test_that_was_asked_for_before_is_dropped_once_it_is_lost(self, till: Till) -> None:
        till.pay(method=DISPUTED, share=Share("mina", "dinner-1"))
        ask(till)
        till.work()
        settle(till, won=False)
        till.work()
        assert till.row()["refunds"][0]["status"] == "dropped"
        assert till.gateway.refunds(till.row()["charge"]) == []
        assert till.balances() == {"gateway": -1578, "gateway_fees": 1578}
        assert till.refunds.refunded("booking-1") == 0

    def test_that_is_more_than_the_bank_took_has_failed_once_it_is_lost(self, till: Till, monkeypatch: pytest.MonkeyPatch) -> None:
        till.pay(method=DISPUTED, share=Share("mina", "dinner-1"))
        take_only(till, monkeypatch, 1000)
        ask(till)
        till.work()
        settle(till, won=False)
        till.work()
        for attempt in (1, 2):
            assert till.told() == []
            (refund,) = till.row()["refunds"]
            assert (refund["status"], len(refund["failed"])) == ("failed", attempt)
            assert till.balances() == {"gateway": 922, "gateway_fees": 1578, "refunds": -3500, "losses": 1000}
            till.refunds.try_again("pay-1", refund["id"])
            till.work()

    def test_that_had_failed_is_dropped_where_the_bank_made_it(self, till: Till, monkeypatch: pytest.MonkeyPatch) -> None:
        till.pay(method="pm_card_refundFail", share=Share("mina", "dinner-1"))
        ask(till)
        till.work()
        assert till.row()["refunds"][0]["status"] == "failed"
        taken = Dispute("dp_1", till.row()["charge"], "lost", PRICE, "fraudulent")
        monkeypatch.setattr(till.gateway, "disputes", lambda _: [taken])
        till.look(taken.charge_id, "dispute")
        till.work()
        assert till.row()["refunds"][0]["status"] == "dropped"
        assert till.balances() == {"gateway": -78, "gateway_fees": 78}

    def test_that_went_back_before_it_was_taken_is_nobody_elses_loss(self, till: Till, monkeypatch: pytest.MonkeyPatch) -> None:
        """The answer to the refund never came; it is asked for before anything is lost."""
        till.pay(share=Share("mina", "dinner-1"))
        ask(till)
        (refund,) = till.row()["refunds"]
        till.gateway.refund(key=refund["id"], charge_id=till.row()["charge"], money=PRICE)
        taken = Dispute("dp_1", till.row()["charge"], "lost", PRICE, "fraudulent")
        monkeypatch.setattr(till.gateway, "disputes", lambda _: [taken])
        till.look(taken.charge_id, "dispute")
        assert till.row()["refunds"][0]["status"] == "succeeded"
        till.work()
        assert till.balances() == {"gateway": -3578, "gateway_fees": 78, "losses": 3500}

    def test_by_who_asks_again_when_it_is_decided_is_no_error(self, disputed: Till) -> None:
        disputed.refunds.request_once_decided("pay-1", PRICE, key="cause-1", reason="because")
        assert disputed.row()["refunds"] == []
        assert disputed.refunds.is_disputed("pay-1")


def test_one_that_makes_no_sense_is_left_to_a_person(till: Till, monkeypatch: pytest.MonkeyPatch) -> None:
    till.pay()
    charge = till.row()["charge"]
    wrong = Dispute("dp_1", charge, "open", Money(3500, "USD"), "fraudulent")
    monkeypatch.setattr(till.gateway, "disputes", lambda _: [wrong, replace(wrong, money=Money(0, "EUR"))])
    till.look(charge)
    assert till.row()["disputes"] == []


def test_what_is_lost_beyond_the_price_is_lost_of_the_deposit(till: Till) -> None:
    till.pay(method=DISPUTED, share=Share("mina", "dinner-1", Money(500, "EUR")))
    till.work()
    settle(till, won=False)
    till.work()
    assert till.row()["deposit_left"] == 0
    assert till.balances() == {"gateway": -1578, "gateway_fees": 1578}


def test_what_changes_while_one_is_lost_is_reckoned_with(till: Till, monkeypatch: pytest.MonkeyPatch) -> None:
    till.pay(method=DISPUTED, share=Share("mina", "dinner-1", Money(500, "EUR")))
    till.look(till.row()["charge"], "dispute")
    keeping = iter([till.deposits.keep])

    def clock() -> datetime:
        for keep in keeping:
            keep("pay-1")
        return till.clock()

    (dispute,) = till.gateway.disputes(till.row()["charge"])
    till.gateway.settle_dispute(dispute.id, won=False)
    monkeypatch.setattr(till.disputes, "_clock", clock)
    till.work()
    assert till.row()["disputes"][0]["lost"] == {"price": 3000, "fee": 300, "deposit": 0, "kept": 500}
    assert till.balances() == {"gateway": -1578, "gateway_fees": 1578}


def test_where_banks_decide_nobody_does_here(till: Till) -> None:
    with pytest.raises(NoSuchPayment):
        DisputeService(till.database, object(), till.clock).decide("dp_1", won=True)  # type: ignore[arg-type]

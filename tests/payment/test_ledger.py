"""Every movement of money is in the ledger, once, whatever is repeated or comes in another order."""

from __future__ import annotations

import random
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dinnerkit.money import Money
from dinnerkit.payment.errors import RefundTooLarge
from dinnerkit.payment.handlers import payment_handlers
from dinnerkit.payment.ledger.checking import LedgerCheck
from dinnerkit.payment.ledger.service import Ledger
from dinnerkit.payment.rules import Share
from dinnerkit.ports.gateway import PaymentDisputed
from tests.payment.conftest import PRICE, Till

MINA = Share(payee="mina", occasion="dinner-1")


def check(till: Till) -> list[str]:
    return [finding.code for finding in LedgerCheck(till.database, till.ledger, till.clock).findings()]


def give_back(till: Till, amount: int = 3500, key: str = "cause-1") -> None:
    till.refunds.request("pay-1", Money(amount, "EUR"), key=key, reason="because")


class TestMovements:
    def test_a_payment_is_posted_with_both_fees(self, till: Till) -> None:
        till.pay(share=MINA)
        till.work()
        assert till.entries() == ["gateway_fee", "payment_succeeded"]
        assert till.balances() == {"gateway": 3422, "gateway_fees": 78, "hosts": -3150, "fees": -350}
        assert till.ledger.owed("mina") == {"EUR": 3150}

    def test_what_did_not_succeed_is_not(self, till: Till) -> None:
        till.pay(method="pm_card_chargeDeclined", share=MINA)
        till.pay("pay-2", "pm_card_authenticationRequired", share=MINA)
        till.work()
        assert till.entries() == []

    def test_a_payment_for_nobody_is_still_the_guests_and_costs_no_fee(self, till: Till) -> None:
        till.pay()
        till.work()
        assert till.balances() == {"gateway": 3422, "gateway_fees": 78, "guests": -3500}

    def test_a_refund_is_owed_then_sent(self, till: Till) -> None:
        till.pay(share=MINA)
        till.work()
        give_back(till, 1000)
        till.ledger.post_payment("pay-1")
        assert till.balances() == {"gateway": 3422, "gateway_fees": 78, "hosts": -2250, "fees": -250, "refunds": -1000}
        till.work()
        assert till.balances() == {"gateway": 2422, "gateway_fees": 78, "hosts": -2250, "fees": -250}

    def test_a_refund_that_came_back_is_owed_again(self, till: Till) -> None:
        till.pay(method="pm_card_refundFail", share=MINA)
        give_back(till)
        till.work()
        assert till.entries() == ["gateway_fee", "payment_succeeded", "refund_failed", "refund_requested", "refund_succeeded"]
        assert till.balances() == {"gateway": 3422, "gateway_fees": 78, "refunds": -3500}
        assert check(till) == []

    @pytest.mark.parametrize(
        ("won", "balances"),
        [(True, {"hosts": -3150, "fees": -350, "gateway": 3422, "gateway_fees": 78}), (False, {"gateway": -1578, "gateway_fees": 1578})],
    )
    def test_a_dispute_is_held_until_it_is_decided(self, till: Till, won: bool, balances: dict[str, int]) -> None:
        till.pay(method="pm_card_createDispute", share=MINA)
        till.work()
        assert till.balances() == {"gateway": -1578, "gateway_fees": 1578, "disputes": 3500, "hosts": -3150, "fees": -350}
        (dispute,) = till.gateway.disputes(till.row()["charge"])
        till.gateway.settle_dispute(dispute.id, won=won)
        till.work()
        assert till.balances() == balances
        assert check(till) == []

    def test_a_deposit_is_given_back_or_kept(self, till: Till) -> None:
        share = Share("mina", "dinner-1", Money(500, "EUR"))
        till.pay("pay-1", share=share)
        till.pay("pay-2", reference="booking-2", share=share)
        till.work()
        assert till.balances()["deposits"] == -1000
        for _ in range(2):
            till.arrive("pay-1")
            till.deposits.keep("pay-1")
            till.deposits.keep("pay-2")
            till.arrive("pay-2")
        till.work()
        assert "deposits" not in till.balances()
        assert till.ledger.owed("mina") == {"EUR": 2700 + 2700 + 500}
        assert check(till) == []


class TestPostingTwice:
    def test_messages_that_are_heard_again_post_nothing(self, till: Till) -> None:
        till.pay(share=MINA)
        give_back(till)
        heard = list(till.row()["outbox"])
        till.work()
        before = list(till.database["ledger"].find())
        for message in heard * 2:
            hear(till, message)
        assert list(till.database["ledger"].find()) == before

    def test_messages_in_any_order_come_to_the_same(self, till: Till) -> None:
        till.pay(method="pm_card_createDispute", share=MINA)
        till.look(till.row()["charge"])
        (dispute,) = till.gateway.disputes(till.row()["charge"])
        till.gateway.settle_dispute(dispute.id, won=True)
        till.look(till.row()["charge"])
        give_back(till, 700)
        messages = till.row()["outbox"]
        till.work()
        first = ledger_of(till)
        for seed in range(5):
            till.database["ledger"].delete_many({})
            random.Random(seed).shuffle(messages)
            for message in messages:
                hear(till, message)
            assert ledger_of(till) == first

    def test_there_is_no_way_to_change_an_entry(self) -> None:
        public = {name for name in vars(Ledger) if not name.startswith("_")}
        assert public == {"post", "post_payment", "post_payout", "has", "balances", "owed", "owed_before", "of_payee"}


class TestChecking:
    @pytest.fixture
    def posted(self, till: Till) -> Till:
        till.pay(share=MINA)
        give_back(till, 1000)
        till.work()
        till.clock.advance(hours=1)
        assert check(till) == []
        return till

    @pytest.mark.parametrize(
        ("damage", "codes"),
        [
            (lambda till: till.database["ledger"].delete_one({"_id": "payment_succeeded:pay-1"}), ["missing_entry"]),
            (
                lambda till: till.database["ledger"].update_one({"_id": "payment_succeeded:pay-1"}, {"$inc": {"postings.0.amount": 1}}),
                ["unbalanced_entry", "unbalanced_currency", "wrong_entry"],
            ),
            (lambda till: till.database["ledger"].update_one({"_id": "gateway_fee:pay-1"}, {"$set": {"payee": "eve"}}), ["wrong_entry"]),
            (lambda till: till.database["payments"].update_one({}, {"$set": {"refunds": []}}), ["entry_without_cause"] * 2),
            (lambda till: till.database["payments"].delete_one({}), ["entry_without_cause"] * 4),
            (
                lambda till: till.database["ledger"].update_many({}, {"$set": {"currency": "USD"}}),
                ["wrong_entry"] * 4,
            ),
        ],
        ids=["an entry lost", "an amount changed", "a payee changed", "a refund forgotten", "a payment forgotten", "a currency changed"],
    )
    def test_finds_what_was_tampered_with(self, posted: Till, damage: Callable[[Till], object], codes: list[str]) -> None:
        damage(posted)
        assert check(posted) == codes

    def test_what_is_on_its_way_is_not_missing_yet(self, till: Till) -> None:
        till.pay(share=MINA)
        assert check(till) == []
        till.clock.advance(minutes=1)
        assert check(till) == ["missing_entry", "missing_entry"]
        till.work()
        assert check(till) == []


steps = st.lists(
    st.sampled_from(["pay", "refund a part", "refund all", "look", "win", "lose", "keep", "arrive", "work", "hear again"]),
    max_size=12,
)


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    steps=steps,
    method=st.sampled_from(["pm_card_visa", "pm_card_createDispute", "pm_card_refundFail", "pm_card_pendingRefund"]),
    deposit=st.integers(0, 3500),
)
def test_whatever_happens_in_whatever_order_the_ledger_agrees(till: Till, steps: list[str], method: str, deposit: int) -> None:
    for name in ("payments", "ledger", "gateway_notifications"):
        till.database[name].delete_many({})
    with till.gateway.books.writing() as books:
        for table in ("webhooks", "refunds", "disputes", "charges"):
            books.execute(f"delete from {table}")  # noqa: S608 - one of these
    for number, step in enumerate(["pay", *steps]):
        take(till, step, number, method, deposit)
    till.work()
    till.clock.advance(hours=1)
    till.work()
    assert check(till) == []
    (charge,) = [till.gateway.find("pay-1")]
    assert charge
    assert charge.fee
    went = sum(refund.money.amount for refund in till.gateway.refunds(charge.id) if refund.status == "succeeded")
    disputes = till.gateway.disputes(charge.id)
    taken = sum(dispute.money.amount for dispute in disputes if dispute.status != "won")
    kept = charge.fee.amount + sum(dispute.fee.amount for dispute in disputes if dispute.fee)
    assert till.balances().get("gateway", 0) == PRICE.amount - kept - went - taken


def take(till: Till, step: str, number: int, method: str, deposit: int) -> None:
    """Take one step; a refund that is refused is none."""
    steps: dict[str, Callable[[], object]] = {
        "pay": lambda: till.pay(method=method, share=Share("mina", "dinner-1", Money(deposit, "EUR"))),
        "refund a part": lambda: give_back(till, 700, f"cause-{number}"),
        "refund all": lambda: give_back(till, 3500, f"cause-{number}"),
        "win": lambda: decide(till, won=True),
        "lose": lambda: decide(till, won=False),
        "keep": lambda: till.deposits.keep("pay-1"),
        "arrive": lambda: till.arrive("pay-1"),
        "work": till.work,
        "look": lambda: till.look(till.row()["charge"]),
        "hear again": lambda: [hear(till, message) for message in till.row()["outbox"]],
    }
    with suppress(RefundTooLarge, PaymentDisputed):
        steps[step]()


def decide(till: Till, *, won: bool) -> None:
    for dispute in till.gateway.disputes(till.row()["charge"]):
        if dispute.status == "open":
            till.gateway.settle_dispute(dispute.id, won=won)


def hear(till: Till, message: dict[str, Any]) -> None:
    for handler in payment_handlers(till.payments, till.refunds, till.disputes, till.ledger):
        if handler.message.kind == message["kind"]:
            handler.run(handler.message.from_document(message["data"]))


def ledger_of(till: Till) -> list[dict[str, Any]]:
    return list(till.database["ledger"].find({}, {"posted_at": 0}).sort("_id", 1))

"""What banks take is whoever's it is: nobody loses more than they had, and no cent is lost in between."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from dinnerkit.money import Money
from dinnerkit.payment.errors import RefundTooLarge
from dinnerkit.payment.ledger.checking import LedgerCheck
from dinnerkit.payment.ledger.losses import earned, loss_of, made_good
from dinnerkit.payment.ledger.reading import paid as read
from dinnerkit.payment.ledger.rules import Account, Disputed, Entry, Paid, Refund, Shares, entries_of, fee_share
from dinnerkit.payment.rules import Share
from dinnerkit.ports.gateway import Dispute, PaymentDisputed
from tests.payment.conftest import Till

NOW = datetime(2026, 11, 1, 12, tzinfo=UTC)


def paid(**changes: object) -> Paid:
    """A dinner of 35.00 and a deposit of 10.00, of which the platform keeps 3.50."""
    facts = {"id": "p", "reference": "b", "payee": "mina", "occasion": "e", "currency": "EUR", "succeeded_at": NOW}
    sums = {"amount": 4500, "deposit": 1000, "platform_fee": 350}
    return Paid(**(facts | sums | changes))  # type: ignore[arg-type]


def lost(payment: Paid, *amounts: int) -> Paid:
    """The payment, after banks have taken these for good, one after the other."""
    for amount in amounts:
        dispute = Disputed(f"d{len(payment.disputes)}", amount, NOW, NOW, lost=loss_of(payment, amount))
        payment = replace(payment, disputes=(*payment.disputes, dispute))
    return payment


def stands(payment: Paid, account: Account) -> int:
    return sum(entry.postings.get(account, 0) for entry in entries_of(payment))


def sent(amount: int, deposit: int = 0) -> Refund:
    return Refund("r", amount, deposit, NOW, succeeded_at=NOW)


class TestADispute:
    @pytest.mark.parametrize(("amount", "host"), [(4500, 0), (4000, 0), (3500, 0), (1000, 2250), (4501, 0)])
    def test_that_is_open_counts_of_the_price_alone(self, amount: int, host: int) -> None:
        assert earned(paid(disputes=(Disputed("d", amount, NOW),))) == host
        assert earned(lost(paid(), amount)) == host

    def test_of_a_deposit_that_went_back_costs_the_host_the_price_alone(self) -> None:
        both = lost(paid(refunds=(sent(1000, 1000),)), 4500)
        assert earned(both) == 0
        assert stands(both, Account.FEES) == 0
        assert stands(both, Account.LOSSES) == 1000

    def test_of_a_deposit_that_the_host_has_kept_takes_that_too(self) -> None:
        kept = paid(kept=(1000, NOW))
        assert [earned(lost(kept, amount)) for amount in (3500, 4000, 4500, 5000)] == [1000, 500, 0, 0]
        assert stands(lost(kept, 4500), Account.FEES) == 0
        assert earned(replace(kept, disputes=(Disputed("d", 4000, NOW),))) == 500

    def test_in_parts_is_rounded_as_if_it_were_one(self) -> None:
        odd = paid(amount=1000, deposit=0, platform_fee=15)
        assert [stands(lost(odd, *parts), Account.FEES) for parts in ((333, 333, 334), (1000,))] == [0, 0]
        half = lost(replace(odd, refunds=(sent(500),)), 500)
        assert (earned(half), stands(half, Account.FEES)) == (0, 0)

    def test_makes_good_first_what_is_owed_to_the_guest_anyway(self) -> None:
        owing = paid(refunds=(Refund("r", 2000, 0, NOW, owed=True),))
        assert loss_of(owing, 4500) == Shares(price=1500, fee=150, deposit=1000)
        assert loss_of(owing, 1999) == Shares(price=1500, fee=150, deposit=499)
        assert made_good(lost(owing, 4500)) == ["r"]
        assert made_good(lost(owing, 1999)) == []
        again = replace(owing.refunds[0], id="again")
        both = lost(replace(owing, amount=6500, refunds=(again, *owing.refunds)), 2000)
        assert made_good(both) == ["again"]
        dropped = replace(again, owed=False, dropped_at=NOW)
        assert made_good(replace(both, refunds=(dropped, *owing.refunds))) == []
        assert earned(lost(owing, 2000)) == earned(owing) == 1350


@st.composite
def stories(draw: st.DrawFn) -> list[Paid]:
    """A payment after each step of what it went through, by the rules by which the services let it."""
    amount = draw(st.integers(1, 300))
    deposit = draw(st.integers(0, amount))
    payment = paid(amount=amount, deposit=deposit, platform_fee=draw(st.integers(0, amount - deposit)))
    told, left = [payment], Shares(price=amount - deposit, deposit=deposit)
    for number in range(draw(st.integers(0, 8))):
        act = draw(st.sampled_from(("refund", "refund", "keep", "open", "close")))
        undisputed = all(dispute.won for dispute in payment.disputes)
        undecided = [dispute for dispute in payment.disputes if not dispute.closed_at]
        if act == "refund" and undisputed and left.price + left.deposit:
            part = Shares(price=draw(st.integers(0, left.price)), deposit=draw(st.integers(0, left.deposit)))
            if part.amount:
                refund = Refund(f"r{number}", part.amount, part.deposit, NOW, owed=draw(st.booleans()))
                payment = replace(payment, refunds=(*payment.refunds, refund if refund.owed else replace(refund, succeeded_at=NOW)))
                left = replace(left, price=left.price - part.price, deposit=left.deposit - part.deposit)
        elif act == "keep" and not payment.kept and left.deposit:
            payment, left = replace(payment, kept=(left.deposit, NOW)), replace(left, deposit=0)
        elif act == "open":
            payment = replace(payment, disputes=(*payment.disputes, Disputed(f"d{number}", draw(st.integers(1, 2 * amount)), NOW)))
        elif act == "close" and undecided:
            won = draw(st.booleans())
            shares = Shares() if won else loss_of(payment, undecided[0].amount)
            closed = replace(undecided[0], closed_at=NOW, won=won, lost=shares)
            payment = replace(payment, disputes=tuple(closed if one.id == closed.id else one for one in payment.disputes))
            covered = made_good(payment)
            refunds = (replace(one, owed=False, dropped_at=NOW) if one.id in covered else one for one in payment.refunds)
            payment, left = replace(payment, refunds=tuple(refunds)), replace(left, deposit=left.deposit - shares.deposit)
        told.append(payment)
    return told


@given(stories())
@settings(max_examples=300)
def test_whatever_happens_nobody_loses_more_than_they_had(story: list[Paid]) -> None:
    before: dict[str, Entry] = {}
    for payment in story:
        entries = {entry.id: entry for entry in entries_of(payment)}
        assert before.items() <= entries.items(), "an entry has changed"
        assert not any(sum(entry.postings.values()) for entry in entries.values())
        before = entries
        rest = payment.price - payment.platform_fee
        assert 0 <= earned(payment) <= -stands(payment, Account.HOSTS) <= rest + (payment.kept[0] if payment.kept else 0)
        assert 0 <= -stands(payment, Account.FEES) <= payment.platform_fee
        assert 0 <= -stands(payment, Account.DEPOSITS) <= payment.deposit
        assert stands(payment, Account.LOSSES) >= 0
        assert stands(payment, Account.REFUNDS) == -sum(one.amount for one in payment.refunds if not (one.succeeded_at or one.dropped_at))


@given(stories())
def test_whatever_happens_what_is_gone_of_the_price_is_rounded_once(story: list[Paid]) -> None:
    payment = story[-1]
    gone = sum(refund.amount - refund.deposit for refund in payment.refunds)
    gone += sum(dispute.lost.price for dispute in payment.disputes)
    assert -stands(payment, Account.FEES) == payment.platform_fee - fee_share(payment, gone)
    assert earned(lost(payment, 3 * payment.amount)) == 0
    assert stands(lost(payment, 3 * payment.amount), Account.FEES) == 0


class AtTheTill(RuleBasedStateMachine):
    """A payment with a deposit, whose guest, bank and host do anything, while the worker hears of it late or at once."""

    till: Till

    @initialize(method=st.sampled_from(["pm_card_visa", "pm_card_refundFail"]))
    def begin(self, method: str) -> None:
        for name in ("payments", "ledger", "gateway_notifications"):
            self.till.database[name].delete_many({})
        self.number = AtTheTill.begun = getattr(AtTheTill, "begun", 0) + 1
        self.disputes: list[Dispute] = []
        self.till.gateway.disputes = lambda _: list(self.disputes)  # type: ignore[method-assign]
        self.till.gateway.before = self._refuse_while_disputed
        self.till.pay(self.payment, method, share=Share("mina", "dinner-1", Money(1000, "EUR")))
        self.charge = self.till.row(self.payment)["charge"]

    @property
    def payment(self) -> str:
        return f"pay-{self.number}"

    def _refuse_while_disputed(self, what: str) -> None:
        if what == "refund" and any(dispute.status != "won" for dispute in self.disputes):
            raise PaymentDisputed("the bank has it")

    @rule(amount=st.sampled_from([1, 333, 500, 1000, 2500, 3500]))
    def give_back(self, amount: int) -> None:
        before = self.till.row(self.payment)
        undisputed = all(dispute["status"] == "won" for dispute in before["disputes"])
        try:
            self.till.refunds.request(self.payment, Money(amount, "EUR"), key=f"cause-{len(before['refunds'])}", reason="because")
        except (PaymentDisputed, RefundTooLarge):
            assert amount > before["refundable"] or not undisputed
        else:
            assert amount <= before["refundable"]
            assert undisputed

    @rule()
    def retry(self) -> None:
        for refund in self.till.row(self.payment)["refunds"]:
            self.till.refunds.try_again(self.payment, refund["id"])

    @rule()
    def keep_deposit(self) -> None:
        self.till.deposits.keep(self.payment)

    @rule(amount=st.sampled_from([1, 333, 999, 2500, 3000, 3500, 4000]))
    def take(self, amount: int) -> None:
        self.disputes.append(Dispute(f"dp_{self.number}_{len(self.disputes)}", self.charge, "open", Money(amount, "EUR"), "fraudulent"))

    @rule(won=st.booleans(), heard=st.booleans())
    def decide(self, won: bool, heard: bool) -> None:
        """``heard`` is whether we knew before of what is decided here."""
        if heard:
            self.till.disputes.sync(self.payment)
        self.disputes = [replace(one, status="won" if won else "lost") if one.status == "open" else one for one in self.disputes]

    @rule()
    def hear(self) -> None:
        self.till.look(self.charge)
        self.till.work()

    @invariant()
    def nobody_has_lost_more_than_they_had(self) -> None:
        if getattr(self, "number", None) is None:
            return
        row = self.till.row(self.payment)
        payment = read(row)
        assert 0 <= earned(payment) <= 2250 + (payment.kept[0] if payment.kept else 0)
        assert 0 <= -stands(payment, Account.FEES) <= 250
        assert stands(payment, Account.LOSSES) >= 0
        spoken_for = sum(refund.deposit for refund in payment.refunds) + sum(dispute.lost.deposit for dispute in payment.disputes)
        assert row["deposit_left"] == 1000 - spoken_for - (payment.kept[0] if payment.kept else 0)
        went = sum(refund.money.amount for refund in self.till.gateway.refunds(self.charge) if refund.status != "failed")
        assert went <= 3500

    def teardown(self) -> None:
        if getattr(self, "number", None) is None:
            return
        self.hear()
        self.till.look(self.charge)
        self.till.work()
        later = LedgerCheck(self.till.database, self.till.ledger, lambda: self.till.clock() + timedelta(hours=1))
        assert list(later.findings()) == []
        assert self.till.balances().get("hosts", 0) <= 0
        lost_for_good = any(dispute.status == "lost" for dispute in self.disputes)
        undecided = any(dispute.status == "open" for dispute in self.disputes)
        for refund in self.till.row(self.payment)["refunds"]:
            assert refund["status"] != "pending" or undecided, "a refund waits for nothing"
            assert refund["status"] != "dropped" or lost_for_good


def test_in_the_database_too_nobody_loses_more_than_they_had(till: Till) -> None:
    AtTheTill.till = till
    quick = settings(max_examples=15, stateful_step_count=12, deadline=None, suppress_health_check=list(HealthCheck))
    run_state_machine_as_test(AtTheTill, settings=quick)

"""Whatever a payment goes through, its entries balance, and nothing is gained or lost on the way."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dinnerkit.payment.ledger.rules import (
    Account,
    Disputed,
    Entry,
    FailedRefund,
    Paid,
    PaidOut,
    Refund,
    Shares,
    entries_of,
    entries_of_payout,
)

NOW = datetime(2026, 11, 1, 12, tzinfo=UTC)
LATER = NOW + timedelta(hours=1)


def paid(**changes: object) -> Paid:
    facts = {"id": "p", "reference": "b", "payee": "mina", "occasion": "e", "currency": "EUR", "amount": 3500, "succeeded_at": NOW}
    return Paid(**(facts | changes))  # type: ignore[arg-type]


def totals(entries: list[Entry]) -> dict[str, int]:
    """What the entries leave on each account; those at zero are left out."""
    found: Counter[Account] = Counter()
    for entry in entries:
        found.update(entry.postings)
    return {str(account): amount for account, amount in found.items() if amount}


class TestAPayment:
    def test_is_the_hosts_less_what_the_platform_keeps(self) -> None:
        entries = entries_of(paid(platform_fee=350, gateway_fee=78))
        assert [entry.id for entry in entries] == ["payment_succeeded:p", "gateway_fee:p"]
        assert totals(entries) == {"gateway": 3422, "hosts": -3150, "fees": -350, "gateway_fees": 78}

    def test_for_nobody_in_particular_stays_the_guests(self) -> None:
        assert totals(entries_of(paid(payee=None))) == {"gateway": 3500, "guests": -3500}

    def test_has_its_deposit_apart(self) -> None:
        assert totals(entries_of(paid(deposit=500))) == {"gateway": 3500, "hosts": -3000, "deposits": -500}
        assert totals(entries_of(paid(deposit=500, kept=(500, LATER)))) == {"gateway": 3500, "hosts": -3500}
        back = Refund("r", 500, 500, LATER, succeeded_at=LATER)
        assert totals(entries_of(paid(deposit=500, refunds=(back,)))) == {"gateway": 3000, "hosts": -3000}


class TestARefund:
    def test_is_owed_to_the_guest_from_when_it_is_asked_for(self) -> None:
        asked = paid(platform_fee=350, refunds=(Refund("r", 3500, 0, LATER),))
        assert totals(entries_of(asked)) == {"gateway": 3500, "refunds": -3500}

    def test_leaves_nothing_once_it_is_made(self) -> None:
        made = paid(platform_fee=350, refunds=(Refund("r", 3500, 0, LATER, succeeded_at=LATER),))
        assert totals(entries_of(made)) == {}

    def test_that_came_back_is_owed_again(self) -> None:
        failed = FailedRefund(1, LATER, NOW)
        entries = entries_of(paid(refunds=(Refund("r", 3500, 0, NOW, failed=(failed,)),)))
        assert totals(entries) == {"gateway": 3500, "refunds": -3500}
        assert [entry.id for entry in entries][2:] == ["refund_succeeded:r:1", "refund_failed:r:1"]
        again = Refund("r", 3500, 0, NOW, attempt=2, succeeded_at=LATER, failed=(failed,))
        assert totals(entries_of(paid(refunds=(again,)))) == {}

    def test_that_never_left_moves_nothing(self) -> None:
        entries = entries_of(paid(refunds=(Refund("r", 3500, 0, NOW, failed=(FailedRefund(1, LATER, None),)),)))
        assert [entry.id for entry in entries] == ["payment_succeeded:p", "refund_requested:r"]

    def test_that_is_dropped_was_made_by_the_bank(self) -> None:
        refund = Refund("r", 1000, 0, NOW, dropped_at=LATER)
        dropped = paid(platform_fee=350, refunds=(refund,), disputes=(Disputed("d", 1000, NOW, NOW),))
        assert totals(entries_of(dropped)) == {"gateway": 2500, "hosts": -2250, "fees": -250}


class TestADispute:
    def test_takes_the_money_from_the_gateway_until_it_is_decided(self) -> None:
        assert totals(entries_of(paid(disputes=(Disputed("d", 3500, NOW),)))) == {"disputes": 3500, "hosts": -3500}

    def test_that_is_won_brings_it_back(self) -> None:
        won = paid(disputes=(Disputed("d", 3500, NOW, LATER, won=True),))
        assert totals(entries_of(won)) == {"gateway": 3500, "hosts": -3500}

    def test_that_is_lost_is_lost_by_those_who_had_it(self) -> None:
        lost = paid(platform_fee=350, disputes=(Disputed("d", 3500, NOW, LATER, lost=Shares(3500, 350)),))
        assert totals(entries_of(lost)) == {}

    def test_costs_what_the_gateway_keeps_for_it(self) -> None:
        dispute = Disputed("d", 3500, NOW, LATER, lost=Shares(3500), fees=((1500, NOW), (2000, NOW), (-2000, LATER)))
        entries = entries_of(paid(disputes=(dispute,)))
        assert [entry.id for entry in entries][-3:] == ["dispute_fee:d:1", "dispute_fee:d:2", "dispute_fee_returned:d:3"]
        assert totals(entries) == {"gateway": -1500, "gateway_fees": 1500}

    def test_whose_fee_comes_back_costs_nothing(self) -> None:
        dispute = Disputed("d", 3500, NOW, LATER, won=True, fees=((1500, NOW), (-1500, LATER)))
        assert totals(entries_of(paid(disputes=(dispute,)))) == {"gateway": 3500, "hosts": -3500}


def test_a_payout_leaves_the_gateway_and_may_come_back() -> None:
    out = PaidOut("o", "mina", "e", "EUR", 3000, NOW)
    assert totals(entries_of_payout(out)) == {"hosts": 3000, "gateway": -3000}
    assert totals(entries_of_payout(PaidOut("o", "mina", "e", "EUR", 3000, NOW, LATER))) == {}


@pytest.mark.parametrize("postings", [{Account.GATEWAY: 1}, {Account.GATEWAY: 1, Account.HOSTS: -2}, {Account.GATEWAY: 0}])
def test_what_does_not_balance_is_no_entry(postings: dict[Account, int]) -> None:
    with pytest.raises(ValueError, match="does not balance"):
        Entry("payment_succeeded:p", NOW, "EUR", postings)


amounts = st.integers(1, 10_000)
moments = st.integers(0, 1000).map(lambda minutes: NOW + timedelta(minutes=minutes))
fees = st.lists(st.tuples(st.integers(-5000, 5000).filter(bool), moments), max_size=3).map(tuple)


@st.composite
def refunds(draw: st.DrawFn, most: int, number: int) -> Refund:
    amount = draw(st.integers(1, most))
    ends = draw(st.sampled_from(("pending", "succeeded", "dropped")))
    failed = tuple(FailedRefund(attempt, draw(moments), draw(st.none() | moments)) for attempt in range(1, draw(st.integers(1, 3))))
    return Refund(
        f"r{number}",
        amount,
        0,
        draw(moments),
        attempt=len(failed) + 1,
        succeeded_at=draw(moments) if ends == "succeeded" else None,
        dropped_at=draw(moments) if ends == "dropped" else None,
        failed=failed,
    )


@st.composite
def payments(draw: st.DrawFn) -> Paid:
    amount = draw(amounts)
    deposit = draw(st.integers(0, amount))
    left, made = amount - deposit, []
    while left and len(made) < 5 and draw(st.booleans()):
        made.append(draw(refunds(left, len(made))))
        left -= made[-1].amount
    disputes = [
        Disputed(f"d{number}", draw(amounts), draw(moments), draw(st.none() | moments), draw(st.booleans()), fees=draw(fees))
        for number in range(draw(st.integers(0, 2)))
    ]
    return paid(
        amount=amount,
        deposit=deposit,
        platform_fee=draw(st.integers(0, amount - deposit)),
        gateway_fee=draw(st.none() | st.integers(0, amount)),
        payee=draw(st.sampled_from(["mina", None])),
        kept=(deposit, draw(moments)) if deposit and draw(st.booleans()) else None,
        refunds=tuple(made),
        disputes=tuple(disputes),
    )


@given(payments())
def test_whatever_happens_every_entry_balances_and_each_cause_has_one(payment: Paid) -> None:
    entries = entries_of(payment)
    assert all(sum(entry.postings.values()) == 0 for entry in entries)
    assert len({entry.id for entry in entries}) == len(entries)
    assert sum(totals(entries).values()) == 0


@given(payments())
def test_whatever_happens_the_gateway_has_what_came_less_what_went(payment: Paid) -> None:
    went = sum(refund.amount for refund in payment.refunds if refund.succeeded_at)
    taken = sum(dispute.amount for dispute in payment.disputes if not (dispute.closed_at and dispute.won))
    kept = (payment.gateway_fee or 0) + sum(more for dispute in payment.disputes for more, _ in dispute.fees)
    assert totals(entries_of(payment)).get("gateway", 0) == payment.amount - went - taken - kept


@given(payments())
def test_what_is_given_back_in_full_leaves_neither_fee_nor_earning(payment: Paid) -> None:
    gone = sum(refund.amount for refund in payment.refunds)
    last = Refund("rest", payment.amount - gone, payment.deposit, NOW)
    whole = paid(
        amount=payment.amount,
        deposit=payment.deposit,
        platform_fee=payment.platform_fee,
        refunds=tuple(Refund(refund.id, refund.amount, 0, refund.at) for refund in payment.refunds) + ((last,) if last.amount else ()),
    )
    assert totals(entries_of(whole)) == {"gateway": payment.amount, "refunds": -payment.amount}


@given(payments(), st.integers(0, 5))
def test_what_happens_later_changes_no_entry_that_was_there_before(payment: Paid, seen: int) -> None:
    fewer = paid(
        amount=payment.amount,
        deposit=payment.deposit,
        platform_fee=payment.platform_fee,
        payee=payment.payee,
        refunds=tuple(Refund(refund.id, refund.amount, refund.deposit, refund.at) for refund in payment.refunds[:seen]),
        disputes=tuple(
            Disputed(dispute.id, dispute.amount, dispute.opened_at, fees=dispute.fees[:seen]) for dispute in payment.disputes[:seen]
        ),
    )
    before = {entry.id: entry for entry in entries_of(fewer)}
    after = {entry.id: entry for entry in entries_of(payment)}
    assert before.items() <= after.items()

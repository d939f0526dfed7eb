"""What we believe is held against what the gateway says: every difference is named, and what is safe is repaired."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from dinnerkit.backends.sandbox import SandboxGateway
from dinnerkit.errors import Invalid, Unavailable
from dinnerkit.money import Money
from dinnerkit.payment.ledger.checking import LedgerCheck
from dinnerkit.payment.reconciliation.comparing import Mismatch
from dinnerkit.payment.reconciliation.service import Reconciliation
from dinnerkit.payment.rules import Share
from dinnerkit.ports.gateway import Listings
from tests.payment.conftest import Till

MINA = Share(payee="mina", occasion="dinner-1")
DAY = timedelta(days=1)


def reconcile(till: Till, *, repair: bool = True) -> list[tuple[str, bool]]:
    return [(mismatch.code, mismatch.repaired) for mismatch in all_of(till, repair=repair)]


def all_of(till: Till, *, repair: bool = True) -> tuple[Mismatch, ...]:
    return till.reconciliation.run(till.clock() - DAY, till.clock() + timedelta(seconds=1), repair=repair).mismatches


def change(till: Till, sql: str) -> None:
    with till.gateway.books.writing() as books:
        books.execute(sql)


def give_back(till: Till, amount: int = 1000) -> None:
    till.refunds.request("pay-1", Money(amount, "EUR"), key="cause-1", reason="because")


@pytest.fixture
def busy(till: Till) -> Till:
    """Payments of every end, a refund, and a dispute, all known and posted."""
    till.pay("pay-1", share=MINA)
    till.pay("pay-2", "pm_card_chargeDeclined", "booking-2", MINA)
    till.pay("pay-3", "pm_card_createDispute", "booking-3", MINA)
    till.pay("pay-4", "pm_card_authenticationRequired", "booking-4", MINA)
    give_back(till)
    till.work()
    till.clock.advance(minutes=20)
    return till


def test_where_all_agrees_nothing_is_found(busy: Till) -> None:
    report = busy.reconciliation.run(busy.clock() - DAY)
    assert report.mismatches == ()
    assert report.compared == 4 + 1 + 1


def miss_a_success(till: Till) -> None:
    till.gateway.authenticate(till.row("pay-4")["client_secret"], approve=True)


def miss_a_decline(till: Till) -> None:
    till.gateway.authenticate(till.row("pay-4")["client_secret"], approve=False)


def miss_a_refund(till: Till) -> None:
    till.database["payments"].update_one(
        {"_id": "pay-1"}, {"$set": {"refunds.0.status": "pending"}, "$unset": {"refunds.0.succeeded_at": 1}}
    )
    till.database["ledger"].delete_one({"_id": {"$regex": "^refund_succeeded"}})


def miss_the_end_of_a_dispute(till: Till) -> None:
    (dispute,) = till.gateway.disputes(till.row("pay-3")["charge"])
    till.gateway.settle_dispute(dispute.id, won=True)


def miss_a_dispute(till: Till) -> None:
    till.database["payments"].update_one({"_id": "pay-3"}, {"$set": {"disputes": []}})
    till.database["ledger"].delete_many({"_id": {"$regex": "^dispute_"}})


def miss_a_dispute_fee(till: Till) -> None:
    till.database["payments"].update_one({"_id": "pay-3"}, {"$unset": {"disputes.0.fees": 1}})
    till.database["ledger"].delete_one({"_id": {"$regex": "^dispute_fee"}})


def lose_an_entry(till: Till) -> None:
    till.database["ledger"].delete_one({"_id": "payment_succeeded:pay-1"})


def miss_a_fee(till: Till) -> None:
    till.database["payments"].update_one({"_id": "pay-1"}, {"$unset": {"gateway_fee": 1}})
    till.database["ledger"].delete_one({"_id": "gateway_fee:pay-1"})


REPAIRED: list[tuple[Callable[[Till], None], list[str]]] = [
    (miss_a_success, ["charge_status"]),
    (miss_a_decline, ["charge_status"]),
    (miss_a_refund, ["refund_status"]),
    (miss_the_end_of_a_dispute, ["dispute_status"]),
    (miss_a_dispute, ["dispute_status"]),
    (miss_a_dispute_fee, ["dispute_fee"]),
    (lose_an_entry, ["missing_entry"]),
    (miss_a_fee, ["gateway_fee"]),
]


@pytest.mark.parametrize(("miss", "codes"), REPAIRED, ids=[miss.__name__ for miss, _ in REPAIRED])
def test_what_we_missed_is_named_and_caught_up_with(busy: Till, miss: Callable[[Till], None], codes: list[str]) -> None:
    miss(busy)
    for _ in range(2):
        dry = reconcile(busy, repair=False)
        assert [code for code, _ in dry if code != "entry_without_cause"] == codes
        assert not any(repaired for _, repaired in dry)
    found = reconcile(busy)
    assert [code for code, repaired in found if repaired] == codes
    busy.work()
    busy.clock.advance(minutes=2)
    assert reconcile(busy) == []


def forget_a_payment(till: Till) -> None:
    till.database["payments"].delete_one({"_id": "pay-4"})


def change_an_amount(till: Till) -> None:
    change(till, "update charges set amount = 1 where key = 'pay-4'")


def change_a_currency(till: Till) -> None:
    change(till, "update charges set currency = 'USD' where key = 'pay-4'")


def undo_a_success(till: Till) -> None:
    change(till, "update charges set status = 'declined' where key = 'pay-3'")
    change(till, "delete from disputes")
    till.database["payments"].update_one({"_id": "pay-3"}, {"$set": {"disputes": []}})
    till.database["ledger"].delete_many({"_id": {"$regex": "^dispute"}})


def forget_a_charge(till: Till) -> None:
    change(till, "delete from charges where key = 'pay-4'")


def refund_by_hand(till: Till) -> None:
    till.gateway.refund(key="by-hand", charge_id=till.row()["charge"], money=Money(100, "EUR"))


def forget_a_refund(till: Till) -> None:
    change(till, "delete from refunds")


def change_a_refund(till: Till) -> None:
    change(till, "update refunds set amount = 1")


def tamper_with_an_entry(till: Till) -> None:
    till.database["ledger"].update_one({"_id": "gateway_fee:pay-1"}, {"$set": {"reference": "booking-9"}})


LEFT: list[tuple[Callable[[Till], None], list[str]]] = [
    (forget_a_payment, ["unknown_charge"]),
    (change_an_amount, ["charge_amount"]),
    (change_a_currency, ["charge_amount"]),
    (undo_a_success, ["charge_not_succeeded"]),
    (forget_a_charge, ["missing_charge"]),
    (refund_by_hand, ["unknown_refund"]),
    (forget_a_refund, ["missing_refund"]),
    (change_a_refund, ["refund_amount"]),
    (tamper_with_an_entry, ["wrong_entry"]),
]


@pytest.mark.parametrize(("damage", "codes"), LEFT, ids=[damage.__name__ for damage, _ in LEFT])
def test_what_a_person_must_look_at_is_named_and_left(busy: Till, damage: Callable[[Till], None], codes: list[str]) -> None:
    damage(busy)
    assert reconcile(busy) == [(code, False) for code in codes]
    assert reconcile(busy) == [(code, False) for code in codes]


def test_a_refund_that_was_never_asked_for_at_the_gateway_is_asked_for(till: Till) -> None:
    till.pay(share=MINA)
    till.work()
    give_back(till)
    till.ledger.post_payment("pay-1")
    assert reconcile(till) == []
    till.clock.advance(minutes=11)
    assert reconcile(till) == [("refund_not_made", True)]
    assert [refund.status for refund in till.gateway.refunds(till.row()["charge"])] == ["succeeded"]


def test_a_refund_that_failed_stays_on_the_list(till: Till) -> None:
    till.pay(method="pm_card_refundFail", share=MINA)
    give_back(till)
    till.work()
    till.clock.advance(minutes=2)
    assert reconcile(till) == [("refund_failed", False)]


def test_what_was_made_a_moment_apart_is_the_same(till: Till) -> None:
    till.pay(share=MINA)
    till.work()
    change(till, "update charges set created_at = created_at - 172800")
    assert reconcile(till) == []


class WithoutLists:
    """A gateway that answers when it is asked, and lists nothing."""

    def __init__(self, gateway: SandboxGateway) -> None:
        self._gateway = gateway

    def __getattr__(self, name: str) -> Any:
        if name in {"charges", "refunds_made", "disputes_opened"}:
            raise AttributeError(name)
        return getattr(self._gateway, name)


def test_a_gateway_that_lists_nothing_is_asked_about_what_we_know(busy: Till) -> None:
    gateway: Any = WithoutLists(busy.gateway)
    assert not isinstance(gateway, Listings)
    check = LedgerCheck(busy.database, busy.ledger, busy.clock)
    services = (busy.payments, busy.refunds, busy.disputes, busy.payouts, busy.ledger, check)
    reconciliation = Reconciliation(busy.database, gateway, *services, busy.clock)
    assert reconciliation.run(busy.clock() - DAY).mismatches == ()
    miss_a_success(busy)
    (mismatch,) = reconciliation.run(busy.clock() - DAY).mismatches
    assert (mismatch.code, mismatch.repaired) == ("charge_status", True)


def test_without_an_answer_it_does_not_pretend_to_be_whole(busy: Till, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_answer(*_: object) -> None:
        raise Unavailable("no answer")

    monkeypatch.setattr(busy.gateway, "charges", no_answer)
    with pytest.raises(Unavailable):
        reconcile(busy)
    assert busy.reconciliation.last() is None


@pytest.mark.parametrize(("since", "until"), [(0, 0), (0, 1), (400, 0)])
def test_it_begins_before_it_ends_and_is_a_year_long_at_most(till: Till, since: int, until: int) -> None:
    with pytest.raises(Invalid):
        till.reconciliation.run(till.clock() - since * DAY, till.clock() - until * DAY)


class TestDaily:
    def test_is_done_once_a_day_and_looks_back_beyond_the_last(self, busy: Till) -> None:
        assert busy.reconciliation.daily() is True
        assert busy.reconciliation.daily() is False
        first = busy.reconciliation.last()
        busy.clock.advance(hours=24)
        assert busy.reconciliation.daily() is True
        last = busy.reconciliation.last()
        assert first
        assert last
        assert (last["since"], last["until"]) == (first["until"] - 3 * DAY, busy.clock())
        assert (last["repaired"], last["left"]) == (0, 0)

    def test_keeps_what_is_left_before_what_was_repaired(self, busy: Till) -> None:
        miss_a_success(busy)
        refund_by_hand(busy)
        busy.clock.advance(seconds=1)
        busy.reconciliation.daily()
        last = busy.reconciliation.last()
        assert last
        assert (last["repaired"], last["left"]) == (1, 1)
        assert [(one["code"], one["repaired"]) for one in last["mismatches"]] == [("unknown_refund", False), ("charge_status", True)]

    def test_one_that_repairs_nothing_is_not_kept(self, busy: Till) -> None:
        reconcile(busy, repair=False)
        assert busy.reconciliation.last() is None

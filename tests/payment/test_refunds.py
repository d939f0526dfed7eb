from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dinnerkit.errors import Invalid, Unavailable
from dinnerkit.money import Money
from dinnerkit.payment.errors import NoSuchPayment, RefundTooLarge
from tests.payment.conftest import PRICE, Till


@pytest.fixture
def paid(till: Till) -> Till:
    till.pay()
    return till


def ask(till: Till, amount: int = 3500, key: str = "cause-1", currency: str = "EUR") -> None:
    till.refunds.request("pay-1", Money(amount, currency), key=key, reason="because")


def carry_out(till: Till) -> None:
    for refund in till.row()["refunds"]:
        till.refunds.carry_out("pay-1", refund["id"])


def given_back(till: Till) -> int:
    charge = till.gateway.find("pay-1")
    assert charge
    with till.gateway.books.reading() as books:
        (amount,) = books.execute("select coalesce(sum(amount), 0) from refunds").fetchone()
    return int(amount)


def test_a_refund_is_asked_for_then_carried_out_then_told(paid: Till) -> None:
    ask(paid)
    assert [refund["status"] for refund in paid.row()["refunds"]] == ["pending"]
    assert given_back(paid) == 0
    carry_out(paid)
    assert [refund["status"] for refund in paid.row()["refunds"]] == ["succeeded"]
    assert given_back(paid) == 3500
    assert paid.told() == ["payment.succeeded", "payment.refund_requested", "payment.refund_succeeded"]
    assert paid.refunds.refunded("booking-1") == 3500


def test_one_cause_gives_back_once(paid: Till) -> None:
    for _ in range(3):
        ask(paid, 1000)
        carry_out(paid)
    assert given_back(paid) == 1000
    assert paid.row()["refundable"] == 2500
    assert paid.told().count("payment.refund_succeeded") == 1


def test_a_crash_after_the_gateway_gave_back_gives_nothing_back_twice(paid: Till) -> None:
    ask(paid)
    refund_id = paid.row()["refunds"][0]["id"]
    paid.gateway.refund(key=refund_id, charge_id=paid.row()["charge"], money=PRICE)
    carry_out(paid)
    assert given_back(paid) == 3500
    assert paid.row()["refunds"][0]["status"] == "succeeded"


def test_many_at_once_carry_it_out_once(paid: Till) -> None:
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: ask(paid), range(8)))
    assert len(paid.row()["refunds"]) == 1
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: carry_out(paid), range(8)))
    assert given_back(paid) == 3500
    assert paid.told().count("payment.refund_succeeded") == 1


def test_no_more_goes_back_than_was_paid(paid: Till) -> None:
    ask(paid, 3000)
    with pytest.raises(RefundTooLarge) as caught:
        ask(paid, 501, "cause-2")
    assert caught.value.details == {"refundable": 500}
    ask(paid, 500, "cause-2")
    with pytest.raises(RefundTooLarge):
        ask(paid, 1, "cause-3")


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(asked=st.lists(st.tuples(st.integers(-10, 4000), st.sampled_from("abcde")), max_size=8))
def test_whatever_is_asked_for_the_books_add_up(paid: Till, asked: list[tuple[int, str]]) -> None:
    paid.database["payments"].update_one({}, {"$set": {"refunds": [], "refundable": 3500}})
    accepted: dict[str, int] = {}
    for amount, key in asked:
        fits = amount <= 3500 - sum(accepted.values())
        try:
            ask(paid, amount, key)
        except RefundTooLarge:
            assert key not in accepted
            assert not fits
        else:
            if amount > 0 and key not in accepted:
                accepted[key] = amount
    row = paid.row()
    assert {refund["key"]: refund["amount"] for refund in row["refunds"]} == accepted
    assert row["refundable"] == 3500 - sum(accepted.values()) >= 0


@pytest.mark.parametrize("amount", [0, -1])
def test_nothing_and_less_is_not_asked_for(paid: Till, amount: int) -> None:
    ask(paid, amount)
    assert paid.row()["refunds"] == []


def test_another_currency_or_payment_is_refused(paid: Till) -> None:
    with pytest.raises(RefundTooLarge):
        ask(paid, currency="USD")
    with pytest.raises(NoSuchPayment):
        paid.refunds.request("pay-9", PRICE, key="cause", reason="because")


def test_what_never_succeeded_gives_nothing_back(till: Till) -> None:
    till.pay(method="pm_card_authenticationRequired")
    with pytest.raises(RefundTooLarge):
        ask(till)


def test_what_nobody_asked_for_is_not_carried_out(paid: Till) -> None:
    paid.refunds.carry_out("pay-1", "re-unknown")
    paid.refunds.carry_out("pay-9", "re-unknown")
    assert given_back(paid) == 0


def test_without_an_answer_it_stays_to_be_done(paid: Till) -> None:
    def no_answer(_: str) -> None:
        raise Unavailable("no answer")

    ask(paid)
    paid.gateway.before = no_answer
    with pytest.raises(Unavailable):
        carry_out(paid)
    assert paid.row()["refunds"][0]["status"] == "pending"
    del paid.gateway.before
    carry_out(paid)
    assert given_back(paid) == 3500


class TestWhatTheGatewayCouldNotGiveBack:
    def test_is_told_as_failed_and_not_as_made(self, paid: Till) -> None:
        ask(paid)
        paid.gateway.refunded = lambda refund: replace(refund, status="failed")
        carry_out(paid)
        assert [refund["status"] for refund in paid.row()["refunds"]] == ["failed"]
        assert paid.told()[-1] == "payment.refund_failed"
        assert "payment.refund_succeeded" not in paid.told()
        assert [(payment, entry["amount"]) for payment, entry in paid.refunds.failed()] == [("pay-1", 3500)]

    def test_can_be_tried_again_under_another_key(self, paid: Till) -> None:
        ask(paid)
        paid.gateway.refunded = lambda refund: replace(refund, status="failed")
        carry_out(paid)
        del paid.gateway.refunded
        paid.gateway.books.close()
        with paid.gateway.books.writing() as books:
            books.execute("update refunds set status = 'failed'")
            books.execute("update charges set refunded = 0")
        refund_id = paid.row()["refunds"][0]["id"]
        assert paid.refunds.try_again("pay-1", refund_id) is True
        assert paid.refunds.try_again("pay-1", refund_id) is False
        (refund,) = paid.row()["refunds"]
        assert (refund["status"], refund["attempt"], len(refund["failed"])) == ("succeeded", 2, 1)
        assert [made.key for made in paid.gateway.refunds(paid.row()["charge"])] == [refund_id, f"{refund_id}:2"]
        assert list(paid.refunds.failed()) == []

    def test_is_for_a_person_where_it_was_refused(self, paid: Till) -> None:
        """As one of a fraction of a coin is, or of what was given back at the gateway's own pages."""

        def refuse(_: str) -> None:
            raise Invalid("more would go back than was paid")

        paid.gateway.before = refuse
        ask(paid)
        paid.work()
        assert paid.row()["refunds"][0]["status"] == "failed"
        assert [refund["id"] for _, refund in paid.refunds.failed()] == [paid.row()["refunds"][0]["id"]]
        assert paid.balances()["refunds"] == -3500
        paid.gateway.before = lambda _: None
        assert paid.refunds.try_again("pay-1", paid.row()["refunds"][0]["id"])
        paid.work()
        assert paid.row()["refunds"][0]["status"] == "succeeded"
        assert "refunds" not in paid.balances()

    def test_of_nothing_nothing_is_tried_again(self, paid: Till) -> None:
        ask(paid)
        assert paid.refunds.try_again("pay-1", "re-unknown") is False
        assert paid.refunds.try_again("pay-9", "re-unknown") is False
        assert paid.refunds.try_again("pay-1", paid.row()["refunds"][0]["id"]) is False


class TestWhatIsNotSettledAtOnce:
    def test_is_not_told_as_made_until_it_is(self, till: Till) -> None:
        till.pay(method="pm_card_pendingRefund")
        till.gateway._delay = 60
        ask(till)
        carry_out(till)
        assert (till.row()["refunds"][0]["status"], "refund_check_at" in till.row()) == ("pending", True)
        assert "payment.refund_succeeded" not in till.told()
        till.clock.advance(seconds=60)
        till.look(till.row()["charge"], "refund")
        assert till.row()["refunds"][0]["status"] == "succeeded"
        assert till.told().count("payment.refund_succeeded") == 1

    def test_is_asked_about_by_the_sweep_where_no_webhook_comes(self, till: Till) -> None:
        till.pay(method="pm_card_pendingRefund")
        till.gateway._delay = 3600
        ask(till)
        carry_out(till)
        assert till.refunds.sweep() == 0
        for _ in range(6):
            till.clock.advance(minutes=10)
            assert till.refunds.sweep() == 1
        assert till.row()["refunds"][0]["status"] == "succeeded"
        assert till.refunds.sweep() == 0
        assert "refund_check_at" not in till.row()

    def test_may_fail_after_it_had_succeeded(self, till: Till) -> None:
        till.pay(method="pm_card_refundFail")
        till.gateway._delay = 60
        ask(till)
        carry_out(till)
        assert till.row()["refunds"][0]["status"] == "succeeded"
        till.clock.advance(seconds=60)
        for _ in range(2):
            till.look(till.row()["charge"], "refund")
        (refund,) = till.row()["refunds"]
        assert (refund["status"], "succeeded_at" in refund) == ("failed", False)
        assert refund["failed"][0]["succeeded_at"]
        assert till.told().count("payment.refund_failed") == 1

    def test_of_another_amount_than_asked_for_is_not_believed(self, paid: Till) -> None:
        ask(paid)
        paid.gateway.refunded = lambda refund: replace(refund, money=Money(1, "EUR"))
        carry_out(paid)
        assert paid.row()["refunds"][0]["status"] == "pending"

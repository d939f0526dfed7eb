from __future__ import annotations

from dataclasses import replace

import pytest

from dinnerkit.errors import Invalid, Unavailable
from dinnerkit.money import Money
from dinnerkit.payment.errors import ChargeMismatch, PaymentInProgress
from dinnerkit.payment.rules import FINAL, OPEN, UNPAID, matches
from dinnerkit.ports.gateway import Charge
from tests.payment.conftest import PRICE, Till

SECURE = "pm_card_authenticationRequired"
DECLINED = "pm_card_chargeDeclined"


def no_answer(_: object) -> None:
    raise Unavailable("no answer")


def approve(till: Till, payment_id: str = "pay-1", *, yes: bool = True) -> None:
    till.gateway.authenticate(till.row(payment_id)["client_secret"], approve=yes)


class TestPaying:
    def test_a_good_card_succeeds_and_says_so_once(self, till: Till) -> None:
        payment = till.pay()
        assert (payment.status, payment.money, payment.final) == ("succeeded", PRICE, True)
        assert till.pay() == payment
        assert till.told() == ["payment.succeeded"]
        assert till.row()["refundable"] == 3500
        assert "check_at" not in till.row()

    def test_a_declined_card_says_why_and_lets_the_next_try(self, till: Till) -> None:
        payment = till.pay(method=DECLINED)
        assert (payment.status, payment.decline_code) == ("declined", "generic_decline")
        assert till.told() == ["payment.failed"]
        assert till.pay("pay-2").status == "succeeded"

    def test_an_unknown_method_is_refused_and_leaves_nothing_open(self, till: Till) -> None:
        with pytest.raises(Invalid, match="payment method"):
            till.pay(method="pm_unheard_of")
        assert (till.row()["status"], till.row()["decline_code"]) == ("declined", "invalid_method")
        assert till.pay("pay-2").status == "succeeded"

    def test_a_card_that_asks_for_authentication_waits_with_a_secret(self, till: Till) -> None:
        payment = till.pay(method=SECURE)
        assert payment.status == "action_required"
        assert payment.client_secret
        assert till.pay(method=SECURE) == payment
        approve(till)
        assert till.payments.sync("pay-1") == replace(payment, status="succeeded", client_secret=None)

    def test_a_reference_is_paid_once(self, till: Till) -> None:
        first = till.pay()
        assert till.pay("pay-2") == first
        assert till.gateway.find("pay-2") is None

    def test_another_reference_is_paid_beside_it(self, till: Till) -> None:
        till.pay()
        assert till.pay("pay-2", reference="booking-2").status == "succeeded"

    def test_an_attempt_under_way_keeps_others_out_for_a_while(self, till: Till) -> None:
        till.gateway.before = no_answer
        with pytest.raises(Unavailable):
            till.pay()
        del till.gateway.before
        with pytest.raises(PaymentInProgress):
            till.pay("pay-2")
        till.clock.advance(seconds=31)
        assert till.pay("pay-2").status == "succeeded"
        assert till.row()["status"] == "cancelled"

    def test_another_card_takes_the_place_of_one_that_waits_for_authentication(self, till: Till) -> None:
        till.pay(method=SECURE)
        assert till.pay("pay-2").status == "succeeded"
        found = till.gateway.find("pay-1")
        assert found
        assert found.status == "cancelled"

    def test_another_card_is_not_charged_where_the_first_was_approved_meanwhile(self, till: Till) -> None:
        till.pay(method=SECURE)
        approve(till)
        payment = till.pay("pay-2")
        assert (payment.id, payment.status) == ("pay-1", "succeeded")
        assert till.gateway.find("pay-2") is None

    def test_a_charge_that_can_not_be_called_off_keeps_others_out(self, till: Till) -> None:
        till.pay(method=SECURE)
        till.gateway.cancelled = lambda charge: replace(charge, status="processing")
        with pytest.raises(PaymentInProgress):
            till.pay("pay-2")

    def test_a_repetition_after_silence_goes_on_with_the_same_charge(self, till: Till) -> None:
        till.gateway.charged = no_answer  # type: ignore[assignment]
        with pytest.raises(Unavailable):
            till.pay()
        del till.gateway.charged
        assert till.pay().status == "succeeded"

    def test_a_repetition_of_what_was_given_up_uncharged_begins_anew_unless_another_is_under_way(self, till: Till) -> None:
        till.gateway.before = no_answer
        with pytest.raises(Unavailable):
            till.pay()
        del till.gateway.before
        till.clock.advance(seconds=31)
        till.payments.sweep()
        assert (till.row()["status"], till.row()["decline_code"]) == ("cancelled", "never_charged")
        till.pay("pay-2", SECURE)
        with pytest.raises(PaymentInProgress):
            till.pay()
        till.payments.abandon("booking-1")
        assert till.pay().status == "succeeded"
        assert till.row()["live"] == "booking-1"

    def test_a_declined_payment_is_not_begun_anew(self, till: Till) -> None:
        till.pay(method=DECLINED)
        assert till.pay(method=DECLINED).status == "declined"


class TestWhatTheGatewaySays:
    @pytest.mark.parametrize(
        "wrong", [{"money": Money(1, "EUR")}, {"money": Money(3500, "USD")}, {"key": "pay-9"}], ids=["amount", "currency", "key"]
    )
    def test_is_compared_and_not_believed(self, till: Till, wrong: dict[str, object]) -> None:
        till.gateway.charged = lambda charge: replace(charge, **wrong)
        with pytest.raises(ChargeMismatch):
            till.pay()
        assert till.row()["status"] == "created"
        assert till.told() == []

    def test_a_success_is_never_taken_back(self, till: Till) -> None:
        till.pay()
        till.payments._record(till.row(), Charge("ch", "pay-1", "declined", PRICE))
        till.payments._record(till.row(), Charge("ch", "pay-1", "action_required", PRICE, "cs"))
        assert till.row()["status"] == "succeeded"
        assert till.told() == ["payment.succeeded"]

    def test_a_success_after_all_is_told(self, till: Till) -> None:
        till.pay(method=SECURE)
        secret = till.row()["client_secret"]
        till.gateway.before = lambda what: till.gateway.authenticate(secret, approve=True) if what == "cancel" else None
        assert till.payments.abandon("booking-1")
        assert till.row()["status"] == "succeeded"
        assert till.told() == ["payment.succeeded"]

    def test_a_charge_made_after_the_payment_was_given_up_is_called_back(self, till: Till) -> None:
        till.gateway.before = lambda what: till.payments.abandon("booking-1") if what == "charge" else None
        assert till.pay(method=SECURE).status == "cancelled"
        found = till.gateway.find("pay-1")
        assert found
        assert found.status == "cancelled"

    def test_a_charge_made_after_the_payment_was_given_up_that_succeeds_is_told(self, till: Till) -> None:
        till.gateway.before = lambda what: till.payments.abandon("booking-1") if what == "charge" else None
        assert till.pay().status == "succeeded"
        assert till.told() == ["payment.failed", "payment.succeeded"]

    def test_a_refused_authentication_closes_the_payment(self, till: Till) -> None:
        till.pay(method=SECURE)
        approve(till, yes=False)
        payment = till.payments.sync("pay-1")
        assert payment
        assert payment.status == "declined"
        assert till.payments.live("booking-1") is None

    def test_of_a_charge_of_somebody_elses_nothing_comes(self, till: Till) -> None:
        other = till.gateway.charge(key="not-ours", money=PRICE, method="pm_card_visa", description="")
        assert till.payments.sync_charge(other.id) is None
        assert till.payments.sync_charge("ch_unknown") is None
        assert till.payments.sync("pay-9") is None


class TestSweeping:
    def test_what_was_charged_in_silence_is_found(self, till: Till) -> None:
        till.gateway.charged = no_answer  # type: ignore[assignment]
        with pytest.raises(Unavailable):
            till.pay()
        assert till.payments.sweep() == 0
        till.clock.advance(seconds=30)
        assert till.payments.sweep() == 1
        assert till.row()["status"] == "succeeded"
        assert till.payments.sweep() == 0

    def test_what_waits_is_asked_for_again_and_given_up_after_a_day(self, till: Till) -> None:
        till.pay(method=SECURE)
        for _ in range(3):
            till.clock.advance(seconds=30)
            assert till.payments.sweep() == 1
            assert till.row()["status"] == "action_required"
        till.clock.advance(hours=24)
        till.payments.sweep()
        assert till.row()["status"] == "cancelled"
        assert "check_at" not in till.row()

    def test_one_that_fails_does_not_keep_the_others(self, till: Till) -> None:
        till.pay("pay-1", SECURE)
        till.clock.advance(seconds=1)
        till.pay("pay-2", SECURE, "booking-2")
        till.database["payments"].update_one({"_id": "pay-1"}, {"$set": {"amount": 1}})
        approve(till, "pay-2")
        till.clock.advance(seconds=31)
        assert till.payments.sweep() == 2
        assert (till.row("pay-1")["status"], till.row("pay-2")["status"]) == ("action_required", "succeeded")

    def test_a_charge_of_something_else_is_asked_about_once_an_hour_until_somebody_has_looked(self, till: Till) -> None:
        till.pay("pay-1", SECURE)
        till.database["payments"].update_one({"_id": "pay-1"}, {"$set": {"amount": 1}})
        looks = 0
        for _ in range(4 * 60):
            till.clock.advance(seconds=30)
            looks += till.payments.sweep()
        assert looks == 2

    def test_of_nothing_there_is_nothing_to_give_up(self, till: Till) -> None:
        assert till.payments.abandon("booking-1") is None
        paid = till.pay()
        assert till.payments.abandon("booking-1") == paid


def test_the_states_are_told_apart() -> None:
    assert not OPEN & FINAL
    assert UNPAID | {"succeeded"} == OPEN | FINAL
    assert matches(Charge("ch", "pay-1", "succeeded", PRICE), "pay-1", PRICE)
    assert not matches(Charge("ch", "pay-2", "succeeded", PRICE), "pay-1", PRICE)

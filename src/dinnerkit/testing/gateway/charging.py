"""Payments: once for each key, exactly, and only when the guest has paid."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from functools import partial

import pytest

from dinnerkit.errors import Invalid, NotFound
from dinnerkit.ids import new_id
from dinnerkit.money import Money
from dinnerkit.ports.gateway import Charge, Gateway
from dinnerkit.testing.expecting import ContractBroken, all_answered, at_once, expect, needed, refusal
from dinnerkit.testing.gateway.bench import GatewayBench

_AT_ONCE = 8


def pay(bench: GatewayBench, key: str, *, method: str | None = None, money: Money | None = None, gateway: Gateway | None = None) -> Charge:
    """Charge as the tests do where nothing else is said: the bench's first amount by its good method."""
    return (gateway or bench.gateway).charge(
        key=key, money=money or bench.amounts[0], method=method or bench.good_method, description=f"Booking {key}"
    )


class Charging:
    """What a gateway owes when it takes money."""

    @pytest.fixture
    def bench(self) -> GatewayBench:
        """The gateway to be tested: the one fixture that a subclass gives."""
        raise NotImplementedError(f"{type(self).__name__} must define a fixture `bench` that gives a GatewayBench")

    def test_it_speaks_through_the_port(self, bench: GatewayBench) -> None:
        """The core knows a gateway by its methods and its name."""
        expect(isinstance(bench.gateway, Gateway), f"{type(bench.gateway).__name__} lacks a method of dinnerkit.ports.gateway.Gateway")
        name = bench.gateway.name
        expect(name.isascii() and name.isidentifier(), f"its name {name!r} can't stand in the URL of its webhooks")

    def test_a_good_payment_succeeds_for_exactly_what_was_asked_for(self, bench: GatewayBench) -> None:
        """In each kind of currency: with two decimals, none, three."""
        for money in bench.amounts:
            key = new_id()
            charge = pay(bench, key, money=money)
            expect(charge.status == "succeeded", f"a good payment method left the payment {charge.status!r}")
            expect(charge.money == money, f"it charged {charge.money} where {money} was asked for")
            expect(charge.key == key, f"it answers the key {charge.key!r} for a payment asked for under {key!r}")
            found = bench.gateway.retrieve(charge.id)
            expect(found.money == money, f"it remembers {found.money} of a payment of {money}")
            expect((found.id, found.key, found.status) == (charge.id, key, "succeeded"), f"it retrieves {found!r} after {charge!r}")

    def test_the_same_key_moves_money_once(self, bench: GatewayBench) -> None:
        """A repetition is the first payment again, also where the words of its description have changed meanwhile."""
        key = new_id()
        first = pay(bench, key)
        again = pay(bench, key)
        expect(again.id == first.id, f"the same key moved money twice: payments {first.id} and {again.id}")
        expect(again.money == first.money, f"the repetition answers {again.money} for a payment of {first.money}")
        other_words = bench.gateway.charge(key=key, money=first.money, method=bench.good_method, description="Other words")
        expect(other_words.id == first.id, f"the same key with another description moved money twice: {first.id} and {other_words.id}")

    def test_the_same_key_at_the_same_time_moves_money_once(self, bench: GatewayBench) -> None:
        """Two processes may try the same payment at once; each gets the one payment, or an error that says to try again."""
        key = new_id()
        calls = [partial(pay, bench, key) for _ in range(_AT_ONCE)]
        charges = all_answered(at_once(calls, "one key at once"), f"{_AT_ONCE} calls with one key at once")
        made = {charge.id for charge in charges}
        expect(len(made) == 1, f"the same key, {_AT_ONCE} times at once, moved money {len(made)} times: {sorted(made)}")

    def test_different_keys_are_different_payments_also_at_the_same_time(self, bench: GatewayBench) -> None:
        """One gateway serves many threads and greenlets; nobody gets another's payment."""
        keys = [new_id() for _ in range(_AT_ONCE)]
        charges = all_answered(at_once([partial(pay, bench, key) for key in keys], "payments at once"), "different payments at once")
        expect([charge.key for charge in charges] == keys, "payments made at once were answered with each other's keys")
        expect(len({charge.id for charge in charges}) == len(keys), "payments with different keys share an id")

    def test_a_payment_is_found_by_its_key(self, bench: GatewayBench) -> None:
        """The core asks so when it never got an answer."""
        key = new_id()
        absent = bench.gateway.find(key)
        expect(absent is None, f"it finds {absent!r} for a key that was never used")
        charge = pay(bench, key)
        found = bench.gateway.find(key)
        if found is None:
            raise ContractBroken(f"it does not find the payment {charge.id} by its key")
        expect(_but_fee(found) == _but_fee(charge), f"by the key it finds {found!r} instead of {charge!r}")

    def test_nothing_is_forgotten_over_a_restart(self, bench: GatewayBench) -> None:
        """Our process may be killed between the payment and its answer."""
        reopen = needed(bench.reopen, "way to reopen the gateway")
        key = new_id()
        charge = pay(bench, key)
        after = reopen()
        try:
            found = after.find(key)
            expect(found is not None and found.id == charge.id, f"after a restart it finds {found!r} by the key of the payment {charge.id}")
            again = pay(bench, key, gateway=after)
            expect(again.id == charge.id, f"after a restart the same key moved money again: payments {charge.id} and {again.id}")
        finally:
            after.close()

    def test_an_unknown_payment_is_not_found(self, bench: GatewayBench) -> None:
        """Neither to look at nor to give up."""
        refusal(NotFound, "an unknown payment was retrieved", lambda: bench.gateway.retrieve("unknown_1"))
        refusal(NotFound, "an unknown payment was cancelled", lambda: bench.gateway.cancel("unknown_1"))

    def test_an_unknown_payment_method_is_refused_and_nothing_is_charged(self, bench: GatewayBench) -> None:
        """The guest can be asked for another then."""
        key = new_id()
        refusal(Invalid, "an unknown payment method was charged", lambda: pay(bench, key, method="pm_unheard_of"))
        found = bench.gateway.find(key)
        expect(found is None or found.status in {"declined", "cancelled"}, f"an unknown payment method was refused and yet left {found!r}")

    def test_a_decline_is_an_answer_with_its_reason(self, bench: GatewayBench) -> None:
        """No exception: the payment exists, and did not succeed."""
        key = new_id()
        try:
            charge = pay(bench, key, method=bench.declined_method)
        except Exception as error:
            raise ContractBroken(f"a decline is an answer, not an error: it raised {type(error).__name__} ({error})") from error
        expect(charge.status == "declined", f"a payment method that is declined left the payment {charge.status!r}")
        expect(charge.decline_code, "it does not say why the payment was declined")
        expect(charge.key == key, f"it answers the key {charge.key!r} for a declined payment asked for under {key!r}")
        expect(bench.gateway.retrieve(charge.id).status == "declined", "what was declined is retrieved as something else")
        again = pay(bench, key, method=bench.declined_method)
        expect((again.id, again.status) == (charge.id, "declined"), f"the same key after a decline was tried anew: {again!r}")

    def test_before_the_guest_has_authenticated_there_is_no_success(self, bench: GatewayBench) -> None:
        """The guest's bank decides, and the core must not confirm a booking before it has."""
        waiting = self._waiting(bench)
        expect(waiting.client_secret, "it gives no client secret by which the guest could authenticate")
        found = bench.gateway.retrieve(waiting.id)
        expect(found.status == "action_required", f"a payment that waits for the guest is retrieved as {found.status!r}")

    @pytest.mark.parametrize(("approve", "outcome"), [(True, "succeeded"), (False, "declined")], ids=["approved", "refused"])
    def test_the_guests_answer_settles_the_payment(self, bench: GatewayBench, approve: bool, outcome: str) -> None:
        """Approved, it succeeds; refused, it is declined."""
        authenticate = needed(bench.authenticate, "way to authenticate")
        waiting = self._waiting(bench)
        authenticate(waiting, approve)
        found = bench.gateway.retrieve(waiting.id)
        answer = "approved" if approve else "refused"
        expect(found.status == outcome, f"after the guest {answer} the payment is {found.status!r}")
        expect(found.client_secret is None, "it still gives the client secret of a payment that is settled")
        expect(bench.gateway.find(waiting.key) == found, f"after the guest {answer} it finds another state by the key than by the id")

    def test_what_has_not_succeeded_can_be_given_up_once_and_for_all(self, bench: GatewayBench) -> None:
        """Seats that nobody pays for go to others, and then nobody may pay any more."""
        waiting = self._waiting(bench)
        for _ in range(2):
            given_up = bench.gateway.cancel(waiting.id)
            expect(given_up.status == "cancelled", f"a payment that was given up is {given_up.status!r}")
        expect(bench.gateway.retrieve(waiting.id).status == "cancelled", "a payment that was given up is retrieved as something else")
        if bench.authenticate is None:
            return
        with suppress(Exception):  # how a bank refuses is its own affair
            bench.authenticate(waiting, True)
        found = bench.gateway.retrieve(waiting.id)
        expect(found.status == "cancelled", f"a payment that was given up became {found.status!r} when the guest authenticated after all")

    def test_what_has_succeeded_can_not_be_given_up(self, bench: GatewayBench) -> None:
        """The answer is the truth: it succeeded; the money can only go back by a refund."""
        charge = pay(bench, new_id())
        answer = bench.gateway.cancel(charge.id)
        expect(answer.status == "succeeded", f"giving up a payment that has succeeded made it {answer.status!r}")
        expect(bench.gateway.retrieve(charge.id).status == "succeeded", "a payment that has succeeded was given up")

    def _waiting(self, bench: GatewayBench) -> Charge:
        charge = pay(bench, new_id(), method=needed(bench.secure_method, "payment method that asks for authentication"))
        expect(charge.status == "action_required", f"a payment that needs the guest's authentication is {charge.status!r} before it")
        return charge


def _but_fee(charge: Charge) -> Charge:
    """The charge without what the gateway keeps of it, which may be known only later."""
    return replace(charge, fee=None)

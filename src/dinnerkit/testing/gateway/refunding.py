"""Refunds: in parts, once for each key, and never more than was paid."""

from __future__ import annotations

from functools import partial

from dinnerkit.errors import DinnerkitError, Invalid, NotFound
from dinnerkit.ids import new_id
from dinnerkit.money import Money
from dinnerkit.ports.gateway import Charge, GatewayRefund
from dinnerkit.testing.expecting import all_answered, at_once, expect, needed, refusal
from dinnerkit.testing.gateway.bench import GatewayBench
from dinnerkit.testing.gateway.charging import pay

_AT_ONCE = 8


def give_back(bench: GatewayBench, charge: Charge, money: Money, key: str | None = None) -> GatewayRefund:
    """Refund that much, under a new key where none is said."""
    return bench.gateway.refund(key=key or new_id(), charge_id=charge.id, money=money)


class Refunding:
    """What a gateway owes when it gives money back."""

    def test_a_payment_goes_back_whole_and_exactly(self, bench: GatewayBench) -> None:
        """In each kind of currency."""
        for money in bench.amounts:
            charge, key = pay(bench, new_id(), money=money), new_id()
            refund = give_back(bench, charge, money, key)
            expect(refund.money == money, f"it gave back {refund.money} where {money} was asked for")
            expect(refund.key == key, f"it answers the key {refund.key!r} for a refund asked for under {key!r}")
            expect(refund.status in {"pending", "succeeded"}, f"a refund of a good payment is {refund.status!r}")
            refusal(Invalid, f"{money} more than was paid was asked back", partial(give_back, bench, charge, money))

    def test_parts_go_back_until_nothing_is_left_and_no_further(self, bench: GatewayBench) -> None:
        """What is refused gives back nothing: the rest is still there."""
        price = bench.amounts[0]
        charge = pay(bench, new_id())
        first, rest = Money(price.amount - 500, price.currency), Money(500, price.currency)
        give_back(bench, charge, first)
        self._too_much(bench, charge, Money(501, price.currency), f"501 of {price} after {first.amount} had gone back")
        refund = give_back(bench, charge, rest)
        expect(refund.money == rest, f"it gave back {refund.money} where the rest, {rest}, was asked for")
        self._too_much(bench, charge, Money(100, price.currency), f"100 of {price} after all of it had gone back")

    def test_more_than_was_paid_never_goes_back(self, bench: GatewayBench) -> None:
        """Not in one piece either."""
        price = bench.amounts[0]
        self._too_much(bench, pay(bench, new_id()), Money(price.amount + 1, price.currency), f"{price.amount + 1} of {price}")

    def test_the_same_key_gives_back_once(self, bench: GatewayBench) -> None:
        """A repetition is the first refund again."""
        price = bench.amounts[0]
        half, key = Money(price.amount // 2, price.currency), new_id()
        charge = pay(bench, new_id())
        first, again = (give_back(bench, charge, half, key) for _ in range(2))
        expect(again.id == first.id, f"the same key gave money back twice: refunds {first.id} and {again.id}")
        expect((again.money, again.key) == (half, key), f"the repetition answers {again!r} for a refund of {half}")
        rest = Money(price.amount - half.amount, price.currency)
        try:
            give_back(bench, charge, rest)
        except DinnerkitError as error:
            expect(False, f"after a repeated refund of {half} of {price} it has nothing left to give back: {error}")

    def test_the_same_key_at_the_same_time_gives_back_once(self, bench: GatewayBench) -> None:
        """Two workers may carry out the same refund at once."""
        price = bench.amounts[0]
        charge, key, part = pay(bench, new_id()), new_id(), Money(price.amount // 4, price.currency)
        calls = [partial(give_back, bench, charge, part, key) for _ in range(_AT_ONCE)]
        refunds = all_answered(at_once(calls, "refunds at once"), f"{_AT_ONCE} refunds with one key at once")
        made = {refund.id for refund in refunds}
        expect(len(made) == 1, f"the same key, {_AT_ONCE} times at once, gave money back {len(made)} times: {sorted(made)}")

    def test_a_refund_is_not_repeated_after_a_restart(self, bench: GatewayBench) -> None:
        """Our process may be killed between the refund and its answer."""
        reopen = needed(bench.reopen, "way to reopen the gateway")
        price = bench.amounts[0]
        charge, key, part = pay(bench, new_id()), new_id(), Money(price.amount // 4, price.currency)
        first = give_back(bench, charge, part, key)
        after = reopen()
        try:
            again = after.refund(key=key, charge_id=charge.id, money=part)
            expect(again.id == first.id, f"after a restart the same key gave money back again: refunds {first.id} and {again.id}")
        finally:
            after.close()

    def test_only_what_has_succeeded_can_go_back(self, bench: GatewayBench) -> None:
        """A declined payment has brought nothing, an unknown one is not there."""
        declined = pay(bench, new_id(), method=bench.declined_method)
        refusal(Invalid, "a declined payment was refunded", partial(give_back, bench, declined, declined.money))
        refusal(
            NotFound,
            "an unknown payment was refunded",
            lambda: bench.gateway.refund(key=new_id(), charge_id="unknown_1", money=bench.amounts[0]),
        )

    def test_only_a_positive_amount_of_the_same_currency_goes_back(self, bench: GatewayBench) -> None:
        """Nothing, less than nothing and another currency are mistakes of the caller's."""
        price = bench.amounts[0]
        charge = pay(bench, new_id())
        for amount in (0, -1):
            refusal(Invalid, f"a refund of {amount} was asked for", partial(give_back, bench, charge, Money(amount, price.currency)))
        other = Money(price.amount, "USD" if price.currency != "USD" else "EUR")
        refusal(Invalid, f"{other} was asked back of a payment of {price}", partial(give_back, bench, charge, other))
        whole = give_back(bench, charge, price)
        expect(whole.money == price, f"after refunds that it refused, it gave back {whole.money} of {price}")

    @staticmethod
    def _too_much(bench: GatewayBench, charge: Charge, money: Money, what: str) -> None:
        refusal(Invalid, f"more was asked back than is left of the payment ({what})", partial(give_back, bench, charge, money))

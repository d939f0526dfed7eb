"""What happened afterwards: refunds, disputes, and lists to compare the books with."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Protocol, TypeVar

from dinnerkit.errors import NotFound
from dinnerkit.ids import new_id
from dinnerkit.money import Money
from dinnerkit.ports.gateway import Disputes, Listings, PaymentDisputed, PayoutListings, RefundHistory
from dinnerkit.testing.expecting import ContractBroken, expect, needed, refusal
from dinnerkit.testing.gateway.bench import GatewayBench
from dinnerkit.testing.gateway.charging import pay
from dinnerkit.testing.gateway.paying_hosts import payouts_of, ready_account
from dinnerkit.testing.gateway.refunding import give_back

_CLOCKS_APART = timedelta(minutes=10)


class _Identified(Protocol):
    @property
    def id(self) -> str: ...


I = TypeVar("I", bound=_Identified)  # noqa: E741 - a type, not a one


class LookingBack:
    """What a gateway owes that has the capability RefundHistory, Disputes, Listings or PayoutListings."""

    def test_the_refunds_of_a_payment_are_told_each_once(self, bench: GatewayBench) -> None:
        """Oldest first, with our keys, however often they were asked for."""
        history = needed(bench.gateway if isinstance(bench.gateway, RefundHistory) else None, "gateway that tells its refunds")
        charge, keys, part = pay(bench, new_id()), [new_id(), new_id()], Money(700, bench.amounts[0].currency)
        untouched = history.refunds(charge.id)
        expect(untouched == [], f"a payment that was not refunded has the refunds {untouched}")
        made = [give_back(bench, charge, part, key) for key in keys]
        give_back(bench, charge, part, keys[0])
        told = history.refunds(charge.id)
        expect([refund.key for refund in told] == keys, f"after the refunds {keys} it tells of {[refund.key for refund in told]}")
        expect([refund.id for refund in told] == [refund.id for refund in made], "it tells of refunds under other ids than it made them")
        wrong = [refund for refund in told if (refund.money, refund.charge_id) != (part, charge.id)]
        expect(not wrong, f"of refunds of {part} of {charge.id} it tells {wrong}")
        refusal(NotFound, "the refunds of an unknown payment were looked at", lambda: history.refunds("unknown_1"))

    def test_what_the_bank_takes_back_is_told_and_can_not_be_refunded_too(self, bench: GatewayBench) -> None:
        """Else the guest would have it twice."""
        gateway = needed(bench.gateway if isinstance(bench.gateway, Disputes) else None, "gateway that tells disputes")
        quiet = pay(bench, new_id())
        told = gateway.disputes(quiet.id)
        expect(told == [], f"a payment that nobody disputes has the disputes {told}")
        refusal(NotFound, "the disputes of an unknown payment were looked at", lambda: gateway.disputes("unknown_1"))
        charge = pay(bench, new_id(), method=needed(bench.disputed_method, "payment method that is disputed"))
        found = gateway.disputes(charge.id)
        if not found:
            raise ContractBroken(f"it tells no dispute of the payment {charge.id}, which the guest's bank takes back")
        expect(found[0].charge_id == charge.id, f"the dispute of {charge.id} is told as one of {found[0].charge_id}")
        expect(found[0].status == "open", f"a dispute that nobody has decided is {found[0].status!r}")
        expect(found[0].money == charge.money, f"the bank takes {charge.money}, and it tells {found[0].money}")
        fee = found[0].fee
        expect(
            fee is None or (fee.currency == charge.money.currency and fee.amount >= 0),
            f"for a dispute of {charge.money} it keeps {fee}, which is no amount in that currency; one in another is told as None",
        )
        refusal(PaymentDisputed, "a payment that the bank takes back was refunded", partial(give_back, bench, charge, charge.money))
        listed = self._listed(bench, lambda listings: listings.disputes_opened, found[0].id, "dispute")
        expect(listed.fee == fee, f"it lists {listed.fee} as the fee of a dispute of which it tells {fee} otherwise")

    def test_every_payment_is_listed_once_over_all_pages(self, bench: GatewayBench) -> None:
        """Also one more than fit on a page; also one that was asked for twice."""
        listings = needed(bench.gateway if isinstance(bench.gateway, Listings) else None, "gateway that lists what it made")
        keys = [new_id() for _ in range(bench.page + 1)]
        made = {key: pay(bench, key) for key in [*keys, keys[0]]}
        listed = [charge for charge in _all(listings.charges) if charge.key in made]
        times = Counter(charge.key for charge in listed)
        expect(set(times) == set(keys), f"of {len(keys)} payments it lists {len(times)}")
        twice = [key for key in keys if times[key] > 1]
        expect(not twice, f"it lists {times[twice[0]] if twice else 0} payments under one key: money moved twice, or a page overlaps")
        wrong = [charge for charge in listed if (charge.id, charge.money) != (made[charge.key].id, made[charge.key].money)]
        expect(not wrong, f"it lists {wrong[:1]} for a payment that it made as {[made[charge.key] for charge in wrong[:1]]}")

    def test_nothing_is_listed_outside_its_time(self, bench: GatewayBench) -> None:
        """What was made is asked for day by day, and must not be counted in two of them."""
        listings = needed(bench.gateway if isinstance(bench.gateway, Listings) else None, "gateway that lists what it made")
        charge = pay(bench, new_id())
        now = datetime.now(UTC)
        for since, until in ((now - timedelta(days=9), now - timedelta(days=8)), (now + timedelta(hours=1), now + timedelta(hours=2))):
            strays = [found for found in listings.charges(since, until) if found.id == charge.id]
            expect(not strays, f"a payment of now is listed between {since} and {until}")

    def test_every_refund_is_listed(self, bench: GatewayBench) -> None:
        """By the time of the refund, under its own key."""
        charge = pay(bench, new_id())
        refund = give_back(bench, charge, Money(500, charge.money.currency))
        found = self._listed(bench, lambda listings: listings.refunds_made, refund.id, "refund")
        expect(
            (found.key, found.money, found.charge_id) == (refund.key, refund.money, charge.id),
            f"it lists {found!r} for the refund {refund!r}",
        )

    def test_every_payout_is_listed_once_over_all_pages(self, bench: GatewayBench) -> None:
        """One more than fit on a page, each with our key, amount and account; also one that was asked for twice; none outside its time."""
        listings = needed(bench.gateway if isinstance(bench.gateway, PayoutListings) else None, "gateway that lists its payouts")
        gateway, account, price = payouts_of(bench), ready_account(bench), bench.amounts[0]
        pay(bench, new_id())
        part, keys = Money(price.amount // (bench.page + 2), price.currency), [new_id() for _ in range(bench.page + 1)]
        made = {key: gateway.pay_out(key=key, account_id=account.id, money=part, description="Dinner") for key in [*keys, keys[0]]}
        listed = [payout for payout in _all(listings.payouts_made) if payout.account_id == account.id]
        times = Counter(payout.id for payout in listed)
        expect(len(times) == len(keys), f"of {len(keys)} payouts to a host it lists {len(times)}")
        twice = [payout for payout in times if times[payout] > 1]
        expect(not twice, f"it lists the payout {''.join(twice[:1])} more than once: a page overlaps")
        wrong = [payout for payout in listed if payout.key not in made or (payout.id, payout.money) != (made[payout.key].id, part)]
        expect(not wrong, f"it lists {wrong[:1]} among the payouts of {part} under the keys {keys}")
        now = datetime.now(UTC)
        for since, until in ((now - timedelta(days=9), now - timedelta(days=8)), (now + timedelta(hours=1), now + timedelta(hours=2))):
            strays = [payout for payout in listings.payouts_made(since, until) if payout.account_id == account.id]
            expect(not strays, f"a payout of now is listed between {since} and {until}")

    @staticmethod
    def _listed(
        bench: GatewayBench, listing: Callable[[Listings], Callable[[datetime, datetime], Iterable[I]]], wanted: str, what: str
    ) -> I:
        listings = needed(bench.gateway if isinstance(bench.gateway, Listings) else None, "gateway that lists what it made")
        found = [item for item in _all(listing(listings)) if item.id == wanted]
        if len(found) != 1:
            raise ContractBroken(f"the {what} {wanted} is listed {len(found)} times")
        return found[0]


def _all(listing: Callable[[datetime, datetime], Iterable[I]]) -> list[I]:
    """What was made lately, by whatever clock."""
    now = datetime.now(UTC)
    return list(listing(now - _CLOCKS_APART, now + _CLOCKS_APART))

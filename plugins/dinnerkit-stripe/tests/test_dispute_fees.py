"""What Stripe has booked for a dispute beside what the bank took."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from dinnerkit.ids import new_id
from dinnerkit.money import Money
from dinnerkit_stripe import StripeGateway
from tests.services.stripe import StripeDouble


@pytest.mark.parametrize(
    ("steered", "fee"),
    [
        ({"status": "needs_response"}, Money(1500, "EUR")),
        ({"status": "lost"}, Money(1500, "EUR")),
        ({"status": "won"}, Money(0, "EUR")),
        ({"status": "needs_response", "settled_in": "usd"}, None),
        ({"status": "needs_response", "booked": "no"}, None),
    ],
)
def test_it_is_the_sum_of_what_was_kept_and_given_back(
    gateway: StripeGateway, double: StripeDouble, steered: dict[str, str], fee: Money | None
) -> None:
    made = gateway.charge(key=new_id(), money=Money(3500, "EUR"), method="pm_card_visa", description="Booking")
    double.steer("dispute", payment_intent=made.id, **steered)
    (dispute,) = gateway.disputes(made.id)
    assert dispute.fee == fee
    now = datetime.now(UTC)
    listed = gateway.disputes_opened(now - timedelta(minutes=10), now + timedelta(minutes=10))
    assert [found for found in listed if found.id == dispute.id] == [dispute]


def test_a_fraction_of_the_smallest_coin_is_not_told(gateway: StripeGateway, double: StripeDouble) -> None:
    """Stripe counts ISK in hundredths, and keeps 15.01 of them here."""
    made = gateway.charge(key=new_id(), money=Money(4500, "ISK"), method="pm_card_visa", description="Booking")
    double.steer("dispute", payment_intent=made.id, fee="1501")
    assert [dispute.fee for dispute in gateway.disputes(made.id)] == [None]

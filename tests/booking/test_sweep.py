"""The sweep over overdue holds, where one of them can't be resolved."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from pymongo.errors import AutoReconnect, WriteConcernError

from dinnerkit.booking.service import BookingService
from tests.booking.scenes import held
from tests.booking.world import HOLD, World


def failing(error: Exception) -> Callable[..., None]:
    def fail(*_: object) -> None:
        raise error

    return fail


@pytest.fixture
def overdue(world: World) -> list[str]:
    """The holds of two dinners, both at their end."""
    found = [held(world).hold, held(world).hold]
    world.clock.now += HOLD * 2
    return found


@pytest.mark.parametrize(
    "outage",
    [AutoReconnect("the primary is gone"), WriteConcernError("the primary shuts down", 91)],
    ids=["before an answer", "in the middle of a write"],
)
def test_an_outage_ends_it_rather_than_be_met_once_for_each_hold(
    world: World, overdue: list[str], monkeypatch: pytest.MonkeyPatch, outage: Exception
) -> None:
    with monkeypatch.context() as away:
        away.setattr(BookingService, "expire", failing(outage))
        with pytest.raises(type(outage)):
            world.sweep()
    assert world.sweep() == len(overdue)
    assert world.sweep() == 0


def test_one_that_cannot_be_resolved_does_not_keep_the_others(world: World, overdue: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    expire = BookingService.expire

    def fail_for_one(service: BookingService, booking: object) -> object:
        if booking.hold == overdue[0]:  # type: ignore[attr-defined]
            raise LookupError("what is this?")
        return expire(service, booking)  # type: ignore[arg-type]

    with monkeypatch.context() as strange:
        strange.setattr(BookingService, "expire", fail_for_one)
        assert world.sweep() == 2
        assert [hold.hold for hold in world.seats.overdue()] == [overdue[0]]
    assert world.sweep() == 1

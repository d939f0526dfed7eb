"""The mails that follow from what happens."""

from __future__ import annotations

from collections.abc import Iterator
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from pathlib import Path
from typing import cast

import pytest

from dinnerkit import Kit, Settings
from dinnerkit.accounts.recovery import RecoveryService
from dinnerkit.accounts.service import AccountService, NewUser
from dinnerkit.booking.service import BookingService
from dinnerkit.ids import new_id
from dinnerkit.matching.seatings import Wishes
from dinnerkit.matching.service import SeatingService
from dinnerkit.money import Money
from dinnerkit.testing import StandingClock, run_background, settings_for_tests
from tests.fire.dinners import HOST, host_dinner


@pytest.fixture
def kit(database_url: str, tmp_path: Path) -> Iterator[Kit]:
    with Kit.open(Settings(**settings_for_tests(database_url, tmp_path)), clock=StandingClock()) as kit:
        yield kit


@pytest.fixture
def ada(kit: Kit) -> str:
    [user] = kit.service(AccountService).import_users([NewUser(email="ada@example.org", name="Ada Lovelace")])
    return user


def mails(kit: Kit, subject: str) -> list[EmailMessage]:
    """What was sent until now under that subject, in any order."""
    folder = Path(kit.settings.data) / "mail"
    sent = [cast("EmailMessage", message_from_bytes(path.read_bytes(), policy=default)) for path in folder.iterdir()]
    return [mail for mail in sent if mail["Subject"] == subject]


def test_who_has_a_new_password_is_told_without_it(kit: Kit, ada: str) -> None:
    recovery = kit.service(RecoveryService)
    recovery.reset_password(str(recovery.reset_token(ada)), "sea otters hold hands")
    run_background(kit)

    [mail] = mails(kit, "Your password was changed")

    assert mail["To"] == "ada@example.org"
    assert "/forgot" in mail.get_content()
    assert "otters" not in mail.get_content()


def test_tables_that_take_the_place_of_others_are_told_anew(kit: Kit, ada: str) -> None:
    event = host_dinner(kit, seats=4, price=Money(0, "EUR"))
    kit.service(BookingService).reserve(ada, event, 1, booking_id=new_id())
    seatings = kit.service(SeatingService)
    first, second = (seatings.request(HOST, event, seating_id=new_id(), wishes=Wishes(seed)).id for seed in (1, 2))
    run_background(kit)
    for seating in (first, second, first, first):
        kit.clock.advance(minutes=1)  # type: ignore[attr-defined]
        seatings.publish(HOST, event, seating)
        run_background(kit)

    sent = mails(kit, "Your table at Dumplings")

    assert len({mail["Message-ID"] for mail in sent}) == len(sent) == 3

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
from dinnerkit.backends.sandbox import SandboxGateway
from dinnerkit.booking.paying import PayingService
from dinnerkit.booking.service import BookingService
from dinnerkit.identity import Role
from dinnerkit.ids import new_id
from dinnerkit.matching.seatings import Wishes
from dinnerkit.matching.service import SeatingService
from dinnerkit.money import Money
from dinnerkit.payment.refunds import RefundService
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
    assert mail["Date"].datetime == kit.clock()
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


class TestMoneyThatWentAnotherWay:
    def pay(self, kit: Kit, method: str) -> str:
        """A guest pays for one seat at a dinner of Mina's; the payment's id."""
        accounts = [
            NewUser(email="mina@example.org", name="Mina", role=Role.HOST),
            NewUser(email="root@example.org", name="Root", role=Role.ADMIN),
            NewUser(email="ada@example.org", name="Ada"),
        ]
        mina, _, ada = kit.service(AccountService).import_users(accounts)
        event = host_dinner(kit, seats=4)
        kit.database["events"].update_one({"_id": event}, {"$set": {"host": mina}})
        booking = kit.service(BookingService).reserve(ada, event, 1, booking_id=new_id())
        kit.service(PayingService).pay(ada, booking.id, method, payment_id=(payment := new_id()))
        run_background(kit)
        return payment

    @pytest.mark.parametrize(
        ("won", "subject"), [(True, "€35.00 that a guest's bank had taken are back"), (False, "€35.00 stay with a guest's bank")]
    )
    def test_of_a_dispute_its_host_and_the_admins_are_told(self, kit: Kit, won: bool, subject: str) -> None:
        payment = self.pay(kit, "pm_card_createDispute")
        opened = mails(kit, "A guest's bank has taken €35.00 back")
        assert sorted(mail["To"] for mail in opened) == ["mina@example.org", "root@example.org"]
        assert "fraudulent" in opened[0].get_content()
        gateway = cast("SandboxGateway", kit.backends.gateway)
        charge = gateway.find(payment)
        assert charge
        gateway.settle_dispute(gateway.disputes(charge.id)[0].id, won=won)
        run_background(kit)
        assert sorted(mail["To"] for mail in mails(kit, subject)) == ["mina@example.org", "root@example.org"]

    def test_of_a_refund_that_failed_the_admins_are_told(self, kit: Kit) -> None:
        payment = self.pay(kit, "pm_card_refundFail")
        kit.service(RefundService).request(payment, Money(1000, "EUR"), key="cause", reason="because")
        run_background(kit)
        run_background(kit)
        ((_, failed),) = kit.service(RefundService).failed()
        [mail] = mails(kit, "A refund of €10.00 could not be made")
        assert mail["To"] == "root@example.org"
        assert f"dinnerkit refunds retry {failed['id']}" in mail.get_content()

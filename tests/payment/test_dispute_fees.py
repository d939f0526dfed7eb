"""What the gateway keeps for a dispute is a cost of the platform's: posted once, and taken back where the gateway gives it back."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from dinnerkit.money import Money
from dinnerkit.payment.ledger.checking import LedgerCheck
from dinnerkit.payment.rules import Share
from tests.payment.conftest import Till


@pytest.fixture
def disputed(till: Till) -> Till:
    till.pay(method="pm_card_createDispute", share=Share("mina", "dinner-1"))
    till.work()
    return till


def dispute_of(till: Till) -> str:
    (dispute,) = till.gateway.disputes(till.row()["charge"])
    return dispute.id


def say(till: Till, monkeypatch: pytest.MonkeyPatch, *fees: Money | None) -> None:
    """Have the gateway say these fees, one after the other, and be asked each time."""
    original = till.gateway.disputes
    for fee in fees:
        with monkeypatch.context() as patched:
            patched.setattr(till.gateway, "disputes", lambda charge, fee=fee: [replace(found, fee=fee) for found in original(charge)])
            till.look(till.row()["charge"], "dispute")
        till.work()


def posted(till: Till) -> list[tuple[str, int]]:
    """The entries about fees of the dispute, by the number at their end, with what they add to the costs."""
    rows = till.database["ledger"].find({"_id": {"$regex": "^dispute_fee"}}).sort("_id", 1)
    found = [(row["_id"], sum(part["amount"] for part in row["postings"] if part["account"] == "gateway_fees")) for row in rows]
    return sorted(found, key=lambda entry: int(entry[0].rpartition(":")[2]))


def agrees(till: Till) -> bool:
    check = LedgerCheck(till.database, till.ledger, lambda: till.clock() + timedelta(minutes=2))
    return not list(check.findings())


def test_it_is_one_entry_of_the_dispute_however_often_it_is_told(disputed: Till) -> None:
    for _ in range(2):
        disputed.look(disputed.row()["charge"])
        disputed.work()
    assert posted(disputed) == [(f"dispute_fee:{dispute_of(disputed)}:1", 1500)]
    assert agrees(disputed)


@pytest.mark.parametrize(("won", "kept"), [(True, 0), (False, 1500)])
def test_it_comes_back_where_the_gateway_gives_it_back(disputed: Till, won: bool, kept: int) -> None:
    disputed.gateway.settle_dispute(dispute_of(disputed), won=won)
    disputed.work()
    assert sum(amount for _, amount in posted(disputed)) == kept
    assert [entry for entry, _ in posted(disputed)][1:] == [f"dispute_fee_returned:{dispute_of(disputed)}:2"] * won
    assert agrees(disputed)


def test_it_is_never_the_hosts(disputed: Till) -> None:
    disputed.gateway.settle_dispute(dispute_of(disputed), won=True)
    disputed.work()
    assert disputed.ledger.owed("mina") == {"EUR": 3150}
    day = timedelta(days=1)
    statement = disputed.ledger.of_payee("mina", disputed.clock() - day, disputed.clock() + day)
    assert [entry.kind for entry in statement] == ["payment_succeeded"]


def test_it_may_rise_and_fall(disputed: Till, monkeypatch: pytest.MonkeyPatch) -> None:
    """As where the gateway keeps more of who contests a dispute, and gives that back to who wins."""
    say(disputed, monkeypatch, Money(3500, "EUR"), Money(1500, "EUR"), Money(1500, "EUR"))
    dispute = dispute_of(disputed)
    assert posted(disputed) == [
        (f"dispute_fee:{dispute}:1", 1500),
        (f"dispute_fee:{dispute}:2", 2000),
        (f"dispute_fee_returned:{dispute}:3", -2000),
    ]
    assert agrees(disputed)


@pytest.mark.parametrize("fees", [[None], [Money(99, "USD")], [None, Money(1500, "EUR"), None]])
def test_what_is_not_known_changes_nothing(disputed: Till, monkeypatch: pytest.MonkeyPatch, fees: Sequence[Money | None]) -> None:
    say(disputed, monkeypatch, *fees)
    assert [amount for _, amount in posted(disputed)] == [1500]


def test_many_who_learn_of_it_at_once_note_it_once(till: Till) -> None:
    till.pay(method="pm_card_createDispute")
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: till.disputes.sync("pay-1"), range(16)))
    assert [change["amount"] for change in till.row()["disputes"][0]["fees"]] == [1500]
    assert till.told().count("payment.dispute_fee_changed") == 1


def test_who_learns_of_it_while_another_notes_it_notes_nothing(till: Till, monkeypatch: pytest.MonkeyPatch) -> None:
    till.pay(method="pm_card_createDispute")
    till.disputes.sync("pay-1")
    till.database["payments"].update_one({"_id": "pay-1"}, {"$unset": {"disputes.0.fees": ""}, "$set": {"outbox": []}})
    others = iter([till.disputes.sync])

    def clock() -> datetime:
        for sync in others:  # between what is read and what is written
            sync("pay-1")
        return till.clock()

    monkeypatch.setattr(till.disputes, "_clock", clock)
    till.disputes.sync("pay-1")
    assert [change["amount"] for change in till.row()["disputes"][0]["fees"]] == [1500]
    assert till.told() == ["payment.dispute_fee_changed"]

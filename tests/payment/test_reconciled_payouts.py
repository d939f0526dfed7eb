"""What hosts were paid is held against what the gateway says that it has paid: every difference is named, and what is safe is noted."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from dinnerkit.backends.sandbox import SandboxGateway
from dinnerkit.errors import Unavailable
from dinnerkit.money import Money
from dinnerkit.payment.ledger.checking import LedgerCheck
from dinnerkit.payment.reconciliation.service import Reconciliation, Report
from dinnerkit.payment.rules import Share
from dinnerkit.ports.gateway import Payout, PayoutListings, Payouts
from tests.payment.conftest import Till

DAY = timedelta(days=1)
FIRST, SECOND = "dinner-1:EUR:0", "dinner-2:EUR:0"


@pytest.fixture
def paying(till: Till) -> Till:
    """Two hosts with accounts that are ready; the first has been paid for a dinner, the second's dinner has brought money too."""
    for payee in ("mina", "noor"):
        till.accounts.open(payee, country="DE", email=f"{payee}@example.org")
        till.accounts.onboarding_url(payee)
    till.pay("pay-1", share=Share("mina", "dinner-1"))
    till.pay("pay-2", reference="booking-2", share=Share("noor", "dinner-2"))
    till.payouts.expect("pay-1", till.clock())
    till.payouts.expect("pay-2", till.clock())
    till.payouts.pay(FIRST)
    till.work()
    till.clock.advance(minutes=20)
    assert payout(till)["status"] == "sent"
    return till


def payout(till: Till, payout_id: str = FIRST) -> dict[str, Any]:
    found = till.database["payouts"].find_one({"_id": payout_id})
    assert found
    return found


def run(till: Till, *, repair: bool = True) -> Report:
    return till.reconciliation.run(till.clock() - DAY, till.clock() + timedelta(seconds=1), repair=repair)


def found(till: Till, *, repair: bool = True) -> list[tuple[str, str, bool]]:
    return [(mismatch.code, mismatch.subject, mismatch.repaired) for mismatch in run(till, repair=repair).mismatches]


def change(till: Till, sql: str, *values: str) -> None:
    with till.gateway.books.writing() as books:
        books.execute(sql, values)


def listing(till: Till, monkeypatch: pytest.MonkeyPatch, changed: Callable[[Payout], Payout]) -> None:
    """Have the gateway say something else of its payouts."""
    original = till.gateway.payouts_made
    monkeypatch.setattr(till.gateway, "payouts_made", lambda *time: [changed(payout) for payout in original(*time)])


def test_where_all_agrees_nothing_is_found(paying: Till) -> None:
    report = run(paying)
    assert report.mismatches == ()
    assert report.compared == 2 + 1


def test_a_payout_whose_answer_was_lost_is_noted_as_sent_and_posted_once(paying: Till, monkeypatch: pytest.MonkeyPatch) -> None:
    pay_out = paying.gateway.pay_out

    def lost(**asked: Any) -> Payout:
        pay_out(**asked)
        raise Unavailable("no answer")

    monkeypatch.setattr(paying.gateway, "pay_out", lost)
    with pytest.raises(Unavailable):
        paying.payouts.pay(SECOND)
    assert payout(paying, SECOND)["status"] == "sending"
    assert found(paying, repair=False) == [("payout_status", SECOND, False)]
    assert payout(paying, SECOND)["status"] == "sending"
    assert found(paying) == [("payout_status", SECOND, True)]
    row = payout(paying, SECOND)
    assert (row["status"], "try_at" in row, [told["kind"] for told in row["outbox"]]) == ("sent", False, ["payment.payout_sent"])
    paying.work()
    paying.clock.advance(minutes=2)
    assert found(paying) == []
    assert paying.ledger.has(f"payout:{SECOND}")
    assert paying.ledger.owed("noor")["EUR"] == 0


def test_a_payout_that_came_back_unheard_is_noted_as_failed(paying: Till, monkeypatch: pytest.MonkeyPatch) -> None:
    listing(paying, monkeypatch, lambda payout: replace(payout, status="failed"))
    assert found(paying) == [("payout_status", FIRST, True)]
    assert payout(paying)["status"] == "failed"
    assert [told["kind"] for told in payout(paying)["outbox"]] == ["payment.payout_failed"]
    paying.work()
    paying.clock.advance(minutes=2)
    assert found(paying) == []
    assert paying.ledger.has(f"payout_failed:{FIRST}")


def nobody_asked_for_it(till: Till) -> None:
    account = till.accounts.get("noor").account
    till.gateway.pay_out(key="by-hand", account_id=account, money=Money(100, "EUR"), description="")


def it_is_not_there(till: Till) -> None:
    change(till, "delete from payouts")


def it_is_of_another_amount(till: Till) -> None:
    change(till, "update payouts set amount = 1")


def it_is_in_another_currency(till: Till) -> None:
    change(till, "update payouts set currency = 'USD'")


def it_went_to_another_host(till: Till) -> None:
    change(till, "update payouts set account = ?", till.accounts.get("noor").account)


def it_failed_here_alone(till: Till) -> None:
    till.database["payouts"].update_one({"_id": FIRST}, {"$set": {"status": "failed", "failed_at": till.clock()}})
    till.ledger.post_payout(FIRST)


def it_is_forgotten_here(till: Till) -> None:
    """As by a backup from before it was sent."""
    row = payout(till)
    fields = ("gateway", "gateway_id", "account", "amount", "fixed_at", "sent_at")
    till.database["payouts"].update_one(
        {"_id": row["_id"]}, {"$set": {"status": "waiting", "try_at": row["created_at"]}, "$unset": dict.fromkeys(fields, "")}
    )
    till.database["ledger"].delete_one({"_id": f"payout:{FIRST}"})


def it_is_noted_as_another(till: Till) -> None:
    """The gateway's own is there, and ours is named otherwise: so it was made twice."""
    row = payout(till)
    account, money = row["account"], Money(row["amount"], "EUR")
    other = till.gateway.pay_out(key="again", account_id=account, money=money, description="")
    change(till, "update payouts set key = 'gone' where id = ?", row["gateway_id"])
    change(till, "update payouts set key = ? where id = ?", FIRST, other.id)


LEFT: list[tuple[Callable[[Till], None], list[str]]] = [
    (nobody_asked_for_it, ["unknown_payout"]),
    (it_is_not_there, ["missing_payout"]),
    (it_is_of_another_amount, ["payout_amount"]),
    (it_is_in_another_currency, ["payout_amount"]),
    (it_went_to_another_host, ["payout_account"]),
    (it_failed_here_alone, ["payout_status"]),
    (it_is_forgotten_here, ["payout_status"]),
    (it_is_noted_as_another, ["unknown_payout", "payout_twice"]),
]


@pytest.mark.parametrize(("damage", "codes"), LEFT, ids=[damage.__name__ for damage, _ in LEFT])
def test_what_a_person_must_look_at_is_named_and_left(paying: Till, damage: Callable[[Till], None], codes: list[str]) -> None:
    damage(paying)
    before = payout(paying)
    for _ in range(2):
        assert [(code, repaired) for code, _, repaired in found(paying)] == [(code, False) for code in codes]
    assert payout(paying) == before


def test_what_nobody_asked_for_and_went_back_is_settled(paying: Till, monkeypatch: pytest.MonkeyPatch) -> None:
    nobody_asked_for_it(paying)
    listing(paying, monkeypatch, lambda payout: replace(payout, status="failed") if payout.key == "by-hand" else payout)
    assert found(paying) == []


def test_what_was_made_a_moment_apart_is_the_same(paying: Till) -> None:
    change(paying, "update payouts set created_at = created_at - 172800")
    assert found(paying) == []


def test_one_that_is_not_made_for_a_day_is_named_until_it_is(paying: Till, monkeypatch: pytest.MonkeyPatch) -> None:
    def too_little(**_: Any) -> Payout:
        raise Unavailable("there is not enough money at the gateway yet")

    with monkeypatch.context() as patched:
        patched.setattr(paying.gateway, "pay_out", too_little)
        with pytest.raises(Unavailable):
            paying.payouts.pay(SECOND)
    paying.clock.advance(hours=23)
    assert found(paying) == []
    paying.clock.advance(hours=1)
    assert found(paying) == [("payout_not_made", SECOND, False)]
    paying.payouts.pay(SECOND)
    assert found(paying) == []


def test_one_that_another_gateway_made_is_none_of_this_ones(paying: Till) -> None:
    it_is_not_there(paying)
    paying.database["payouts"].update_one({"_id": FIRST}, {"$set": {"gateway": "ourbank"}})
    assert found(paying) == []


@pytest.mark.parametrize("wrong", ["money", "account_id"])
def test_what_the_gateway_answers_is_never_taken_for_what_was_asked(paying: Till, wrong: str, monkeypatch: pytest.MonkeyPatch) -> None:
    pay_out, other = paying.gateway.pay_out, {"money": Money(1, "EUR"), "account_id": "acct_other"}[wrong]
    monkeypatch.setattr(paying.gateway, "pay_out", lambda **asked: replace(pay_out(**asked), **{wrong: other}))
    paying.payouts.pay(SECOND)
    row = payout(paying, SECOND)
    assert (row["status"], row["try_at"]) == ("sending", paying.clock() + DAY)
    assert not paying.ledger.has(f"payout:{SECOND}")


def less(gateway: SandboxGateway, *lacking: str) -> Any:
    """A gateway that lacks some of what the sandbox can do."""
    return SimpleNamespace(**{name: getattr(gateway, name) for name in dir(gateway) if not name.startswith("_") and name not in lacking})


def reconciled_with(till: Till, gateway: Any) -> list[str]:
    check = LedgerCheck(till.database, till.ledger, till.clock)
    services = (till.payments, till.refunds, till.disputes, till.payouts, till.ledger, check)
    reconciliation = Reconciliation(till.database, gateway, *services, till.clock)
    return [mismatch.code for mismatch in reconciliation.run(till.clock() - DAY).mismatches]


def test_a_gateway_that_lists_no_payouts_is_asked_about_each_that_we_know(paying: Till) -> None:
    gateway = less(paying.gateway, "payouts_made")
    assert isinstance(gateway, Payouts)
    assert not isinstance(gateway, PayoutListings)
    assert reconciled_with(paying, gateway) == []
    nobody_asked_for_it(paying)
    it_is_of_another_amount(paying)
    assert reconciled_with(paying, gateway) == ["payout_amount"]


def test_a_gateway_that_pays_nobody_is_asked_nothing(paying: Till) -> None:
    it_is_not_there(paying)
    assert reconciled_with(paying, less(paying.gateway, "payouts_made", "payout", "pay_out")) == []


def test_without_an_answer_it_does_not_pretend_to_be_whole(paying: Till, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_answer(*_: object) -> None:
        raise Unavailable("no answer")

    monkeypatch.setattr(paying.gateway, "payouts_made", no_answer)
    with pytest.raises(Unavailable):
        run(paying)
    assert paying.reconciliation.last() is None

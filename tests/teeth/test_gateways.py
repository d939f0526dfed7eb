"""The contract bites: each gateway that is wrong fails it, and is told what it did wrong."""

from __future__ import annotations

import inspect
import subprocess
import sys
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from dinnerkit.testing import GatewayBench, GatewayContract
from dinnerkit.testing.gateway import ContractBroken
from tests.teeth import broken
from tests.teeth.broken import Remote, Sound, bench_of

ROOT = Path(__file__).parents[2]


class TestTheSoundOne(GatewayContract):
    @pytest.fixture
    def bench(self, tmp_path: Path) -> Iterator[GatewayBench]:
        yield from opened(Remote, tmp_path)


BROKEN = [
    (broken.OffersWhatItDoesNotTake, "what_a_page_offers_can_be_paid_with", "'An imaginary card' is offered, and can't be paid with"),
    (
        broken.AsksNothing,
        "a_page_without_methods_to_choose_from_has_a_module_that_asks",
        "neither offers a payment method nor has",
    ),
    (broken.ForgetsTheBank, "a_page_without_methods_to_choose_from_has_a_module_that_asks", "exports no function authenticate"),
    (broken.LetsAnyScriptIn, "a_page_lets_in_origins_and_nothing_else", "wants script-src to let in 'unsafe-inline'"),
    (broken.ChangesWhereFormsGo, "a_page_lets_in_origins_and_nothing_else", "wants to change form-action"),
    (broken.ShowsItsSecret, "a_page_is_told_no_secret", "a secret of the gateway's is on the page: whse…"),
    (broken.MovesMoneyTwice, "the_same_key_moves_money_once", "the same key moved money twice"),
    (broken.LooksAndThenWrites, "the_same_key_at_the_same_time_moves_money_once", r"8 times at once, moved money \d times"),
    (broken.TakesItsWordsForAnotherPayment, "the_same_key_moves_money_once", "with another description moved money twice"),
    (broken.MovesMoneyTwiceInSecret, "every_payment_is_listed_once_over_all_pages", "lists 2 payments under one key: money moved twice"),
    (broken.ListsOnePage, "every_payment_is_listed_once_over_all_pages", r"of 11 payments it lists \d"),
    (
        broken.RefundsWhatTheBankTookBack,
        "what_the_bank_takes_back_is_told_and_can_not_be_refunded_too",
        "the bank takes back was refunded: it answered",
    ),
    (
        broken.KeepsItsFeeInItsOwnCurrency,
        "what_the_bank_takes_back_is_told_and_can_not_be_refunded_too",
        "it keeps .*USD.* which is no amount in that currency",
    ),
    (
        broken.ListsDisputesWithoutTheirFees,
        "what_the_bank_takes_back_is_told_and_can_not_be_refunded_too",
        "it lists None as the fee of a dispute of which it tells",
    ),
    (broken.TellsNoRefundsOfOthers, "the_refunds_of_a_payment_are_told_each_once", "after the refunds .* it tells of"),
    (broken.PaysHostsTwice, "the_same_key_pays_once", r"the same key paid the host 5 times"),
    (broken.PaysWhoIsNotReady, "who_is_not_ready_is_not_paid", "an account that is not ready was paid: it answered"),
    (broken.PaysWhatIsNotThere, "only_what_is_an_amount_and_is_there_is_paid", "more was paid out than is there: it answered"),
    (broken.ListsOnePageOfPayouts, "every_payout_is_listed_once_over_all_pages", "of 11 payouts to a host it lists 10"),
    (broken.ListsPayoutsOfAnyTime, "every_payout_is_listed_once_over_all_pages", "a payout of now is listed between"),
    (broken.ListsPayoutsWithoutTheirKeys, "every_payout_is_listed_once_over_all_pages", r"it lists \[Payout\(id='tr_"),
    (broken.ForgetsTheKey, "a_payment_is_found_by_its_key", "does not find the payment ch_.* by its key"),
    (broken.ForgetsOverARestart, "nothing_is_forgotten_over_a_restart", "after a restart it finds None by the key of the payment"),
    (broken.SucceedsBeforeTheGuestDoes, "before_the_guest_has_authenticated_there_is_no_success", "is 'succeeded' before it"),
    (broken.CountsYenInHundredths, "a_good_payment_succeeds_for_exactly_what_was_asked_for", r"charged .*500000.* where .*5000, .*JPY"),
    (broken.RaisesADecline, "a_decline_is_an_answer_with_its_reason", "a decline is an answer, not an error: it raised PaymentRequired"),
    (broken.GivesUpWhatSucceeded, "what_has_succeeded_can_not_be_given_up", "giving up a payment that has succeeded made it 'cancelled'"),
    (broken.RaisesAnythingForTheUnknown, "an_unknown_payment_is_not_found", "raised KeyError .* where NotFound is due"),
    (
        broken.RefundsMoreThanWasPaid,
        "more_than_was_paid_never_goes_back",
        r"more was asked back than is left .*3501 of .* answered GatewayRefund",
    ),
    (broken.RefundsTwice, "the_same_key_gives_back_once", "the same key gave money back twice"),
    (broken.RefundsTwice, "the_same_key_at_the_same_time_gives_back_once", "(gave money back|is left)"),
    (broken.RefundsAnyCurrency, "only_a_positive_amount_of_the_same_currency_goes_back", "USD.* was asked back of a payment of .*EUR"),
    (broken.BelievesAnySignature, "what_is_not_signed_is_refused", "a webhook came with no header: it answered"),
    (broken.BelievesAnySignature, "what_another_secret_signed_is_refused", "signed with another secret: it answered"),
    (broken.BelievesAnySignature, "what_was_changed_on_the_way_is_refused", "body was changed on the way: it"),
    (broken.BelievesOldSignatures, "what_was_signed_long_ago_is_refused", "signed 3600 s ago: it answered"),
    (broken.KnowsOneSecret, "what_it_signed_is_understood", "secret 2 of 2 that are in force is refused"),
    (broken.CallsNonsenseAForgery, "what_is_signed_and_makes_no_sense_is_invalid", "signed rightly, and is refused as a forgery"),
    (
        broken.BelievesUnknownKinds,
        "of_a_kind_that_nobody_has_heard_of_nothing_is_believed",
        "unknown kind is read as one about the payment",
    ),
    (broken.RepeatsWhatWasAcknowledged, "webhooks_that_are_fetched_are_signed_and_come_until_acknowledged", "acknowledged comes again"),
    (broken.TellsItsSecret, "its_secrets_stay_its_own", "a secret of the backend's is in what it tells: .*whse…"),
    (broken.CanNotBeClosedTwice, "it_can_be_closed_twice", "closing it a second time raised ProgrammingError"),
    (
        broken.TakesSilenceForADecline,
        "without_an_answer_it_says_so_and_nothing_more",
        "silent, and a payment was asked for: it answered .*declined",
    ),
    (
        broken.TakesSilenceForAbsence,
        "without_an_answer_it_says_so_and_nothing_more",
        "silent, and a payment was looked for: it answered None",
    ),
    (broken.LetsTheSocketsErrorThrough, "without_an_answer_it_says_so_and_nothing_more", "raised TimeoutError .* where Unavailable is due"),
]


@pytest.mark.parametrize(("kind", "test", "words"), BROKEN, ids=[f"{kind.__name__}-{test}" for kind, test, _ in BROKEN])
def test_what_is_broken_is_told_in_words(
    kind: type[Sound], test: str, words: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    for bench in opened(kind, tmp_path):
        with pytest.raises(ContractBroken, match=words):
            contract_test(test, bench, caplog)()


def test_each_broken_gateway_is_among_them() -> None:
    kinds = {kind for _, kind in inspect.getmembers(broken, inspect.isclass) if issubclass(kind, Sound)} - {Sound, Remote}
    assert kinds == {kind for kind, _, _ in BROKEN}


def test_whoever_runs_pytest_reads_the_sentence(tmp_path: Path) -> None:
    (tmp_path / "test_theirs.py").write_text(
        "import pytest\n"
        "from dinnerkit.testing import GatewayContract\n"
        "from tests.teeth.broken import MovesMoneyTwice, bench_of\n"
        "class TestTheirs(GatewayContract):\n"
        "    @pytest.fixture\n"
        "    def bench(self, tmp_path):\n"
        "        return bench_of(MovesMoneyTwice, tmp_path)\n"
        "class TestForgetful(GatewayContract):\n"
        "    pass\n"
    )
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-k", "moves_money_once", str(tmp_path)]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert ended.returncode == 1
    assert "ContractBroken: the same key moved money twice: payments ch_" in ended.stdout
    assert "TestForgetful must define a fixture `bench` that gives a GatewayBench" in ended.stdout


def test_the_rest_of_the_kit_needs_no_pytest() -> None:
    script = "import sys, dinnerkit.testing as kit; assert 'pytest' not in sys.modules; kit.GatewayContract; assert 'pytest' in sys.modules"
    subprocess.run([sys.executable, "-c", script], check=True)


def opened(kind: type[Sound], folder: Path) -> Iterator[GatewayBench]:
    bench = bench_of(kind, folder)
    yield bench
    Sound.close(bench.gateway)  # type: ignore[arg-type]


def contract_test(name: str, bench: GatewayBench, caplog: pytest.LogCaptureFixture) -> Callable[[], Any]:
    method = getattr(GatewayContract(), f"test_{name}")
    more = {"caplog": caplog, "place": "silent"}
    return partial(method, bench, **{name: more[name] for name in inspect.signature(method).parameters if name in more})

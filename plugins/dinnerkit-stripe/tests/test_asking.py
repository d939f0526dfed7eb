"""What goes over the wire, and what comes of it when the wire is bad."""

from __future__ import annotations

import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import requests

from dinnerkit.errors import Invalid, NotFound, Unavailable
from dinnerkit.ids import id_at, new_id
from dinnerkit.money import Money
from dinnerkit.ports.gateway import Charge
from dinnerkit_stripe import StripeGateway
from tests.services.stripe import SECRET_KEY, StripeDouble, stripe_url

PRICE = Money(3500, "EUR")
CREATE = "POST /v1/payment_intents"


def pay(gateway: StripeGateway, key: str | None = None, method: str = "pm_card_visa", money: Money = PRICE) -> Charge:
    return gateway.charge(key=key or new_id(), money=money, method=method, description="Booking 1")


def asked(double: StripeDouble, key: str) -> list[dict[str, Any]]:
    """The writes that were asked for with an idempotency key of that id."""
    return [request for request in double.requests() if request["key"].endswith(f":{key}")]


def intents(double: StripeDouble, key: str) -> int:
    """How many payments the double really has of a key."""
    headers = {"Authorization": f"Bearer {SECRET_KEY}"}
    found = requests.get(f"{double.url}/v1/payment_intents", params={"limit": 100}, headers=headers, timeout=20).json()["data"]
    return len([intent for intent in found if intent["metadata"].get("dinnerkit_key") == key])


def days_old() -> str:
    """A new key, as if it had been made two days ago."""
    return id_at(int((time.time() - 2 * 86_400) * 1000), time.time_ns())


class TestWhatIsAsked:
    def test_what_stripes_form_made_goes_where_stripe_wants_it(self, gateway: StripeGateway, double: StripeDouble) -> None:
        key = new_id()
        with pytest.raises(Invalid) as refused:
            pay(gateway, key, method="ctoken_never_made")
        assert "payment_method" in refused.value.details["fields"]
        (request,) = asked(double, key)
        assert request["form"]["confirmation_token"] == "ctoken_never_made"
        assert "payment_method" not in request["form"]

    def test_a_payment_is_made_and_confirmed_in_one_request_under_our_key(self, gateway: StripeGateway, double: StripeDouble) -> None:
        key = new_id()
        pay(gateway, key)
        (request,) = asked(double, key)
        assert request == {
            "method": "POST",
            "path": "/v1/payment_intents",
            "key": f"charge:{key}",
            "form": {
                "amount": "3500",
                "currency": "eur",
                "payment_method": "pm_card_visa",
                "payment_method_types[0]": "card",
                "confirm": "true",
                "description": "Booking 1",
                "metadata[dinnerkit_key]": key,
                "expand[0]": "latest_charge.balance_transaction",
            },
        }

    @pytest.mark.parametrize(
        ("money", "amount"), [(Money(5000, "JPY"), "5000"), (Money(12350, "KWD"), "12350"), (Money(45, "ISK"), "4500")]
    )
    def test_amounts_are_in_stripes_units_and_answers_in_ours(
        self, gateway: StripeGateway, double: StripeDouble, money: Money, amount: str
    ) -> None:
        key, refund = new_id(), new_id()
        made = pay(gateway, key, money=money)
        gateway.refund(key=refund, charge_id=made.id, money=money)
        assert [request["form"]["amount"] for request in (*asked(double, key), *asked(double, refund))] == [amount, amount]
        assert made.money == gateway.retrieve(made.id).money == money

    def test_every_write_that_moves_money_has_a_key_of_ours(self, gateway: StripeGateway, double: StripeDouble) -> None:
        keys = [new_id() for _ in range(4)]
        made = pay(gateway, keys[0])
        gateway.refund(key=keys[1], charge_id=made.id, money=Money(100, "EUR"))
        account = gateway.open_account(key=keys[2], host_id="mina", country="DE", email="mina@example.org").id
        double.steer("ready", account=account)
        gateway.pay_out(key=keys[3], account_id=account, money=Money(100, "EUR"), description="Dinner")
        assert [asked(double, key)[0]["key"] for key in keys] == [
            f"charge:{keys[0]}",
            f"refund:{keys[1]}",
            f"account:{keys[2]}",
            f"payout:{keys[3]}",
        ]

    def test_the_double_refuses_what_stripes_openapi_refuses(self, double: StripeDouble, mock_url: str) -> None:
        assert mock_url
        headers = {"Authorization": f"Bearer {SECRET_KEY}"}
        form = {"amount": 100, "currency": "eur", "payment_method": "pm_card_visa", "colour": "green"}
        answer = requests.post(f"{double.url}/v1/payment_intents", data=form, headers=headers, timeout=20)
        assert answer.status_code == 400
        assert "additional properties are not allowed" in answer.text

    def test_the_fee_is_told_once_stripe_has_booked_it(self, gateway: StripeGateway) -> None:
        assert gateway.retrieve(pay(gateway).id).fee == Money(70, "EUR")
        assert pay(gateway, method="pm_card_chargeDeclined").fee is None
        assert pay(gateway, money=Money(45, "ISK")).fee is None  # 0.90 kr, and there is no such coin

    def test_a_decline_has_stripes_word(self, gateway: StripeGateway) -> None:
        assert pay(gateway, method="pm_card_chargeDeclined").decline_code == "generic_decline"

    def test_a_repetition_is_answered_with_how_it_stands_and_not_with_how_it_stood(
        self, gateway: StripeGateway, double: StripeDouble
    ) -> None:
        """Stripe answers a repeated idempotency key with what it answered first."""
        key = new_id()
        waiting = pay(gateway, key, method="pm_card_authenticationRequired")
        double.authenticate(waiting.id, str(waiting.client_secret), approve=True)
        again = pay(gateway, key, method="pm_card_authenticationRequired")
        assert (again.id, again.status, again.client_secret) == (waiting.id, "succeeded", None)

    def test_a_card_may_be_declined_after_the_guest_has_authenticated(self, gateway: StripeGateway, double: StripeDouble) -> None:
        waiting = pay(gateway, method="pm_card_authenticationRequiredChargeDeclined")
        assert waiting.status == "action_required"
        double.authenticate(waiting.id, str(waiting.client_secret), approve=True)
        found = gateway.retrieve(waiting.id)
        assert (found.status, found.decline_code) == ("declined", "generic_decline")

    def test_a_country_in_which_stripe_pays_nobody_is_named_as_the_mistake(self, gateway: StripeGateway) -> None:
        with pytest.raises(Invalid) as caught:
            gateway.open_account(key=new_id(), host_id="mina", country="KP", email="mina@example.org")
        assert "country" in caught.value.details["fields"]


class TestOtherShopsOnTheSameAccount:
    def test_are_not_ours(self, gateway: StripeGateway, double: StripeDouble) -> None:
        headers = {"Authorization": f"Bearer {SECRET_KEY}"}
        form = {"amount": 100, "currency": "eur", "payment_method": "pm_card_visa", "confirm": "true"}
        theirs = requests.post(f"{double.url}/v1/payment_intents", data=form, headers=headers, timeout=20).json()["id"]
        requests.post(f"{double.url}/v1/refunds", data={"payment_intent": theirs, "amount": 50}, headers=headers, timeout=20)
        double.steer("dispute", payment_intent=theirs)
        now = datetime.now(UTC)
        lately = now - timedelta(minutes=10), now + timedelta(minutes=10)
        assert gateway.retrieve(theirs).key == ""
        assert theirs not in [charge.id for charge in gateway.charges(*lately)]
        assert theirs not in [refund.charge_id for refund in gateway.refunds_made(*lately)]
        assert theirs not in [dispute.charge_id for dispute in gateway.disputes_opened(*lately)]

    def test_a_refund_at_the_dashboard_of_a_payment_of_ours_is_told_without_a_key(
        self, gateway: StripeGateway, double: StripeDouble
    ) -> None:
        made = pay(gateway)
        headers = {"Authorization": f"Bearer {SECRET_KEY}"}
        requests.post(f"{double.url}/v1/refunds", data={"payment_intent": made.id, "amount": 50}, headers=headers, timeout=20)
        (refund,) = gateway.refunds(made.id)
        assert (refund.key, refund.money) == ("", Money(50, "EUR"))
        now = datetime.now(UTC)
        assert refund in list(gateway.refunds_made(now - timedelta(minutes=10), now + timedelta(minutes=10)))


class TestDisputes:
    @pytest.mark.parametrize(
        ("stripes", "ours"), [("needs_response", ["open"]), ("under_review", ["open"]), ("won", ["won"]), ("lost", ["lost"])]
    )
    def test_are_told_in_our_words(self, gateway: StripeGateway, double: StripeDouble, stripes: str, ours: list[str]) -> None:
        made = pay(gateway)
        double.steer("dispute", payment_intent=made.id, status=stripes)
        assert [dispute.status for dispute in gateway.disputes(made.id)] == ours

    @pytest.mark.parametrize("status", ["warning_needs_response", "warning_under_review", "warning_closed"])
    def test_a_mere_inquiry_of_the_bank_has_taken_nothing_and_is_none(
        self, gateway: StripeGateway, double: StripeDouble, status: str
    ) -> None:
        made = pay(gateway)
        double.steer("dispute", payment_intent=made.id, status=status)
        assert gateway.disputes(made.id) == []
        assert gateway.refund(key=new_id(), charge_id=made.id, money=PRICE).money == PRICE


class TestWhenTheWireIsBad:
    @pytest.mark.parametrize("kind", ["drop", "drop_after", "error"])
    def test_a_payment_is_tried_again_and_moves_money_once(self, gateway: StripeGateway, double: StripeDouble, kind: str) -> None:
        key = new_id()
        double.steer("fault", path=CREATE, kind=kind)
        assert pay(gateway, key).status == "succeeded"
        assert [request["key"] for request in asked(double, key)] == [f"charge:{key}"] * 2
        assert intents(double, key) == 1

    def test_three_times_and_no_more(self, gateway: StripeGateway, double: StripeDouble) -> None:
        key = new_id()
        for _ in range(4):
            double.steer("fault", path=CREATE, kind="drop")
        with pytest.raises(Unavailable, match="Stripe gave no answer to this payment"):
            pay(gateway, key)
        assert len(asked(double, key)) == 4
        assert gateway.find(key) is None

    def test_an_answer_that_was_lost_is_found_by_the_key(self, double: StripeDouble, opened: Callable[..., StripeGateway]) -> None:
        gateway, key = opened(double.url, retries=0), new_id()
        double.steer("fault", path=CREATE, kind="drop_after")
        with pytest.raises(Unavailable):
            pay(gateway, key)
        found = gateway.find(key)
        assert found
        assert (found.key, found.status, found.money) == (key, "succeeded", PRICE)
        assert pay(gateway, key) == found
        assert intents(double, key) == 1

    @pytest.mark.parametrize("kind", ["drop_after", "drop", "error"])
    def test_refunds_and_payouts_move_money_once_too(self, gateway: StripeGateway, double: StripeDouble, kind: str) -> None:
        made, refund, payout = pay(gateway), new_id(), new_id()
        pay(gateway)
        account = gateway.open_account(key=new_id(), host_id="mina", country="DE", email="mina@example.org").id
        double.steer("ready", account=account)
        double.steer("fault", path="POST /v1/refunds", kind=kind)
        double.steer("fault", path="POST /v1/transfers", kind=kind)
        gateway.refund(key=refund, charge_id=made.id, money=PRICE)
        sent = gateway.pay_out(key=payout, account_id=account, money=Money(100, "EUR"), description="Dinner")
        assert [found.key for found in gateway.refunds(made.id)] == [refund]
        assert len(asked(double, refund)) == len(asked(double, payout)) == 2
        assert gateway.payout(sent.id) == sent

    def test_too_many_requests_are_no_decline(self, double: StripeDouble, opened: Callable[..., StripeGateway]) -> None:
        double.steer("fault", path=CREATE, kind="busy")
        with pytest.raises(Unavailable) as caught:
            pay(opened(double.url, retries=0))
        assert caught.value.details == {"reason": "rate_limit"}

    def test_a_wrong_key_is_said_and_not_shown(self, gateway: StripeGateway, double: StripeDouble) -> None:
        double.steer("fault", path=CREATE, kind="key")
        with pytest.raises(Unavailable, match="Stripe does not know the key in STRIPE_SECRET_KEY") as caught:
            pay(gateway)
        assert caught.value.__suppress_context__
        assert SECRET_KEY not in str(caught.value)

    def test_another_service_at_the_address_is_unavailable_and_not_an_unknown_payment(
        self, double: StripeDouble, opened: Callable[..., StripeGateway]
    ) -> None:
        elsewhere = opened(f"{double.url}/elsewhere", retries=0)
        for call in (elsewhere.ping, partial(elsewhere.retrieve, "pi_1"), partial(elsewhere.find, new_id())):
            with pytest.raises(Unavailable):
                call()


def ask_for_transfer(double: StripeDouble, name: str, account: str, key: str, amount: int) -> dict[str, Any]:
    """Ask Stripe as the gateway would, whose account was ready a moment ago."""
    headers = {"Authorization": f"Bearer {SECRET_KEY}", "Idempotency-Key": name}
    form = {"amount": str(amount), "currency": "nok", "destination": account, "transfer_group": key, "metadata[dinnerkit_key]": key}
    answer: dict[str, Any] = requests.post(f"{double.url}/v1/transfers", data=form, headers=headers, timeout=20).json()
    return answer


class TestAfterADay:
    """Stripe forgets idempotency keys after 24 hours; a person may well retry a dead letter later than that."""

    def test_a_payment_is_not_made_again(self, gateway: StripeGateway, double: StripeDouble) -> None:
        key = days_old()
        made = pay(gateway, key)
        double.steer("forget")
        assert pay(gateway, key) == made
        assert intents(double, key) == 1

    @pytest.mark.parametrize("year", [2050, 10_500])
    def test_a_payment_whose_id_is_from_the_future_is_not_made_again(self, gateway: StripeGateway, double: StripeDouble, year: int) -> None:
        key = id_at((year - 1970) * 365 * 86_400_000, time.time_ns())
        made = pay(gateway, key)
        double.steer("forget")
        assert pay(gateway, key) == made
        assert intents(double, key) == 1

    def test_a_refund_is_not_made_again(self, gateway: StripeGateway, double: StripeDouble) -> None:
        made, key = pay(gateway), new_id()
        first = gateway.refund(key=key, charge_id=made.id, money=Money(500, "EUR"))
        double.steer("forget")
        assert gateway.refund(key=key, charge_id=made.id, money=Money(500, "EUR")) == first
        assert [refund.id for refund in gateway.refunds(made.id)] == [first.id]

    def test_a_payout_is_not_made_again(self, gateway: StripeGateway, double: StripeDouble) -> None:
        pay(gateway)
        account = gateway.open_account(key=new_id(), host_id="mina", country="DE", email="mina@example.org").id
        double.steer("ready", account=account)
        call = partial(gateway.pay_out, key=new_id(), account_id=account, money=Money(100, "EUR"), description="Dinner")
        first = call()
        double.steer("forget")
        assert call() == first


class TestAPayoutThatStripeHasRefused:
    """Stripe keeps its answer to an idempotency key for a day, refusals too."""

    @pytest.fixture
    def account(self, gateway: StripeGateway, double: StripeDouble) -> str:
        opened = gateway.open_account(key=new_id(), host_id="mina", country="DE", email="mina@example.org").id
        double.steer("ready", account=opened)
        return opened

    def test_is_made_once_there_is_enough_money(self, gateway: StripeGateway, double: StripeDouble, account: str) -> None:
        price, key = Money(5000, "SEK"), new_id()
        send = partial(gateway.pay_out, key=key, account_id=account, money=price, description="Dinner")
        for _ in range(3):
            with pytest.raises(Unavailable):
                send()
        pay(gateway, money=price)
        sent = send()
        assert (sent.key, sent.status, sent.money) == (key, "paid", price)
        assert send().id == sent.id
        names = [request["key"] for request in double.requests() if request["key"].startswith(f"payout:{key}")]
        assert list(dict.fromkeys(names)) == [f"payout:{key}", f"payout:{key}#2", f"payout:{key}#3", f"payout:{key}#4"]

    @pytest.mark.parametrize("attempts", [1, 2])
    def test_of_another_amount_is_made_once_the_account_is_ready(self, gateway: StripeGateway, double: StripeDouble, attempts: int) -> None:
        """What is owed may have changed since the account was not ready, and the key is that of the payout still."""
        account = gateway.open_account(key=new_id(), host_id="mina", country="DE", email="mina@example.org").id
        key = new_id()
        for attempt in range(1, attempts + 1):
            refused = ask_for_transfer(double, f"payout:{key}" if attempt == 1 else f"payout:{key}#2", account, key, 6000 + attempt)
            assert refused["error"]["code"] == "insufficient_capabilities_for_transfer"
        double.steer("ready", account=account)
        pay(gateway, money=Money(5000, "NOK"))
        send = partial(gateway.pay_out, key=key, account_id=account, money=Money(5000, "NOK"), description="Dinner")
        sent = send()
        assert (sent.key, sent.money) == (key, Money(5000, "NOK"))
        double.steer("forget")
        assert send() == sent

    def test_is_made_once_by_many_at_once(self, gateway: StripeGateway, double: StripeDouble, account: str) -> None:
        price, key = Money(7000, "DKK"), new_id()
        send = partial(gateway.pay_out, key=key, account_id=account, money=price, description="Dinner")
        with pytest.raises(Unavailable):
            send()
        for _ in range(3):  # more than one would be paid out of
            pay(gateway, money=price)

        def attempt(_: int) -> str:
            try:
                return send().id
            except Unavailable:  # while another's is under way
                return ""

        with ThreadPoolExecutor(6) as pool:
            made = set(pool.map(attempt, range(12))) - {""}
        assert made == {send().id}
        headers = {"Authorization": f"Bearer {SECRET_KEY}"}
        found = requests.get(f"{double.url}/v1/transfers", params={"transfer_group": key}, headers=headers, timeout=20).json()["data"]
        assert [transfer["id"] for transfer in found] == list(made)

    def test_is_not_made_under_another_key_after_a_failure_that_says_nothing(
        self, gateway: StripeGateway, double: StripeDouble, account: str
    ) -> None:
        pay(gateway)
        key = new_id()
        double.steer("fault", path="POST /v1/transfers", kind="drop_after")
        gateway.pay_out(key=key, account_id=account, money=Money(100, "EUR"), description="Dinner")
        assert {request["key"] for request in asked(double, key)} == {f"payout:{key}"}


class TestTheEnvironment:
    @pytest.fixture
    def recorder(self) -> Iterator[tuple[str, list[tuple[str, str]]]]:
        """A server's address, and what it was asked for with which authorisation."""
        seen: list[tuple[str, str]] = []

        class Recorder(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                seen.append((self.path, self.headers["Authorization"]))
                body = b'{"object": "list", "data": [], "has_more": false, "url": "/v1/payment_intents"}'
                self.send_response(200)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None: ...

        with ThreadingHTTPServer(("127.0.0.1", 0), Recorder) as server:
            threading.Thread(target=server.serve_forever, daemon=True).start()
            yield f"http://127.0.0.1:{server.server_port}", seen
            server.shutdown()

    @pytest.mark.parametrize("machine", ["machine 127.0.0.1", "default"])
    def test_a_netrc_does_not_replace_the_key(
        self, opened: Callable[..., StripeGateway], recorder: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, machine: str
    ) -> None:
        netrc = tmp_path / ".netrc"
        netrc.write_text(f"{machine} login mina password secret\n")
        netrc.chmod(0o600)
        monkeypatch.delenv("NETRC", raising=False)
        monkeypatch.setenv("HOME", str(tmp_path))
        url, seen = recorder
        opened(url).ping()
        assert [key for _, key in seen] == [f"Bearer {SECRET_KEY}"]

    def test_a_proxy_is_asked(self, opened: Callable[..., StripeGateway], recorder: Any, monkeypatch: pytest.MonkeyPatch) -> None:
        url, seen = recorder
        for name in ("no_proxy", "NO_PROXY", "HTTP_PROXY"):
            monkeypatch.delenv(name, raising=False)
        monkeypatch.setenv("http_proxy", url)
        opened("http://127.0.0.1:9").ping()
        assert seen == [("http://127.0.0.1:9/v1/payment_intents?limit=1", f"Bearer {SECRET_KEY}")]


class TestFinding:
    def test_what_the_search_does_not_know_yet_is_found_among_the_latest(self, gateway: StripeGateway, double: StripeDouble) -> None:
        key = new_id()
        made = pay(gateway, key)
        double.steer("searchable", to="no")
        try:
            assert gateway.find(key) == made
            assert gateway.find(new_id()) is None
        finally:
            double.steer("searchable", to="yes")

    @pytest.mark.parametrize("key", ['"', "\\", '" OR metadata["a"]:"b', "ключ", "'"])
    def test_a_key_is_never_part_of_the_question(self, gateway: StripeGateway, key: str) -> None:
        assert gateway.find(key) is None

    def test_what_is_not_there_is_not_there(self, gateway: StripeGateway) -> None:
        for call in (gateway.retrieve, gateway.cancel, gateway.refunds, gateway.disputes):
            with pytest.raises(NotFound):
                call("pi_unknown")


class TestConnections:
    def test_one_after_another_share_one(self, gateway: StripeGateway, double: StripeDouble) -> None:
        gateway.ping()
        before = double.steer("requests")["connections"]
        for _ in range(20):
            gateway.ping()
        assert double.steer("requests")["connections"] - before < 10  # the test's own is another

    def test_greenlets_share_the_pool_and_it_keeps_them_open(self, double: StripeDouble) -> None:
        """Without a pool of its own, Stripe's library opens one connection for each greenlet: here 120."""
        script = """
            from gevent import monkey
            monkey.patch_all()
            import sys
            import gevent
            from dinnerkit_stripe import open_gateway
            gateway = open_gateway(sys.argv[1])
            for _ in range(12):
                gevent.joinall([gevent.spawn(gateway.ping) for _ in range(10)], raise_error=True)
        """
        before = double.steer("requests")["connections"]
        command = [sys.executable, "-c", textwrap.dedent(script), stripe_url(double.url)]
        ended = subprocess.run(command, capture_output=True, text=True, check=False)
        assert ended.returncode == 0, ended.stderr
        assert (
            double.steer("requests")["connections"] - before < 60
        )  # 10 and the test's own, and more where a busy machine had them retried

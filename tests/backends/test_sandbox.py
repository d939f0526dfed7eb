from __future__ import annotations

import json
import sqlite3
import subprocess
import sys
import textwrap
import threading
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from dinnerkit.backends.sandbox import METHODS, SIGNATURE_HEADER, SandboxGateway, sandbox
from dinnerkit.backends.sandbox.books import _STEPS
from dinnerkit.errors import Conflict, Invalid, NotFound, SettingError, Unavailable
from dinnerkit.money import Money
from dinnerkit.ports.gateway import BadSignature, Charge, Disputes, Gateway, Listings, PayoutListings, Payouts, RefundHistory
from dinnerkit.ports.local_gateway import LocalAuthentication, LocalDisputes, LocalWebhooks
from tests.waiting import until

PRICE = Money(3500, "EUR")


@pytest.fixture
def gateway(tmp_path: Path) -> SandboxGateway:
    return SandboxGateway(tmp_path / "gateway.db", webhook_delay=0)


def charge(gateway: SandboxGateway, key: str = "pay_1", method: str = "pm_card_visa", money: Money = PRICE) -> Charge:
    return gateway.charge(key=key, money=money, method=method, description="Booking")


def test_it_speaks_through_the_ports(gateway: SandboxGateway) -> None:
    for port in (Gateway, RefundHistory, Disputes, Listings, Payouts, PayoutListings, LocalWebhooks, LocalAuthentication, LocalDisputes):
        assert isinstance(gateway, port)


class TestCharging:
    def test_a_good_card_succeeds(self, gateway: SandboxGateway) -> None:
        made = charge(gateway)
        assert (made.key, made.status, made.money, made.client_secret, made.decline_code) == ("pay_1", "succeeded", PRICE, None, None)
        assert gateway.retrieve(made.id) == gateway.find("pay_1") == made

    @pytest.mark.parametrize(("method", "outcome"), METHODS.items())
    def test_each_of_stripes_names_does_what_it_says(self, gateway: SandboxGateway, method: str, outcome: tuple[str, str | None]) -> None:
        made = charge(gateway, method=method)
        assert (made.status, made.decline_code) == outcome
        assert bool(made.client_secret) == (made.status == "action_required")

    def test_an_unknown_method_is_refused_by_name_and_charges_nothing(self, gateway: SandboxGateway) -> None:
        with pytest.raises(Invalid) as caught:
            charge(gateway, method="pm_card_unheard_of")
        assert "pm_card_visa" in caught.value.details["fields"]["payment_method"]
        assert gateway.find("pay_1") is None

    def test_the_same_key_is_the_same_charge_whatever_else_is_said(self, gateway: SandboxGateway) -> None:
        first = charge(gateway)
        assert charge(gateway) == charge(gateway, method="pm_card_chargeDeclined", money=Money(1, "USD")) == first

    def test_what_is_not_there_is_not_found(self, gateway: SandboxGateway) -> None:
        assert gateway.find("pay_1") is None
        for call in (gateway.retrieve, gateway.cancel):
            with pytest.raises(NotFound):
                call("ch_unknown")


class TestAuthenticating:
    def test_approval_makes_it_succeed_once(self, gateway: SandboxGateway) -> None:
        waiting = charge(gateway, method="pm_card_authenticationRequired")
        assert waiting.client_secret
        assert gateway.authenticate(waiting.client_secret, approve=True).status == "succeeded"
        with pytest.raises(Conflict):
            gateway.authenticate(waiting.client_secret, approve=False)
        assert gateway.retrieve(waiting.id).status == "succeeded"

    def test_refusal_declines_it(self, gateway: SandboxGateway) -> None:
        waiting = charge(gateway, method="pm_card_authenticationRequired")
        assert waiting.client_secret
        assert gateway.authenticate(waiting.client_secret, approve=False).status == "declined"

    def test_another_secret_is_not_found(self, gateway: SandboxGateway) -> None:
        with pytest.raises(NotFound):
            gateway.authenticate("cs_guessed", approve=True)

    def test_what_is_cancelled_can_not_be_authenticated_and_what_succeeded_not_be_cancelled(self, gateway: SandboxGateway) -> None:
        waiting = charge(gateway, method="pm_card_authenticationRequired")
        assert waiting.client_secret
        assert gateway.cancel(waiting.id).status == "cancelled"
        assert gateway.cancel(waiting.id).status == "cancelled"
        with pytest.raises(Conflict):
            gateway.authenticate(waiting.client_secret, approve=True)
        assert gateway.cancel(charge(gateway, "pay_2").id).status == "succeeded"


class TestRefunding:
    def test_parts_go_back_until_nothing_is_left(self, gateway: SandboxGateway) -> None:
        made = charge(gateway)
        gateway.refund(key="re_1", charge_id=made.id, money=Money(3000, "EUR"))
        with pytest.raises(Invalid, match="more would go back"):
            gateway.refund(key="re_2", charge_id=made.id, money=Money(501, "EUR"))
        assert gateway.refund(key="re_2", charge_id=made.id, money=Money(500, "EUR")).status == "succeeded"
        with pytest.raises(Invalid):
            gateway.refund(key="re_3", charge_id=made.id, money=Money(1, "EUR"))

    def test_the_same_key_gives_back_once(self, gateway: SandboxGateway) -> None:
        made = charge(gateway)
        first, second = (gateway.refund(key="re_1", charge_id=made.id, money=PRICE) for _ in range(2))
        assert first == second

    def test_another_currency_or_a_charge_that_did_not_succeed_gives_nothing(self, gateway: SandboxGateway) -> None:
        made = charge(gateway)
        with pytest.raises(Invalid):
            gateway.refund(key="re_1", charge_id=made.id, money=Money(3500, "USD"))
        declined = charge(gateway, "pay_2", "pm_card_chargeDeclined")
        with pytest.raises(Invalid):
            gateway.refund(key="re_2", charge_id=declined.id, money=PRICE)
        with pytest.raises(NotFound):
            gateway.refund(key="re_3", charge_id="ch_unknown", money=PRICE)

    @pytest.mark.parametrize("amount", [0, -1])
    def test_nothing_and_less_can_not_go_back(self, gateway: SandboxGateway, amount: int) -> None:
        made = charge(gateway)
        with pytest.raises(Invalid):
            gateway.refund(key="re_1", charge_id=made.id, money=Money(amount, "EUR"))


class TestTelling:
    def test_everything_that_happens_is_told_once_and_in_order(self, gateway: SandboxGateway) -> None:
        waiting = charge(gateway, method="pm_card_authenticationRequired")
        assert waiting.client_secret
        gateway.authenticate(waiting.client_secret, approve=True)
        gateway.refund(key="re_1", charge_id=waiting.id, money=PRICE)
        charge(gateway, method="pm_card_authenticationRequired")
        kinds = [gateway.verify(webhook.body, webhook.headers).kind for webhook in gateway.due_webhooks()]
        assert kinds == ["payment_intent.requires_action", "payment_intent.succeeded", "charge.refunded"]

    def test_what_is_not_acknowledged_comes_again_with_the_same_id(self, gateway: SandboxGateway) -> None:
        charge(gateway)
        (first,), (second,) = list(gateway.due_webhooks()), list(gateway.due_webhooks())
        assert first.id == second.id == gateway.verify(first.body, first.headers).id
        gateway.acknowledge(first.id)
        assert list(gateway.due_webhooks()) == []

    def test_it_waits_for_its_time(self, tmp_path: Path) -> None:
        gateway = SandboxGateway(tmp_path / "gateway.db", webhook_delay=3600)
        charge(gateway)
        assert list(gateway.due_webhooks()) == []

    def test_only_so_many_are_handed_out(self, gateway: SandboxGateway) -> None:
        for number in range(5):
            charge(gateway, f"pay_{number}")
        assert len(list(gateway.due_webhooks(limit=3))) == 3

    def test_a_header_is_known_in_any_case(self, gateway: SandboxGateway) -> None:
        charge(gateway)
        (webhook,) = gateway.due_webhooks()
        assert gateway.verify(webhook.body, {SIGNATURE_HEADER.upper(): webhook.headers[SIGNATURE_HEADER]}).charge_id

    def test_what_it_did_not_sign_is_refused(self, gateway: SandboxGateway) -> None:
        charge(gateway)
        (webhook,) = gateway.due_webhooks()
        for headers in ({}, {SIGNATURE_HEADER: "t=1,v1=0"}):
            with pytest.raises(BadSignature):
                gateway.verify(webhook.body, headers)
        with pytest.raises(BadSignature):
            gateway.verify(webhook.body + b" ", webhook.headers)

    @pytest.mark.parametrize("body", [b"", b"[]", b"null", b"{}", b'{"id": 1}', b"\xff", b'"text"'])
    def test_what_it_signed_and_nobody_understands_is_invalid(self, gateway: SandboxGateway, body: bytes) -> None:
        with pytest.raises(Invalid) as caught:
            gateway.verify(body, gateway.sign(body))
        assert not isinstance(caught.value, BadSignature)


class TestTheFile:
    def test_it_keeps_its_state_and_its_secret_over_a_restart(self, tmp_path: Path) -> None:
        before = SandboxGateway(tmp_path / "gateway.db", webhook_delay=0)
        made = charge(before)
        (webhook,) = before.due_webhooks()
        after = SandboxGateway(tmp_path / "gateway.db", webhook_delay=0)
        assert after.find("pay_1") == made
        assert after.verify(webhook.body, webhook.headers).charge_id == made.id

    def test_a_secret_of_our_choice_is_used(self, tmp_path: Path) -> None:
        ours = sandbox(f"sandbox://{tmp_path}/gateway.db?secret=whsec_ours&webhook_delay=0")
        same = SandboxGateway(tmp_path / "other.db", secret="whsec_ours")
        assert same.verify(b'{"id": "1", "type": "t", "charge": "c"}', ours.sign(b'{"id": "1", "type": "t", "charge": "c"}')).id == "1"

    def test_while_the_secret_is_changed_the_previous_one_is_believed_too(self, tmp_path: Path) -> None:
        body = b'{"id": "1", "type": "t"}'
        before, after = (sandbox(f"sandbox://{tmp_path}/gateway.db?secret={secret}") for secret in ("old", "new"))
        between = sandbox(f"sandbox://{tmp_path}/gateway.db?secret=new&previous_secret=old")
        for signer in (before, after, between):
            assert between.verify(body, signer.sign(body)).id == "1"
        assert after.verify(body, between.sign(body)).id == "1"
        with pytest.raises(BadSignature):
            after.verify(body, before.sign(body))

    def test_a_file_of_an_earlier_release_is_brought_up_to_date(self, tmp_path: Path) -> None:
        path = tmp_path / "gateway.db"
        with closing(sqlite3.connect(path)) as books, books:
            for statement in _STEPS[0]:
                books.execute(statement)
            books.execute("insert into charges values ('ch_1', 'pay_1', 3500, 'EUR', 'pm_card_visa', 'succeeded', 'cs_1', null, 500)")
            books.execute("insert into refunds values ('re_1', 'back_1', 'ch_1', 500)")
        for _ in range(2):
            gateway = SandboxGateway(path)
            assert ("succeeded", 500) in [(refund.status, refund.money.amount) for refund in gateway.refunds("ch_1")]
            gateway.refund(key="back_2", charge_id="ch_1", money=Money(3000, "EUR"))

    def test_many_threads_make_one_charge_of_one_key(self, gateway: SandboxGateway) -> None:
        found: list[Charge] = []
        threads = [threading.Thread(target=lambda: found.append(charge(gateway))) for _ in range(16)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(found) == 16
        assert len({made.id for made in found}) == 1

    def test_processes_that_start_at_once_share_the_file(self, tmp_path: Path) -> None:
        script = """
            import json, sys
            from pathlib import Path
            from dinnerkit.backends.sandbox import SandboxGateway
            from dinnerkit.money import Money
            print("ready", flush=True)
            sys.stdin.readline()
            gateway = SandboxGateway(Path(sys.argv[1]), webhook_delay=0)
            mine = [gateway.charge(key=f"pay_{n}", money=Money(100, "EUR"), method="pm_card_visa", description="").id for n in range(20)]
            refunds = [gateway.refund(key=f"re_{n}", charge_id=charge, money=Money(100, "EUR")).id for n, charge in enumerate(mine)]
            print(json.dumps([mine, refunds]), flush=True)
        """
        command = [sys.executable, "-c", textwrap.dedent(script), str(tmp_path / "gateway.db")]
        processes = [subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) for _ in range(4)]
        for process in processes:
            assert process.stdout
            assert process.stdout.readline() == "ready\n"
        answers = [process.communicate("go\n")[0] for process in processes]
        assert [process.returncode for process in processes] == [0] * 4
        assert all(json.loads(answer) == json.loads(answers[0]) for answer in answers)
        assert len(list(SandboxGateway(tmp_path / "gateway.db").due_webhooks())) == 40

    def test_what_is_no_database_is_unavailable(self, tmp_path: Path) -> None:
        path = tmp_path / "gateway.db"
        gateway = SandboxGateway(path)
        gateway.ping()
        gateway.close()
        path.write_text("this is no database, and long enough to tell" * 10)
        with pytest.raises(Unavailable, match="gateway"):
            gateway.ping()

    def test_closing_leaves_one_file_that_can_be_opened_again(self, tmp_path: Path) -> None:
        gateway = SandboxGateway(tmp_path / "gateway.db")
        made = charge(gateway)
        gateway.close()
        assert [file.name for file in tmp_path.iterdir()] == ["gateway.db"]
        assert gateway.find("pay_1") == made
        gateway.close()

    def test_an_error_in_the_middle_leaves_nothing(self, gateway: SandboxGateway, monkeypatch: pytest.MonkeyPatch) -> None:
        def fail(*_: Any, **__: Any) -> None:
            raise KeyboardInterrupt

        monkeypatch.setattr(gateway, "_tell", fail)
        with pytest.raises(KeyboardInterrupt):
            charge(gateway)
        monkeypatch.undo()
        assert gateway.find("pay_1") is None
        assert charge(gateway).status == "succeeded"


class TestTheUrl:
    def test_the_folder_is_made_for_its_owner_alone(self, tmp_path: Path) -> None:
        sandbox(f"sandbox://{tmp_path}/deep/er/gateway.db").ping()
        assert oct((tmp_path / "deep" / "er").stat().st_mode & 0o777) == "0o700"

    @pytest.mark.parametrize(
        ("url", "words"),
        [
            ("sandbox://{0}/g.db?webhook_delay=soon", "webhook_delay is a number of seconds"),
            ("sandbox://{0}/g.db?webhook_delay=nan", "webhook_delay is a number of seconds"),
            ("sandbox://{0}/g.db?webhook_delay=-1", "webhook_delay is a number of seconds"),
            ("sandbox://{0}/g.db?delay=1", "has no option 'delay' (allowed: webhook_delay, secret, previous_secret)"),
            ("sandbox://{0}/file/g.db", "can't be made"),
        ],
    )
    def test_what_is_wrong_is_said(self, tmp_path: Path, url: str, words: str) -> None:
        (tmp_path / "file").touch()
        with pytest.raises(SettingError) as caught:
            sandbox(url.format(tmp_path))
        assert words in caught.value.message

    def test_webhooks_come_after_the_delay(self, tmp_path: Path) -> None:
        gateway = sandbox(f"sandbox://{tmp_path}/g.db?webhook_delay=0.2")
        charge(gateway)
        assert until(lambda: list(gateway.due_webhooks()))

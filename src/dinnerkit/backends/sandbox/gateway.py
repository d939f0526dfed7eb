"""The sandbox gateway's own side of the port."""

from __future__ import annotations

import secrets
import sqlite3
from collections.abc import Iterator, Mapping
from datetime import datetime
from pathlib import Path

from dinnerkit.backends.sandbox import accounts, charging, webhooks
from dinnerkit.backends.sandbox.books import Books
from dinnerkit.backends.sandbox.methods import DISPUTES, FORM, METHODS
from dinnerkit.backends.signatures import sign, verify
from dinnerkit.clock import Clock, utcnow
from dinnerkit.errors import Conflict, Invalid, NotFound
from dinnerkit.money import Money
from dinnerkit.ports.checkout import CheckoutForm
from dinnerkit.ports.gateway import Charge, Dispute, GatewayEvent, GatewayRefund, HostAccount, Payout
from dinnerkit.ports.local_gateway import SignedWebhook

SIGNATURE_HEADER = "Sandbox-Signature"


class SandboxGateway:
    """A gateway that moves no real money; its state survives restarts and is shared by all processes that open the file.

    Args:
        path: the file; made where it is missing.
        webhook_delay: how many seconds after what they tell of webhooks come, and refunds that are not settled at once are settled.
        secret: what signs webhooks; by default the file keeps one of its own.
        previous_secret: what signed them until lately, and is still believed.
        clock: what tells the time.
    """

    name = "sandbox"
    checkout_module = ""

    def __init__(
        self, path: Path, webhook_delay: float = 1.0, secret: str | None = None, previous_secret: str | None = None, clock: Clock = utcnow
    ) -> None:
        self._delay = webhook_delay
        self._clock = clock
        self.books = Books(path)
        with self.books.writing() as books:
            books.execute("insert or ignore into secrets values ('webhooks', ?)", (secret or secrets.token_hex(32),))
            (stored,) = books.execute("select value from secrets where name = 'webhooks'").fetchone()
        self._secrets = [secret or str(stored), *([previous_secret] if previous_secret else [])]

    def charge(self, *, key: str, money: Money, method: str, description: str) -> Charge:
        """Take the payment, or answer what the same key got before."""
        if method not in METHODS:
            raise Invalid("the payment method is not known", fields={"payment_method": f"one of {', '.join(METHODS)}"})
        with self.books.writing() as books:
            earlier = charging.by(books, "key", key)
            if earlier is not None:
                return charging.charge_of(earlier)
            made = charging.new(books, key=key, money=money, method=method, now=self._now())
            self._tell(books, made.status, charge=made.id)
            if method in DISPUTES:
                self._tell(books, "disputed", charge=made.id)
            return made

    def retrieve(self, charge_id: str) -> Charge:
        """The payment as it is now."""
        with self.books.reading() as books:
            return charging.charge_of(charging.by(books, "id", charge_id))

    def find(self, key: str) -> Charge | None:
        """The payment that was made under ``key``."""
        with self.books.reading() as books:
            row = charging.by(books, "key", key)
        return charging.charge_of(row) if row else None

    def cancel(self, charge_id: str) -> Charge:
        """Give up a payment that has not succeeded."""
        with self.books.writing() as books:
            self._settle(books, charging.charge_of(charging.by(books, "id", charge_id)), "cancelled")
            return charging.charge_of(charging.by(books, "id", charge_id))

    def authenticate(self, client_secret: str, *, approve: bool) -> Charge:
        """Answer as the guest's bank: the payment succeeds or is declined."""
        with self.books.writing() as books:
            charge = charging.charge_of(charging.by(books, "client_secret", client_secret))
            if not self._settle(books, charge, "succeeded" if approve else "declined"):
                raise Conflict("this payment needs no authentication any more")
            return charging.charge_of(charging.by(books, "id", charge.id))

    def refund(self, *, key: str, charge_id: str, money: Money) -> GatewayRefund:
        """Give money back, or answer what the same key got before."""
        with self.books.writing() as books:
            earlier = charging.refund_by_key(books, key)
            if earlier is not None:
                return earlier
            made = charging.new_refund(books, key=key, charge_id=charge_id, money=money, now=self._now(), delay=self._delay)
            self._tell(books, "refunded", charge=charge_id)
            return made

    def refunds(self, charge_id: str) -> list[GatewayRefund]:
        """All refunds of a payment as they are now."""
        self._pass_time()
        with self.books.reading() as books:
            charging.charge_of(charging.by(books, "id", charge_id))
            return charging.refunds(books, "refunds.charge = ?", charge_id)

    def disputes(self, charge_id: str) -> list[Dispute]:
        """All disputes of a payment as they are now."""
        with self.books.reading() as books:
            charging.charge_of(charging.by(books, "id", charge_id))
            return charging.disputes(books, "disputes.charge = ?", charge_id)

    def settle_dispute(self, dispute_id: str, *, won: bool) -> Dispute:
        """Decide as the guest's bank."""
        with self.books.writing() as books:
            decided = books.execute(
                "update disputes set status = ? where id = ? and status = 'open'", ("won" if won else "lost", dispute_id)
            )
            found = charging.disputes(books, "disputes.id = ?", dispute_id)
            if not found:
                raise NotFound("the gateway knows no such dispute")
            if not decided.rowcount:
                raise Conflict("this dispute is decided already")
            self._tell(books, "dispute_closed", charge=found[0].charge_id)
            return found[0]

    def charges(self, since: datetime, until: datetime) -> list[Charge]:
        """The payments that were made from ``since`` until before ``until``."""
        with self.books.reading() as books:
            query = "select * from charges where created_at >= ? and created_at < ? order by created_at, rowid"
            return [charging.charge_of(row) for row in books.execute(query, (since.timestamp(), until.timestamp()))]

    def refunds_made(self, since: datetime, until: datetime) -> list[GatewayRefund]:
        """The refunds that were made in that time."""
        self._pass_time()
        with self.books.reading() as books:
            between = "refunds.created_at >= ? and refunds.created_at < ?"
            return charging.refunds(books, between, since.timestamp(), until.timestamp())

    def disputes_opened(self, since: datetime, until: datetime) -> list[Dispute]:
        """The disputes that were opened in that time."""
        with self.books.reading() as books:
            between = "disputes.created_at >= ? and disputes.created_at < ?"
            return charging.disputes(books, between, since.timestamp(), until.timestamp())

    def open_account(self, *, key: str, host_id: str, country: str, email: str) -> HostAccount:
        """Open an account for a host, or answer what the same key got before."""
        with self.books.writing() as books:
            return accounts.open_account(books, key=key, host_id=host_id, country=country, email=email)

    def onboarding_url(self, account_id: str, *, return_url: str, refresh_url: str) -> str:
        """The way back: the sandbox asks nothing, and who asks for its questions has answered them."""
        with self.books.writing() as books:
            accounts.account(books, account_id)
            if accounts.make_ready(books, account_id):
                self._tell(books, "account_changed", account=account_id)
        return return_url

    def account(self, account_id: str) -> HostAccount:
        """The account as it is now."""
        with self.books.reading() as books:
            return accounts.account(books, account_id)

    def pay_out(self, *, key: str, account_id: str, money: Money, description: str) -> Payout:
        """Send money to the account, or answer what the same key got before."""
        with self.books.writing() as books:
            made = accounts.pay_out(books, key=key, account_id=account_id, money=money, now=self._now())
            if made is not None:
                self._tell(books, "paid_out", account=account_id)
            return self._payout(books, "key", key)

    def payout(self, payout_id: str) -> Payout:
        """The payout as it is now."""
        with self.books.reading() as books:
            return self._payout(books, "id", payout_id)

    def payouts_made(self, since: datetime, until: datetime) -> list[Payout]:
        """The payouts that were made in that time."""
        with self.books.reading() as books:
            return accounts.payouts(books, "created_at >= ? and created_at < ?", since.timestamp(), until.timestamp())

    def checkout_form(self, money: Money) -> CheckoutForm:
        """The test cards to choose from, whatever is paid."""
        return FORM

    def verify(self, body: bytes, headers: Mapping[str, str]) -> GatewayEvent:
        """Check the signature, then read the notification."""
        header = {name.lower(): value for name, value in headers.items()}.get(SIGNATURE_HEADER.lower(), "")
        verify(self._secrets, body, header, self._now())
        return webhooks.understood(body)

    def sign(self, body: bytes) -> dict[str, str]:
        """The headers that make ``body`` a webhook of this gateway's."""
        return {SIGNATURE_HEADER: sign(self._secrets[0], body, int(self._now()))}

    def due_webhooks(self, limit: int = 100) -> Iterator[SignedWebhook]:
        """The webhooks whose time has come."""
        self._pass_time()
        with self.books.reading() as books:
            query = "select id, body from webhooks where acknowledged = 0 and due_at <= ? order by due_at, rowid limit ?"
            rows = books.execute(query, (self._now(), limit)).fetchall()
        for row in rows:
            body = row["body"].encode()
            yield SignedWebhook(row["id"], body, self.sign(body))

    def acknowledge(self, webhook_id: str) -> None:
        """Don't send it again."""
        with self.books.writing() as books:
            books.execute("update webhooks set acknowledged = 1 where id = ?", (webhook_id,))

    def ping(self) -> None:
        """Read from the file."""
        with self.books.reading() as books:
            books.execute("select 1 from charges limit 1")

    def close(self) -> None:
        """Close the file."""
        self.books.close()

    def _now(self) -> float:
        return self._clock().timestamp()

    def _settle(self, books: sqlite3.Connection, charge: Charge, status: str) -> bool:
        if not charging.settle(books, charge, status):
            return False
        self._tell(books, status, charge=charge.id)
        return True

    def _pass_time(self) -> None:
        """Let what takes time happen once its time has come; nothing is written where nothing has."""
        with self.books.reading() as books:
            query = "select 1 from refunds where becomes is not null and settles_at <= ? limit 1"
            if books.execute(query, (self._now(),)).fetchone() is None:
                return
        with self.books.writing() as books:
            for refund in charging.settle_refunds(books, self._now()):
                self._tell(books, "refund_failed" if refund.status == "failed" else "refund_settled", charge=refund.charge_id)

    def _payout(self, books: sqlite3.Connection, column: str, value: str) -> Payout:
        found = accounts.payout_by(books, column, value)
        if found is None:
            raise NotFound("the gateway knows no such payout")
        return found

    def _tell(self, books: sqlite3.Connection, what: str, *, charge: str | None = None, account: str | None = None) -> None:
        webhooks.tell(books, what, self._now() + self._delay, charge=charge, account=account)

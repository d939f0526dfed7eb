"""Pays payees what they have earned: held back until an occasion is over, less what went back, and never twice."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog
from pymongo.database import Database
from pymongo.errors import DuplicateKeyError

from dinnerkit.clock import Clock
from dinnerkit.delivery.lease import Lease
from dinnerkit.delivery.outbox import Outbox
from dinnerkit.errors import Invalid, NotFound
from dinnerkit.money import Money
from dinnerkit.payment.documents import PaymentDocument
from dinnerkit.payment.ledger.losses import earned
from dinnerkit.payment.ledger.reading import PAYMENT_FIELDS, paid
from dinnerkit.payment.messages import PayoutFailed, PayoutSent
from dinnerkit.payment.payouts.accounts import PayeeAccounts
from dinnerkit.payment.payouts.documents import PayoutDocument
from dinnerkit.ports.gateway import AccountNotReady, Payout
from dinnerkit.storage import Row, collection, insert

log = structlog.get_logger(__name__)

_ASK_AGAIN = timedelta(hours=1)
"""How often a payee's account is asked about that can't take payouts yet."""

_NEXT_DAY = timedelta(days=1)
_LEASE_SECONDS = 60.0
_SENDING_SECONDS = 3600.0
"""Longer than a gateway's slowest answer, so that nobody else sends meanwhile. What got no answer goes on after it."""

_BATCH = 100
_SYNCED = 50


def agrees(payout: Payout, row: Row) -> bool:
    """Whether what the gateway has sent is what we asked for: never trusted, always compared."""
    return (payout.money.amount, payout.money.currency, payout.account_id) == (row.get("amount"), row["currency"], row.get("account"))


@dataclass(frozen=True, slots=True)
class DuePayout:
    """A payout to go on with."""

    id: str
    payee: str
    occasion: str


class PayoutService:
    """Releases occasions and sends what they brought."""

    def __init__(self, database: Database[Row], accounts: PayeeAccounts, clock: Clock) -> None:
        self._database = database
        self._payments = collection(database, PaymentDocument)
        self._payouts = collection(database, PayoutDocument)
        self._accounts = accounts
        self._clock = clock
        self._outbox = Outbox(clock)

    def occasion_of(self, payment_id: str) -> str | None:
        """What the payee of a payment is to be paid out for, or None where it has no payee or the gateway pays nobody."""
        row = self._payments.find_one({"_id": payment_id}, ("payee", "occasion")) if self._accounts.supported else None
        return row.get("occasion") if row and row.get("payee") else None

    def expect(self, payment_id: str, not_before: datetime) -> None:
        """Have the occasion of a payment paid out, from ``not_before`` on; nothing happens where that is so already."""
        row = self._payments.find_one({"_id": payment_id}, ("payee", "occasion", "currency"))
        if row is not None and row.get("payee") and row.get("occasion"):
            self._insert(row["payee"], row["occasion"], row["currency"], 0, not_before)

    def due(self) -> Iterator[DuePayout]:
        """The payouts to go on with now, those that wait longest first, some at a time."""
        if self._accounts.supported:
            rows = self._payouts.find({"try_at": {"$lte": self._clock()}}, ("payee", "occasion")).sort("try_at", 1).limit(_BATCH)
            yield from [DuePayout(row["_id"], row["payee"], row["occasion"]) for row in rows]

    def postpone(self, payout_id: str, until: datetime) -> None:
        """Go on with a payout no earlier than that."""
        self._payouts.update_one({"_id": payout_id, "try_at": {"$exists": True}}, {"$set": {"try_at": until}})

    def pay(self, payout_id: str) -> None:
        """Send what the payee has earned by this occasion and those released before, and was not sent yet; safe to repeat.

        Where less than nothing is left, it is carried over to the next.

        Raises:
            Unavailable: the gateway gave no answer, or has not enough money yet; the same amount is sent at the next attempt.
        """
        row = self._payouts.find_one({"_id": payout_id, "status": {"$in": ["waiting", "sending"]}})
        if row is not None and row["status"] == "waiting":
            row = self._fix_amount(row)
        if row is not None and row["status"] == "sending":
            self._send_alone(row["_id"])

    def correct(self, payment_id: str) -> None:
        """Pay out what became the payee's after the payment's occasion was: a dispute won, a deposit kept, a payout that came back."""
        row = self._payments.find_one({"_id": payment_id}, ("payee", "occasion", "currency"))
        if row is not None and row.get("payee") and row.get("occasion"):
            self._correct(row["payee"], row["occasion"], row["currency"], self._clock())

    def correct_payout(self, payout_id: str) -> None:
        """Pay out anew what came back, a day later: by then its payee may have put the account right."""
        row = self._payouts.find_one({"_id": payout_id, "status": "failed"})
        if row is not None:
            self._correct(row["payee"], row["occasion"], row["currency"], self._clock() + _NEXT_DAY)

    def sync_account(self, account_id: str) -> None:
        """Ask the gateway about the latest payouts to an account: they may have come back.

        Raises:
            Unavailable: the gateway gave no answer.
        """
        if not self._accounts.supported:
            return
        for row in self._payouts.find({"account": account_id, "status": "sent"}).sort("_id", -1).limit(_SYNCED):
            self._record(row, self._accounts.gateway.payout(row["gateway_id"]))

    def learn(self, payout_id: str, payout: Payout) -> None:
        """Note what the gateway says of a payout that is being sent or was: it is made, or came back; what does not agree is left."""
        row = self._payouts.find_one({"_id": payout_id, "status": {"$in": ["sending", "sent"]}})
        if row is None or not agrees(payout, row) or row.get("gateway_id", payout.id) != payout.id:
            return
        if row["status"] == "sending":
            self._sent(row, payout)
        else:
            self._record(row, payout)

    def of_payee(self, payee: str) -> list[Row]:
        """The payouts of a payee that were or are to be sent, newest occasion first."""
        return list(self._payouts.find({"payee": payee}, {"outbox": 0}).sort("_id", -1))

    def available(self, payee: str, currency: str, *occasions: str) -> int:
        """What can be paid out by the occasions released so far, and these: below zero where more went back than there was."""
        rows = list(
            self._payouts.find({"payee": payee, "currency": currency, "status": {"$ne": "waiting"}}, ("occasion", "amount", "status"))
        )
        released = {row["occasion"] for row in rows} | set(occasions)
        query = {"payee": payee, "currency": currency, "occasion": {"$in": sorted(released)}, "status": "succeeded"}
        came = sum(earned(paid(payment)) for payment in self._payments.find(query, PAYMENT_FIELDS))
        return came - sum(int(row["amount"]) for row in rows if row["status"] in {"sending", "sent"})

    def _fix_amount(self, row: Row) -> Row | None:
        """Decide how much is sent, once; None where nothing can be yet."""
        account = self._accounts.sync_payee(row["payee"])
        if account is None or not account.ready:
            self.postpone(row["_id"], self._clock() + _ASK_AGAIN)
            return None
        # One payout of a payee at a time is reckoned, or two might both count what was carried over.
        lease = Lease(self._database, f"payout:{row['payee']}", _LEASE_SECONDS, self._clock)
        if not lease.hold():
            return None
        amount = self.available(row["payee"], row["currency"], row["occasion"])
        to = {"gateway": self._accounts.gateway_name, "account": account.account}
        sending = {"$set": {"status": "sending", "amount": amount, "fixed_at": self._clock()} | to}
        update: Row = sending if amount > 0 else {"$set": {"status": "nothing"}, "$unset": {"try_at": ""}}
        self._payouts.update_one({"_id": row["_id"], "status": "waiting"}, update)
        lease.release()
        return self._payouts.find_one({"_id": row["_id"]})

    def _send_alone(self, payout_id: str) -> None:
        # The gateway forgets a key one day; who asks by it then, beside somebody who has passed on to the next, would send twice.
        lease = Lease(self._database, f"payout:{payout_id}", _SENDING_SECONDS, self._clock)
        if not lease.hold():
            return
        row = self._payouts.find_one({"_id": payout_id, "status": "sending"})
        if row is not None:
            self._send(row)
        lease.release()  # but not where no answer came: what was asked for may be under way

    def _send(self, row: Row) -> None:
        money = Money(row["amount"], row["currency"])
        description = f"Dinner {row['occasion']}"
        try:
            payout = self._accounts.gateway.pay_out(key=row["_id"], account_id=row["account"], money=money, description=description)
        except AccountNotReady:  # so nothing was sent, and the amount may be another by then
            again = {
                "$set": {"status": "waiting", "try_at": self._clock() + _ASK_AGAIN},
                "$unset": {"amount": "", "account": "", "fixed_at": ""},
            }
            self._payouts.update_one({"_id": row["_id"], "status": "sending"}, again)
        except (Invalid, NotFound) as error:
            log.warning("payout_refused", payout=row["_id"], error=error.message)
            if not self._lower(row, error.details.get("step")):
                self.postpone(row["_id"], self._clock() + _ASK_AGAIN)
        else:
            if agrees(payout, row):
                self._sent(row, payout)
            else:  # it is not asked for anew, and reconciliation tells it until a person has put it right
                log.error("payout_mismatch", payout=row["_id"], sent=payout.id)
                self.postpone(row["_id"], self._clock() + _NEXT_DAY)

    def _lower(self, row: Row, step: object) -> bool:
        """Where the gateway moves whole steps alone, leave the rest to the next payout; False where it was refused for something else."""
        if not isinstance(step, int) or step < 1 or row["amount"] % step == 0:
            return False
        amount = row["amount"] - row["amount"] % step
        lowered = {"$set": {"amount": amount, "try_at": self._clock()}}
        nothing = {"$set": {"status": "nothing"}, "$unset": {"amount": "", "try_at": ""}}
        self._payouts.update_one({"_id": row["_id"], "status": "sending", "amount": row["amount"]}, lowered if amount else nothing)
        return True

    def _sent(self, row: Row, payout: Payout) -> None:
        told = PayoutSent(payout_id=row["_id"], payee=row["payee"], amount=int(row["amount"]), currency=row["currency"])
        sent = {"status": "sent", "gateway_id": payout.id, "sent_at": self._clock()}
        update = {"$set": sent, "$unset": {"try_at": ""}, "$push": self._outbox.push(told)}
        self._payouts.update_one({"_id": row["_id"], "status": "sending"}, update)
        self._record(row, payout)

    def _record(self, row: Row, payout: Payout) -> None:
        if payout.status == "failed":
            log.error("payout_failed", payout=row["_id"])
            told = PayoutFailed(payout_id=row["_id"], payee=row["payee"], amount=int(row["amount"]), currency=row["currency"])
            failed = {"$set": {"status": "failed", "failed_at": self._clock()}, "$push": self._outbox.push(told)}
            self._payouts.update_one({"_id": row["_id"], "status": "sent"}, failed)

    def _correct(self, payee: str, occasion: str, currency: str, try_at: datetime) -> None:
        mine = {"payee": payee, "currency": currency}
        released = self._payouts.count_documents({**mine, "occasion": occasion, "status": {"$ne": "waiting"}}, limit=1)
        # The amount of one that waits is still to be reckoned; that of one which is being sent is not.
        to_come = self._payouts.count_documents({**mine, "number": {"$gt": 0}, "status": "waiting"}, limit=1)
        if released and not to_come and self.available(payee, currency) > 0:
            number = self._payouts.count_documents({**mine, "occasion": occasion})
            self._insert(payee, occasion, currency, number, try_at)

    def _insert(self, payee: str, occasion: str, currency: str, number: int, try_at: datetime) -> None:
        payout = PayoutDocument(
            id=f"{occasion}:{currency}:{number}",
            payee=payee,
            occasion=occasion,
            currency=currency,
            number=number,
            status="waiting",
            created_at=self._clock(),
            try_at=try_at,
        )
        try:
            insert(self._database, payout)
        except DuplicateKeyError:
            return

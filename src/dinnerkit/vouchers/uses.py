"""The accounts of a voucher's uses: each belongs to a hold of seats, and goes the way of that hold.

They all lie in the voucher's own document, so that each change is one conditional update: as many uses as are allowed, in all and for each
guest, whoever comes at once. A hold's id is never used twice, so taking a use again or giving it back again does nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from pymongo.database import Database

from dinnerkit.accounts.attempts import AttemptLimit, Attempts
from dinnerkit.clock import Clock
from dinnerkit.errors import Conflict
from dinnerkit.money import Money
from dinnerkit.storage import Row, collection
from dinnerkit.vouchers.documents import VoucherDocument
from dinnerkit.vouchers.errors import VoucherUsedUp
from dinnerkit.vouchers.rows import SHOWN, mine, voucher_of
from dinnerkit.vouchers.rules import Voucher, chosen, code_key, must_be_good

CODE_LIMIT = AttemptLimit("voucher", 20, timedelta(hours=1))
"""Codes that one user can try, whether they are right or wrong: so nobody finds codes by guessing."""

_SWEEP_BATCH = 200


@dataclass(frozen=True, slots=True)
class VoucherUse:
    """That a booking has a voucher, by its hold; without ``until`` for good."""

    voucher: str
    hold: str
    booking: str
    user: str
    until: datetime | None


class VoucherUses:
    """Changes the accounts of uses, each by one conditional update of the voucher."""

    def __init__(self, database: Database[Row], attempts: Attempts, clock: Clock) -> None:
        self._vouchers = collection(database, VoucherDocument)
        self._attempts = attempts
        self._clock = clock

    def look_up(self, code: str, *, hold_id: str, user_id: str, host_id: str, event_id: str, price: Money) -> Voucher:
        """The voucher of that code, if it is good for seats at an event of that host; whoever tries too many codes has to wait.

        A use that ``hold_id`` has already is not in its own way.

        Raises:
            TooManyAttempts: that was tried too often.
            VoucherUnknown, VoucherExpired, VoucherNotForThisEvent, VoucherMinimum, VoucherUsedUp: it is not good.
        """
        self._attempts.count(CODE_LIMIT, user_id)
        query = {"code_key": code_key(code), "owner": {"$in": [host_id, ""]}}
        wanted = {**SHOWN, "mine": {"$size": mine(user_id)}, "has": {"$in": [hold_id, "$uses.hold"]}}
        found = {row["_id"]: row for row in self._vouchers.find(query, wanted)}
        voucher = chosen([voucher_of(row) for row in found.values()])
        must_be_good(voucher, event_id, price, self._clock())
        row, terms = found[voucher.id], voucher.terms
        if not row["has"] and (row["used"] >= terms.max_uses or row["mine"] >= terms.per_guest):
            raise VoucherUsedUp("this voucher was used as often as it may be")
        return voucher

    def still_good(self, voucher_id: str, event_id: str, price: Money) -> Voucher | None:
        """The voucher, if it is good for those seats now; how often it was used is not looked at."""
        row = self._vouchers.find_one({"_id": voucher_id}, SHOWN)
        if row is None:
            return None
        voucher = voucher_of(row)
        try:
            must_be_good(voucher, event_id, price, self._clock())
        except Conflict:
            return None
        return voucher

    def take(self, use: VoucherUse) -> None:
        """Count a use; whoever had it already keeps it, and nothing changes.

        Raises:
            VoucherUsedUp: it was used as often as it may be, in all or by this guest.
        """
        entry = {"hold": use.hold, "booking": use.booking, "user": use.user, "until": use.until}
        room = [{"$lt": [{"$size": "$uses"}, "$max_uses"]}, {"$lt": [{"$size": mine(use.user)}, "$per_guest"]}]
        free = {"_id": use.voucher, "uses.hold": {"$ne": use.hold}, "$expr": {"$and": room}}
        taken = self._vouchers.update_one(free, {"$push": {"uses": entry}})
        if not taken.matched_count and self._vouchers.find_one({"_id": use.voucher, "uses.hold": use.hold}, ("_id",)) is None:
            raise VoucherUsedUp("this voucher was used as often as it may be")

    def settle(self, voucher_id: str, hold_id: str) -> None:
        """Count the use for good; nothing happens where that was done, or there is none."""
        self._set_end(voucher_id, hold_id, None)

    def extend(self, voucher_id: str, hold_id: str, until: datetime) -> None:
        """Keep the use until then; nothing happens where there is none, or it is for good."""
        self._set_end(voucher_id, hold_id, until)

    def give_back(self, voucher_id: str, hold_id: str) -> None:
        """Count the use no longer; nothing happens where there is none."""
        self._vouchers.update_one({"_id": voucher_id, "uses.hold": hold_id}, {"$pull": {"uses": {"hold": hold_id}}})

    def overdue(self) -> Iterator[VoucherUse]:
        """The uses whose end has passed, of some hundreds of vouchers."""
        now = self._clock()
        for row in self._vouchers.find({"uses.until": {"$lte": now}}, ("uses",)).limit(_SWEEP_BATCH):
            for use in row["uses"]:
                if use["until"] is not None and use["until"] <= now:
                    yield VoucherUse(row["_id"], use["hold"], use["booking"], use["user"], use["until"])

    def _set_end(self, voucher_id: str, hold_id: str, until: datetime | None) -> None:
        unsettled = {"$elemMatch": {"hold": hold_id, "until": {"$ne": None}}}
        self._vouchers.update_one({"_id": voucher_id, "uses": unsettled}, {"$set": {"uses.$.until": until}})

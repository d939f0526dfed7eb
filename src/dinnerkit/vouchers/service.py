"""What hosts do with vouchers: make, list and stop them."""

from __future__ import annotations

import secrets

from pymongo import DESCENDING, ReturnDocument
from pymongo.database import Database
from pymongo.errors import DuplicateKeyError

from dinnerkit.clock import Clock
from dinnerkit.errors import Forbidden
from dinnerkit.events.errors import NotTheHost
from dinnerkit.events.seat_errors import NoSuchEvent
from dinnerkit.events.service import EventService
from dinnerkit.identity import Principal, Role
from dinnerkit.storage import Row, collection, insert
from dinnerkit.vouchers.documents import Sum, VoucherDocument
from dinnerkit.vouchers.errors import CodeTaken, NoSuchVoucher
from dinnerkit.vouchers.rows import SHOWN, voucher_of
from dinnerkit.vouchers.rules import Terms, Voucher, check, code_key

_ALPHABET = "23456789ABCDEFGHJKMNPQRSTVWXYZ"  # without what people misread
_GENERATED_LENGTH = 10
_EVERYBODYS = ""


class VoucherService:
    """Keeps the vouchers. A host has their own; those of everybody's events are the admins'."""

    def __init__(self, database: Database[Row], events: EventService, clock: Clock) -> None:
        self._database = database
        self._vouchers = collection(database, VoucherDocument)
        self._events = events
        self._clock = clock

    def make(self, principal: Principal, terms: Terms, *, voucher_id: str, code: str | None = None, everywhere: bool = False) -> Voucher:
        """Make a voucher for one of the host's events, or for all of them; ``everywhere`` is for everybody's, by an admin.

        Without a ``code`` one is made up. Asked again with the same ``voucher_id``, it answers with the voucher that it made.

        Raises:
            Forbidden: the user is no host, or no admin for ``everywhere``.
            NoSuchEvent: there is none of theirs.
            Invalid: a value makes no sense.
            CodeTaken: there is another with this code.
        """
        if not principal.may(Role.ADMIN if everywhere else Role.HOST):
            raise Forbidden("Only admins make vouchers for everybody's dinners." if everywhere else "Only hosts make vouchers.")
        code = code or _made_up()
        check(code, terms)
        document = VoucherDocument(
            id=voucher_id,
            code=code.strip().upper(),
            code_key=code_key(code),
            owner=self._owner(principal, terms.event, everywhere=everywhere),
            kind=terms.kind.value,
            percent=terms.percent,
            amount=Sum(**terms.amount.to_document()) if terms.amount else None,
            event=terms.event,
            max_uses=terms.max_uses,
            per_guest=terms.per_guest,
            minimum=Sum(**terms.minimum.to_document()) if terms.minimum else None,
            valid_from=terms.valid_from,
            valid_until=terms.valid_until,
            created_at=self._clock(),
        )
        try:
            insert(self._database, document)
        except DuplicateKeyError:
            if self._vouchers.find_one({"_id": voucher_id}, ("_id",)) is None:
                raise CodeTaken("There is a voucher with this code already.") from None
        return self.get(principal, voucher_id)

    def get(self, principal: Principal, voucher_id: str) -> Voucher:
        """One of the host's vouchers.

        Raises:
            NoSuchVoucher: there is none, or it is another's.
        """
        row = self._vouchers.find_one({"_id": voucher_id, **_own(principal)}, SHOWN)
        if row is None:
            raise NoSuchVoucher("There is no such voucher.")
        return voucher_of(row)

    def page(self, principal: Principal, *, limit: int, before: str | None = None) -> list[Voucher]:
        """The host's vouchers, newest first, from behind the one with the id ``before``; an admin's are everybody's, too."""
        owners = [principal.user_id, *([_EVERYBODYS] if principal.may(Role.ADMIN) else [])]
        query: Row = {"owner": {"$in": owners}} | ({"_id": {"$lt": before}} if before else {})
        return [voucher_of(row) for row in self._vouchers.find(query, SHOWN).sort("_id", DESCENDING).limit(limit)]

    def stop(self, principal: Principal, voucher_id: str) -> Voucher:
        """Let nobody use the voucher any more; the bookings that have it keep it. A second call answers the same.

        Raises:
            NoSuchVoucher: there is none, or it is another's.
        """
        going = {"_id": voucher_id, "stopped_at": None, **_own(principal)}
        row = self._vouchers.find_one_and_update(
            going, {"$set": {"stopped_at": self._clock()}}, projection=SHOWN, return_document=ReturnDocument.AFTER
        )
        return voucher_of(row) if row else self.get(principal, voucher_id)

    def _owner(self, principal: Principal, event_id: str | None, *, everywhere: bool) -> str:
        if event_id is None:
            return _EVERYBODYS if everywhere else principal.user_id
        try:
            return self._events.managed(principal, event_id).host
        except NotTheHost:
            raise NoSuchEvent("There is no such event of yours.") from None


def _own(principal: Principal) -> Row:
    return {} if principal.may(Role.ADMIN) else {"owner": principal.user_id}


def _made_up() -> str:
    """A code that nobody guesses: 49 bits."""
    return "".join(secrets.choice(_ALPHABET) for _ in range(_GENERATED_LENGTH))

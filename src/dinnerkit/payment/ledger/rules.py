"""From what a payment or a payout has been through to the entries that say so: pure, and the same each time.

An amount above zero is a debit, one below is a credit; what the accounts of the ledger sum up to is always zero.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class Account(StrEnum):
    """Where money is, or whose it is. Those marked (+) usually stand above zero, the others below."""

    GATEWAY = "gateway"
    """(+) What the gateway has for us."""
    GATEWAY_FEES = "gateway_fees"
    """(+) What it has cost."""
    DISPUTES = "disputes"
    """(+) What banks have taken back and nobody has decided on yet."""
    LOSSES = "losses"
    """(+) What banks have taken beyond what there was to lose, as the guest had had it back already."""
    GUESTS = "guests"
    """What guests have paid for nobody in particular: it is still theirs."""
    HOSTS = "hosts"
    """What is owed to the hosts, each by their ``payee``."""
    FEES = "fees"
    """What the platform has earned."""
    DEPOSITS = "deposits"
    """Deposits of guests who have not yet come, nor stayed away."""
    REFUNDS = "refunds"
    """What shall go back to guests and has not yet."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A balanced entry.

    Attributes:
        id: what caused it; there is one entry for each cause.
        kind: the part of the id before the colon.
        at: when it was caused.
        currency: of all its amounts.
        postings: the amount for each account, none of them zero.
        payment: the payment that it is about, or None.
        payout: the payout that it is about, or None.
        reference: what was paid for.
        payee: whom what was paid is for.
        occasion: what brings the payee's money together: it is paid out once for each.

    Raises:
        ValueError: it does not balance.
    """

    id: str
    at: datetime
    currency: str
    postings: Mapping[Account, int]
    payment: str | None = None
    payout: str | None = None
    reference: str | None = None
    payee: str | None = None
    occasion: str | None = None

    def __post_init__(self) -> None:
        if sum(self.postings.values()) or not all(self.postings.values()):
            raise ValueError(f"{self.id} does not balance: {dict(self.postings)}")

    @property
    def kind(self) -> str:
        """What sort of cause it has."""
        return self.id.partition(":")[0]


@dataclass(frozen=True, slots=True)
class FailedRefund:
    """An attempt to give money back that failed, perhaps after it had succeeded."""

    attempt: int
    failed_at: datetime
    succeeded_at: datetime | None


@dataclass(frozen=True, slots=True)
class Refund:
    """Money that shall go back; ``deposit`` is how much of it is of the deposit, and ``owed`` says that nobody is about to send it."""

    id: str
    amount: int
    deposit: int
    at: datetime
    attempt: int = 1
    owed: bool = False
    succeeded_at: datetime | None = None
    dropped_at: datetime | None = None
    failed: tuple[FailedRefund, ...] = ()


@dataclass(frozen=True, slots=True)
class Shares:
    """Whose money is: that of the ``price`` the payee's but for the platform's ``fee``, and so is what was ``kept`` of the deposit."""

    price: int = 0
    fee: int = 0
    deposit: int = 0
    kept: int = 0

    @property
    def amount(self) -> int:
        """All of it."""
        return self.price + self.deposit + self.kept

    @property
    def payee(self) -> int:
        """The payee's."""
        return self.price - self.fee + self.kept


@dataclass(frozen=True, slots=True)
class Disputed:
    """Money that a guest's bank took.

    Attributes:
        lost: whose it was, where it is lost; what is not in it was nobody's any more.
        fees: by how much more the gateway keeps for it, and since when; below zero where it gave something back.
    """

    id: str
    amount: int
    opened_at: datetime
    closed_at: datetime | None = None
    won: bool = False
    lost: Shares = Shares()
    fees: tuple[tuple[int, datetime], ...] = ()


@dataclass(frozen=True, slots=True)
class Paid:
    """A payment that succeeded, and what it has been through since, in the order it was written down.

    Attributes:
        amount: all that was paid.
        deposit: how much of it is a deposit.
        platform_fee: how much of the rest the platform keeps.
        gateway_fee: what the gateway keeps, once that is known.
        kept: how much of the deposit is the payee's by now, and since when.
    """

    id: str
    reference: str
    payee: str | None
    occasion: str | None
    currency: str
    amount: int
    succeeded_at: datetime
    deposit: int = 0
    platform_fee: int = 0
    gateway_fee: int | None = None
    kept: tuple[int, datetime] | None = None
    refunds: tuple[Refund, ...] = ()
    disputes: tuple[Disputed, ...] = ()

    @property
    def price(self) -> int:
        """What was paid for the thing itself, without the deposit."""
        return self.amount - self.deposit

    @property
    def owner(self) -> Account:
        """Whose the price is."""
        return Account.HOSTS if self.payee else Account.GUESTS


@dataclass(frozen=True, slots=True)
class PaidOut:
    """Money that went to a payee, and perhaps came back."""

    id: str
    payee: str
    occasion: str
    currency: str
    amount: int
    paid_at: datetime
    failed_at: datetime | None = None


def entries_of(paid: Paid) -> list[Entry]:
    """All entries of a payment, as it stands now: those that it had before are the same again."""
    entries = [*_success(paid), *_refunds(paid), *_disputes(paid)]
    if paid.kept:
        amount, at = paid.kept
        entries.append(_entry(paid, f"deposit_kept:{paid.id}", at, {Account.DEPOSITS: amount, paid.owner: -amount}))
    return [entry for entry in entries if entry.postings]


def entries_of_payout(out: PaidOut) -> list[Entry]:
    """All entries of a payout, as it stands now."""
    postings = {Account.HOSTS: out.amount, Account.GATEWAY: -out.amount}
    about = {"currency": out.currency, "payout": out.id, "payee": out.payee, "occasion": out.occasion}
    entries = [Entry(f"payout:{out.id}", out.paid_at, postings=postings, **about)]
    if out.failed_at:
        back = {account: -amount for account, amount in postings.items()}
        entries.append(Entry(f"payout_failed:{out.id}", out.failed_at, postings=back, **about))
    return entries


def fee_share(paid: Paid, part: int) -> int:
    """The platform's share of a part of the price: by proportion, the rest of a minor unit is the payee's."""
    return paid.platform_fee * part // paid.price if paid.price else 0


def _success(paid: Paid) -> Iterator[Entry]:
    rest = paid.price - paid.platform_fee
    postings = {Account.GATEWAY: paid.amount, paid.owner: -rest, Account.FEES: -paid.platform_fee, Account.DEPOSITS: -paid.deposit}
    yield _entry(paid, f"payment_succeeded:{paid.id}", paid.succeeded_at, postings)
    if paid.gateway_fee:
        postings = {Account.GATEWAY_FEES: paid.gateway_fee, Account.GATEWAY: -paid.gateway_fee}
        yield _entry(paid, f"gateway_fee:{paid.id}", paid.succeeded_at, postings)


def refunded(paid: Paid) -> Iterator[tuple[Refund, Shares]]:
    """Each refund with whose money it is: the fee by what goes back in all, so that the shares of many add up to the whole."""
    gone = 0
    for refund in paid.refunds:
        price = refund.amount - refund.deposit
        yield refund, Shares(price, fee_share(paid, gone + price) - fee_share(paid, gone), refund.deposit)
        gone += price


def _refunds(paid: Paid) -> Iterator[Entry]:
    for refund, shares in refunded(paid):
        yield _entry(paid, f"refund_requested:{refund.id}", refund.at, _sources(paid, shares) | {Account.REFUNDS: -refund.amount})
        yield from _attempts(paid, refund)
        if refund.dropped_at:
            made = {Account.REFUNDS: refund.amount, Account.LOSSES: -refund.amount}
            yield _entry(paid, f"refund_dropped:{refund.id}", refund.dropped_at, made)


def _sources(paid: Paid, shares: Shares) -> dict[Account, int]:
    return {paid.owner: shares.payee, Account.FEES: shares.fee, Account.DEPOSITS: shares.deposit}


def _attempts(paid: Paid, refund: Refund) -> Iterator[Entry]:
    sent = {Account.REFUNDS: refund.amount, Account.GATEWAY: -refund.amount}
    back = {account: -amount for account, amount in sent.items()}
    for failed in refund.failed:
        if failed.succeeded_at:  # else nothing had moved
            yield _entry(paid, f"refund_succeeded:{refund.id}:{failed.attempt}", failed.succeeded_at, sent)
            yield _entry(paid, f"refund_failed:{refund.id}:{failed.attempt}", failed.failed_at, back)
    if refund.succeeded_at:
        yield _entry(paid, f"refund_succeeded:{refund.id}:{refund.attempt}", refund.succeeded_at, sent)


def _disputes(paid: Paid) -> Iterator[Entry]:
    for dispute in paid.disputes:
        taken = {Account.DISPUTES: dispute.amount, Account.GATEWAY: -dispute.amount}
        yield _entry(paid, f"dispute_opened:{dispute.id}", dispute.opened_at, taken)
        if dispute.closed_at and dispute.won:
            back = {account: -amount for account, amount in taken.items()}
            yield _entry(paid, f"dispute_won:{dispute.id}", dispute.closed_at, back)
        elif dispute.closed_at:
            sources = _sources(paid, dispute.lost) | {Account.LOSSES: dispute.amount - dispute.lost.amount}
            yield _entry(paid, f"dispute_lost:{dispute.id}", dispute.closed_at, sources | {Account.DISPUTES: -dispute.amount})
        for number, (more, at) in enumerate(dispute.fees, 1):
            cause = f"{'dispute_fee' if more > 0 else 'dispute_fee_returned'}:{dispute.id}:{number}"
            yield _entry(paid, cause, at, {Account.GATEWAY_FEES: more, Account.GATEWAY: -more})


def _entry(paid: Paid, cause: str, at: datetime, postings: Mapping[Account, int]) -> Entry:
    return Entry(
        cause,
        at,
        paid.currency,
        {account: amount for account, amount in postings.items() if amount},
        payment=paid.id,
        reference=paid.reference,
        payee=paid.payee,
        occasion=paid.occasion,
    )

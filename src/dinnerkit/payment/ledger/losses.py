"""Whose the money is that banks take: worked out once, when a dispute is lost, and kept with it.

A loss makes good first what is owed back to the guest anyway. Then it is taken from the price, from the deposit while that is the
guest's, and from what the payee was given of it. What is left after that the guest had had back before: the platform bears it. So a payee
never loses more than this payment has brought, and the platform's fee goes back by what is gone of the price in all, by refunds and
disputes alike.
"""

from __future__ import annotations

from collections.abc import Iterator

from dinnerkit.payment.ledger.rules import Account, Paid, Refund, Shares, entries_of, fee_share, refunded


def loss_of(paid: Paid, amount: int) -> Shares:
    """Whose ``amount`` would be, were it lost now; what is in no share is owed to the guest anyway, or is the platform's loss."""
    left = _left(paid)
    gone = paid.price - left.price
    rest = amount - sum(refund.amount for refund in _covered(paid, amount))
    price = min(rest, left.price)
    deposit = min(rest - price, left.deposit)
    kept = min(rest - price - deposit, left.kept)
    return Shares(price, fee_share(paid, gone + price) - fee_share(paid, gone), deposit, kept)


def made_good(paid: Paid) -> list[str]:
    """The refunds that need not be made any more, as what banks have taken was in nobody's share."""
    lost = sum(dispute.amount - dispute.lost.amount for dispute in paid.disputes if dispute.closed_at and not dispute.won)
    return [refund.id for refund in _covered(paid, lost - sum(refund.amount for refund in paid.refunds if refund.dropped_at))]


def earned(paid: Paid) -> int:
    """What of a payment is the payee's for now; what would be lost of it, were nothing won that is undecided, is left out."""
    posted = -sum(entry.postings.get(Account.HOSTS, 0) for entry in entries_of(paid))
    return posted - loss_of(paid, sum(dispute.amount for dispute in paid.disputes if not dispute.closed_at)).payee


def _covered(paid: Paid, amount: int) -> Iterator[Refund]:
    """The refunds that are owed and fit as a whole into ``amount``, all together."""
    for refund in paid.refunds:
        if refund.owed and refund.amount <= amount:
            amount -= refund.amount
            yield refund


def _left(paid: Paid) -> Shares:
    """What neither went back nor is lost, its fee left out."""
    gone = [shares for _, shares in refunded(paid)]
    gone += [dispute.lost for dispute in paid.disputes if dispute.closed_at and not dispute.won]
    kept = paid.kept[0] if paid.kept else 0
    return Shares(
        price=paid.price - sum(shares.price for shares in gone),
        deposit=paid.deposit - kept - sum(shares.deposit for shares in gone),
        kept=kept - sum(shares.kept for shares in gone),
    )

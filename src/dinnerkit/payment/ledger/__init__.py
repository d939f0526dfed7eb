"""The ledger: every movement of money as one balanced entry, under the name of what caused it.

It is double entry: each entry debits some accounts and credits others by the same amount. It is append-only: an entry is never changed or
taken away, and what was wrong is put right by another entry. An entry's id is its cause, such as ``refund_requested:`` and the refund's id,
so the same movement can't be posted twice.

No crash loses an entry: what moves money changes one document, a payment or a payout, and from that document alone follow all its entries
(:mod:`dinnerkit.payment.ledger.rules`). The message that tells of the change is written in the same update; the handler that hears it
posts whatever the document implies and the ledger lacks.
"""

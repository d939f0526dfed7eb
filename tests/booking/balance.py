"""What must be true of seats and money whenever nothing is left undone, read from the database and from the gateway's own books."""

from __future__ import annotations

from collections import Counter

from dinnerkit.booking.agreement import BookingAgreement
from dinnerkit.booking.rules import LIVE, SETTLED, UNPAID
from dinnerkit.booking.store import BookingStore
from dinnerkit.events.rules import MOVING, RefundPolicy, refund_of, resold_share
from dinnerkit.money import Money
from dinnerkit.payment.ledger.checking import IN_FLIGHT, LedgerCheck
from dinnerkit.payment.ledger.rules import Account
from dinnerkit.payment.ledger.service import Ledger
from tests.booking.snapshot import Row, Snapshot, Stage, paid_out
from tests.booking.world import OFFER, World


def seats_add_up(there: Snapshot) -> None:
    """True at every moment, whatever is undone."""
    for event in there.events.values():
        taken = sum(hold["guests"] for hold in event["holds"])
        assert event["seats_left"] == event["seats"] - taken, "seats were lost or made"
        assert 0 <= event["seats_left"] <= event["seats"]
        users = Counter(hold["user"] for hold in event["holds"])
        assert all(count == 1 for count in users.values()), f"two holds for one guest: {users}"
        assert not users.keys() & {party["user"] for party in event["waitlist"]}, "a guest has seats and waits for others"


def nobody_waits_for_free_seats(there: Snapshot) -> None:
    """True at every moment but right after a host has added seats."""
    for event in there.events.values():
        if event["status"] == "published" and event["starts_at"] > there.now:
            fitting = [party for party in event["waitlist"] if party["guests"] <= event["seats_left"]]
            assert not fitting, f"{event['seats_left']} seats are left, and {fitting} wait"


def money_is_safe(there: Snapshot) -> None:
    """True at every moment: nobody got more back than they paid, nobody sits who did not pay."""
    for booking in there.bookings.values():
        if booking["status"] in SETTLED and booking["amount"] > 0:
            payment = there.payments[booking["payment"]]
            assert payment["status"] == "succeeded", "confirmed, and not paid"
            assert there.charges[payment["_id"]]["status"] == "succeeded"
            assert (payment["amount"], payment["currency"]) == (booking["amount"], booking["currency"])
    known = {refund["id"]: refund["amount"] for row in there.payments.values() for refund in row["refunds"]}
    for refund in there.refunds:
        assert known.get(refund["key"]) == refund["amount"], "money went back that nobody asked for"
    for row in there.payments.values():
        asked = sum(refund["amount"] for refund in row["refunds"])
        kept = (row.get("deposit_kept") or {}).get("amount", 0)
        assert row["refundable"] == row["amount"] - asked - kept >= 0
        assert len({refund["key"] for refund in row["refunds"]}) == len(row["refunds"]), "one cause gave back twice"


def vouchers_are_not_overused(there: Snapshot) -> None:
    """True at every moment."""
    for voucher in there.vouchers.values():
        assert len(voucher["uses"]) <= voucher["max_uses"], "a voucher is used more often than it may be"
        guests = Counter(use["user"] for use in voucher["uses"])
        assert all(count <= voucher["per_guest"] for count in guests.values()), f"a guest uses a voucher too often: {guests}"
        assert len({use["hold"] for use in voucher["uses"]}) == len(voucher["uses"]), "one hold is counted twice"


def books_balance(stage: Stage) -> None:
    """True whenever the worker has come to rest: :meth:`World.recover` or :meth:`World.work` was called."""
    there = Snapshot.of(stage)
    seats_add_up(there)
    nobody_waits_for_free_seats(there)
    money_is_safe(there)
    vouchers_are_not_overused(there)
    _holds_match(there)
    _charges_match(there)
    _uses_match(there)
    assert not list(stage.database["dead_letters"].find()), "there are dead letters"
    undone = stage.database["deliveries"].count_documents({"state": {"$ne": "done"}})
    assert not undone, f"{undone} deliveries are not done"
    _waiting_lists_match(there)
    _bookings_follow(there)
    _mails_were_sent(there, stage)
    _ledger_agrees(there, stage)


def come_to_rest(world: World) -> None:
    """Let everything that waits come to its end, and check the books on the way: first with offers open, then without."""
    world.recover()
    books_balance(world)
    if world.database["events"].count_documents({"holds.until": {"$exists": True, "$ne": None}}):
        world.clock.now += OFFER
        world.recover()
        books_balance(world)


def _holds_match(there: Snapshot) -> None:
    held: dict[str, Row] = {}
    for event in there.events.values():
        for hold in event["holds"]:
            booking = there.bookings[hold["booking"]]
            assert booking["status"] in LIVE, f"a hold without a live booking: {hold}, {booking['status']}"
            assert (hold["hold"], hold["user"], hold["guests"]) == (booking["hold"], booking["user"], booking["guests"])
            assert event["_id"] == booking["event"]
            assert event["status"] == "published", "a cancelled dinner has guests"
            assert booking["status"] in SETTLED or hold["until"] == booking["expires_at"]
            held[hold["booking"]] = hold
    without = [row["_id"] for row in there.bookings.values() if row["status"] in LIVE and row["_id"] not in held]
    assert not without, f"live bookings without seats: {without}"


def _bookings_follow(there: Snapshot) -> None:
    """Nobody believes in another time or place than the host."""
    for booking in there.bookings.values():
        if booking["status"] in LIVE | {"waitlisted"}:
            about, event = booking["about"], there.events[booking["event"]]
            assert all(about[name] == event[name] for name in MOVING), "the dinner was moved, and a booking does not know"


def _waiting_lists_match(there: Snapshot) -> None:
    listed = {
        party["entry"]: party
        for event in there.events.values()
        if event["status"] == "published" and event["starts_at"] > there.now
        for party in event["waitlist"]
    }
    waiting = {name: row for name, row in there.bookings.items() if row["status"] == "waitlisted"}
    assert waiting.keys() == listed.keys(), "who waits has no booking, or who has one does not wait"
    assert all((row["user"], row["guests"]) == (listed[name]["user"], listed[name]["guests"]) for name, row in waiting.items())


def _uses_match(there: Snapshot) -> None:
    """Every live booking that has a voucher is a use of it, and nothing else is."""
    counted = {(row["_id"], use["hold"]) for row in there.vouchers.values() for use in row["uses"]}
    having = {(row["voucher"], row["hold"]) for row in there.bookings.values() if row.get("voucher") and row["status"] in LIVE}
    assert counted == having, "uses of vouchers were lost or made"
    for row in there.bookings.values():
        assert bool(row.get("voucher")) == (row.get("discount") is not None)


def _charges_match(there: Snapshot) -> None:
    bookings = there.bookings
    gone_back: Counter[str] = Counter()
    for refund in there.refunds:
        gone_back[refund["charge"]] += refund["amount"]
    for key, charge in there.charges.items():
        payment = there.payments[key]
        booking = bookings[payment["reference"]]
        while booking["status"] == "transferred":
            booking = bookings[booking["transferred_to"]]
        if charge["status"] == "action_required":
            assert booking["status"] in UNPAID, "a guest may still pay for what is over"
            continue
        assert payment["status"] == charge["status"], "we don't know what the gateway knows"
        back = gone_back[charge["id"]]
        assert back == charge["refunded"] <= charge["amount"]
        if charge["status"] != "succeeded":
            assert back == 0
        elif booking.get("payment") != key:
            assert back == charge["amount"], "money was taken and nothing given for it"
        elif booking["status"] in SETTLED:
            came = booking["status"] == "checked_in" or "deposit_released_at" in booking
            assert back == (booking.get("deposit") or 0) * came, "a guest sits for nothing, or a deposit is not where it belongs"
        else:
            assert booking["status"] == "cancelled"
            assert back == booking["refund"], "a refund was decided and not given"
            assert back in _owed(booking, there.events[booking["event"]]), "a refund was owed and not given"
            assert booking.get("resold", 0) == _resold(there, booking), "a seat was sold again, and its money stays"
    for payment in there.payments.values():
        assert all(refund["status"] == "succeeded" for refund in payment["refunds"])


def _ledger_agrees(there: Snapshot, stage: Stage) -> None:
    """Nothing of it is on its way any more, so all of it must be there."""
    check = LedgerCheck(stage.database, Ledger(stage.database, stage.clock), lambda: stage.clock() + IN_FLIGHT)
    assert not list(check.findings())
    agreement = BookingAgreement(stage.database, BookingStore(stage.database, stage.clock), lambda: stage.clock() + IN_FLIGHT)
    assert not list(agreement.findings())
    came = sum(charge["amount"] for charge in there.charges.values() if charge["status"] == "succeeded")
    went = sum(refund["amount"] for refund in there.refunds)
    balances = Ledger(stage.database, stage.clock).balances().get("EUR", {})
    at_the_gateway = balances.get(Account.GATEWAY, 0) + balances.get(Account.GATEWAY_FEES, 0)
    assert at_the_gateway == came - went - paid_out(stage), "the ledger and the gateway disagree about the money that is there"


def _owed(booking: Row, event: Row) -> set[int]:
    """What may go back; two sums where the event does not say any more whether it had been moved before the guest cancelled."""
    paid = Money(booking["amount"], booking["currency"])
    policy, starts_at, cancelled = RefundPolicy(**booking["refund_policy"]), booking["about"]["starts_at"], booking["cancelled_at"]
    if booking["cancelled_by"] != "guest" or policy.in_time(starts_at, cancelled):
        return {paid.amount}
    price = paid - Money(booking.get("deposit") or 0, booking["currency"])
    refund = refund_of(policy, price, starts_at, cancelled, booking["guests"])
    late = refund.at_once.amount + resold_share(refund.if_resold, booking["guests"], booking.get("resold", 0)).amount
    moved = event.get("moved_at")
    if not moved or moved <= booking.get("booked_at", booking["created_at"]) or event["free_until"] < cancelled:
        return {late}
    return {paid.amount} if moved < cancelled else {paid.amount, late}


def _resold(there: Snapshot, booking: Row) -> int:
    """How many of its seats the event's account says are sold again."""
    if not booking.get("refund_if_resold"):
        return 0
    left = sum(entry["left"] for entry in there.events[booking["event"]]["resale"] if entry["booking"] == booking["_id"])
    return booking["guests"] - left


def _mails_were_sent(there: Snapshot, stage: Stage) -> None:
    reachable = {row["_id"]: row["email"] for row in stage.database["users"].find()}
    subjects = dict.fromkeys(SETTLED, "Your place at") | {"cancelled": "Cancelled:", "transferred": "Passed on:"}
    for booking in there.bookings.values():
        if booking["status"] == "cancelled" and "refund" not in booking:
            continue  # who left the waiting list has had no seats
        address, subject = reachable.get(booking["user"]), subjects.get(booking["status"])
        if address and subject:
            assert any(to == address and text.startswith(subject) for to, text in stage.postbox.mails), f"no mail: {booking['status']}"

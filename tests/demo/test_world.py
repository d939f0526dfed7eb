"""A world made through the real services: what must hold of it, whatever was drawn."""

from __future__ import annotations

import sqlite3
from collections import Counter
from contextlib import closing

from dinnerkit.accounts.sign_in import SignInService
from dinnerkit.booking.rules import EXPECTED, LIVE, STATUSES
from dinnerkit.demo import LOGINS
from dinnerkit.demo.plots import PAYING, Plot
from dinnerkit.demo.programme import TABLES
from dinnerkit.demo.respondents import respondents
from dinnerkit.documents import SENDERS
from dinnerkit.kit import Kit
from dinnerkit.matching import BUDGETS
from tests.demo.small import SMALL, Made, all_visits
from tests.mailbox import mails


def test_the_seats_of_every_event_add_up(made: Made):
    live = {row["hold"]: row for row in made.rows("bookings") if row["status"] in LIVE}
    for event in made.rows("events"):
        assert event["seats_left"] == event["seats"] - sum(hold["guests"] for hold in event["holds"])
        for hold in event["holds"]:
            booking = live.pop(hold["hold"])
            assert (booking["event"], booking["user"], booking["guests"]) == (event["_id"], hold["user"], hold["guests"])
            assert (hold["until"] is None) == (booking["status"] in EXPECTED)
    assert not live


def test_every_booking_has_its_payment_or_its_refund_and_the_gateway_says_the_same(made: Made):
    paid = {row["_id"]: row for row in made.rows("payments", status="succeeded")}
    for booking in made.rows("bookings"):
        if "payment" not in booking:
            assert booking["status"] not in EXPECTED or not booking["amount"]
            assert not booking.get("refund")
            continue
        payment = paid.pop(booking["payment"])
        assert (payment["reference"], payment["amount"], payment["currency"]) == (booking["_id"], booking["amount"], booking["currency"])
        back = sum(refund["amount"] for refund in payment["refunds"])
        assert back == (booking.get("refund", 0) if booking["status"] == "cancelled" else 0)
        assert all(refund["status"] == "succeeded" for refund in payment["refunds"])
    assert not paid
    with closing(sqlite3.connect(made.folder / "gateway.db")) as books:
        taken = books.execute("select currency, sum(amount), sum(refunded) from charges where status = 'succeeded' group by 1").fetchall()
    told = Counter[str]()
    back = Counter[str]()
    for city in made.world.figures.cities:
        told[city.taken.currency] += city.taken.amount
        back[city.refunded.currency] += city.refunded.amount
    assert {currency: (amount, refunded) for currency, amount, refunded in taken} == {name: (told[name], back[name]) for name in told}


def test_every_state_of_bookings_and_payments_occurs(made: Made):
    assert {row["status"] for row in made.rows("bookings")} == STATUSES - {"checked_in", "no_show", "transferred"}, (
        "all but those of a dinner that has begun"
    )
    assert {row["status"] for row in made.rows("payments")} >= {"succeeded", "declined", "action_required"}
    assert {plot for _, visit in all_visits(made.plan) for plot in [visit.plot]} == set(Plot)


def test_each_visit_comes_to_what_was_planned(made: Made):
    status = {row["_id"]: row["status"].replace("seated", "confirmed") for row in made.rows("bookings")}
    ends = dict.fromkeys(PAYING, "confirmed") | {
        Plot.CANCELS: "cancelled",
        Plot.PONDERS: "action_required",
        Plot.DECLINED: "held",
        Plot.WALKED_AWAY: "expired",
    }
    for script in made.plan.scripts:
        for visit in script.visits:
            assert status[visit.id] == ("cancelled" if script.event.called_off else ends[visit.plot]), visit


def test_waiting_parties_were_offered_what_others_gave_back(made: Made):
    figures = made.world.figures
    status = Counter(row["status"] for row in made.rows("bookings") if row["_id"] in {p.id for s in made.plan.scripts for p in s.waiting})
    assert status["confirmed"] + status["seated"] == figures.accepted > 0
    assert status["offered"] == figures.offered - figures.accepted > 0
    assert figures.waiting == figures.waited - figures.offered > 0


def test_the_host_called_dinners_off_and_everybody_got_all_their_money_back(made: Made):
    gone = [row["_id"] for row in made.rows("events", status="cancelled")]
    assert len(gone) == made.world.figures.called_off == 2
    bookings = made.rows("bookings", event={"$in": gone}, payment={"$exists": True})
    assert bookings
    assert all(row["status"] == "cancelled" and row["refund"] in {row["amount"], 0} for row in bookings)
    assert all(row["refund"] == row["amount"] for row in bookings if row["cancelled_by"] == "host")


def test_every_confirmed_guest_of_a_night_sits_at_one_table_that_keeps_the_hard_rules(made: Made):
    people = {row["_id"]: row["profile"] for row in made.rows("users")}
    seatings = made.rows("seatings")
    assert [row["status"] for row in seatings] == ["published"] * SMALL.cities
    for seating in seatings:
        confirmed = made.rows("bookings", event=seating["event"], status={"$in": sorted(EXPECTED)})
        assert {row["status"] for row in confirmed} == {"seated"}
        places = [(place["booking"], place["companion"]) for table in seating["tables"] for place in table["places"]]
        assert sorted(places) == sorted((row["_id"], companion) for row in confirmed for companion in range(row["guests"]))
        assert not seating["unseated"]
        parties = [{place["booking"] for place in table["places"]} for table in seating["tables"]]
        assert sum(map(len, parties)) == len(confirmed), "a party sits at two tables"
        for table in seating["tables"]:
            known = [people[place["user"]] for place in table["places"] if not place["companion"]]
            assert TABLES.min <= len(table["places"]) <= TABLES.max
            assert set.intersection(*(set(profile["languages"]) for profile in known))
            steps = {BUDGETS.index(profile["budget"]) for profile in known}
            assert max(steps) - min(steps) <= 1
        assert seating["score"] > seating["chance"]


def test_the_people_are_the_respondents_with_nothing_changed(made: Made):
    stored = [row for row in made.rows("users") if row["_id"] not in {made.plan.host, made.plan.admin}]
    people = respondents()[: SMALL.people]
    assert [row["personality"]["answers"] for row in stored] == [person.answers for person in people]
    assert [row["personality"]["traits"] for row in stored] == [person.traits for person in people]
    assert [made.book.keys.born.year - row["profile"]["birth_year"] for row in stored] == [person.age for person in people]
    genders = {1: "male", 2: "female", 3: "other", 0: None}
    assert [row["profile"].get("gender") for row in stored] == [genders[person.gender] for person in people]


def test_every_mail_was_sent_and_none_is_lost(made: Made):
    sent = Counter(mails(made.folder / "mail"))
    assert sent.total() == made.world.figures.mails
    address = {row["_id"]: row["email"] for row in made.rows("users")}
    for booking in made.rows("bookings"):
        to, title = address[booking["user"]], booking["about"]["title"]
        assert sent[to, f"Your place at {title}"] == (booking["status"] in EXPECTED or "payment" in booking)
        assert sent[to, f"Cancelled: {title}"] == (booking["status"] == "cancelled")
    for seating in made.rows("seatings"):
        city = made.rows("events", _id=seating["event"])[0]["city"]
        for place in (place for table in seating["tables"] for place in table["places"]):
            assert sent[address[place["user"]], f"Your table at Match night in {city}"] == 1
    assert {to.partition("@")[2] for to, _ in sent} <= {"guests.dinnerkit.test", "dinnerkit.test"}
    for document in SENDERS:
        assert made.database[document.collection_name].count_documents({"outbox.0": {"$exists": True}}) == 0
    assert made.database.dead_letters.count_documents({}) == 0
    assert made.database.deliveries.count_documents({"state": {"$ne": "done"}}) == 0


def test_one_can_sign_in_as_guest_host_and_admin(made: Made):
    with Kit.open(made.settings) as kit:
        for role, email in LOGINS.items():
            assert kit.service(SignInService).open_session(email, made.world.password).principal.role is role


def test_the_guest_who_can_sign_in_has_a_table(made: Made):
    (night,) = (row for row in made.rows("seatings") if row["event"] == made.plan.nights[0].event.id)
    assert made.plan.guest in {place["user"] for table in night["tables"] for place in table["places"]}

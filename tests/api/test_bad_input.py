"""What nobody should send, sent to a running server over HTTP: amounts, currencies, signatures, clocks, huge bodies, Unicode, replays.

The table says what comes back. What is in other tables is not here: the actions on a booking in each state (test_booking_states), what a
webhook may hold (tests/payment/test_webhooks), and every rule of a voucher (tests/booking/test_vouchers).
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from uuid import uuid4

import pytest

from dinnerkit import Kit, Settings
from dinnerkit.accounts.service import AccountService, NewUser
from dinnerkit.identity import Role
from dinnerkit.testing import settings_for_tests
from tests.api.bad_requests import (
    Send,
    Stage,
    booked_twice,
    booking,
    cancelled_twice,
    chunked,
    draft,
    draft_text,
    event,
    forged,
    named,
    of_size,
    paid_twice,
    paying,
    priced,
    published,
    registered,
    signed_at,
    ticket_twice,
    titled,
    token,
    voucher,
    webhook,
    webhook_twice,
    with_key,
)
from tests.conftest import with_database
from tests.fire.dinners import host_dinner
from tests.fire.serving import Answer, Server, bearer_tokens


@dataclass(frozen=True, slots=True)
class Row:
    """One thing that was tried, and what comes back: a status, and the code of a problem or the name of the field that is wrong."""

    sort: str
    tried: str
    send: Send
    status: int
    told: str = ""
    makes: str = ""


TABLE: list[Row] = [
    Row("amounts", "a price below zero", priced(-1), 422, "price.amount"),
    Row("amounts", "a price with a fraction, 1.5", priced(1.5), 422, "price.amount"),
    Row("amounts", 'a price as text, "100"', priced("100"), 422, "price.amount"),
    Row("amounts", "a price of true", priced(True), 422, "price.amount"),
    Row("amounts", "a price of null", priced(None), 422, "price.amount"),
    Row("amounts", "a price of 2^63", priced(2**63), 422, "price.amount"),
    Row("amounts", "a price of 10^400", priced(10**400), 400, "bad_json"),
    Row("amounts", "a price of NaN", draft_text('"amount": 100', '"amount": NaN'), 400, "bad_json"),
    Row("amounts", "a price of Infinity", draft_text('"amount": 100', '"amount": Infinity'), 400, "bad_json"),
    Row("amounts", "a price of 1e2, the same number as 100", draft_text('"amount": 100', '"amount": 1e2'), 201, "", "events"),
    Row("amounts", "a price of 0, which is free", priced(0), 201, "", "events"),
    Row("amounts", "a price of -0", draft_text('"amount": 100', '"amount": -0'), 201, "", "events"),
    Row(
        "amounts",
        "the price twice in one object, the last one counts",
        draft_text('"amount": 100', '"amount": 100, "amount": -1'),
        422,
        "price.amount",
    ),
    Row(
        "amounts",
        "a price × seats above the largest amount, published",
        published(price={"amount": 10**11, "currency": "EUR"}, seats=1000),
        409,
        "event_not_ready",
        "events",
    ),
    Row("amounts", "a deposit below zero", draft(deposit={"amount": -1, "currency": "EUR"}), 422, "deposit.amount"),
    Row("amounts", "no guests", booking(guests=0), 422, "guests"),
    Row("amounts", "minus one guest", booking(guests=-1), 422, "guests"),
    Row("amounts", "2^70 guests", booking(guests=2**70), 422, "guests"),
    Row("amounts", "one and a half guests", booking(guests=1.5), 422, "guests"),
    Row("amounts", '"2" guests', booking(guests="2"), 422, "guests"),
    Row("amounts", "a booking that names its own amount", booking(amount={"amount": 1, "currency": "EUR"}), 422, "amount"),
    Row("amounts", "a payment that names its own amount", paying(amount=1), 422, "amount", "bookings"),
    Row("amounts", "a voucher of 0", voucher(amount={"amount": 0, "currency": "EUR"}), 422, "amount"),
    Row("amounts", "a voucher of 101 %", voucher(kind="percent", percent=101), 422, "percent"),
    Row("currencies", "eur", priced(100, "eur"), 422, "price.currency"),
    Row("currencies", "EURO", priced(100, "EURO"), 422, "price.currency"),
    Row("currencies", "€", priced(100, "€"), 422, "price.currency"),
    Row("currencies", "EUR and a line break", priced(100, "EUR\n"), 422, "price.currency"),
    Row("currencies", "ZZZ, which is none", priced(100, "ZZZ"), 422, "price.currency"),
    Row("currencies", "XXX, no currency by ISO 4217", priced(100, "XXX"), 422, "price.currency"),
    Row("currencies", "DEM, which is no more", priced(100, "DEM"), 422, "price.currency"),
    Row("currencies", "ЕUR with a Cyrillic Е", priced(100, "\u0415UR"), 422, "price.currency"),
    Row("currencies", "nothing", priced(100, ""), 422, "price.currency"),
    Row("currencies", "null", priced(100, None), 422, "price.currency"),
    Row("currencies", "a deposit in another than the price", draft(deposit={"amount": 100, "currency": "USD"}), 422, "deposit.currency"),
    Row("currencies", "JPY, without decimals", priced(100, "JPY"), 201, "", "events"),
    Row("currencies", "KWD, with three", priced(100, "KWD"), 201, "", "events"),
    Row("currencies", "KWD, with a fils that no card pays", priced(1234, "KWD"), 422, "price.amount"),
    Row("signatures", "none", webhook(), 400, "bad_signature"),
    Row("signatures", "an empty one", webhook(Dinnerkit_Signature=""), 400, "bad_signature"),
    Row("signatures", "of another body", forged(lambda _, body, signature: (body + b" ", signature)), 400, "bad_signature"),
    Row(
        "signatures",
        "with one digit changed",
        forged(lambda _, body, signature: (body, signature[:-1] + ("0" if signature[-1] != "0" else "1"))),
        400,
        "bad_signature",
    ),
    Row("signatures", "cut in half", forged(lambda _, body, signature: (body, signature[: len(signature) // 2])), 400, "bad_signature"),
    Row(
        "signatures",
        "twice in the header, the wrong one first",
        forged(lambda _, body, signature: (body, signature.replace("v1=", "v1=00,v1="))),
        204,
        "",
        "gateway_notifications",
    ),
    Row(
        "signatures",
        "of another version of the scheme",
        forged(lambda _, body, signature: (body, signature.replace("v1=", "v0="))),
        400,
        "bad_signature",
    ),
    Row(
        "signatures",
        "with a time that is no number",
        forged(lambda _, body, signature: (body, "t=now," + signature.partition(",")[2])),
        400,
        "bad_signature",
    ),
    Row(
        "signatures",
        "with a later time than was signed",
        forged(lambda _, body, signature: (body, f"t={int(signature[2:].partition(',')[0]) + 1}," + signature.partition(",")[2])),
        400,
        "bad_signature",
    ),
    Row(
        "signatures",
        "a right one at another gateway",
        lambda stage: stage.send("POST", "/v1/payments/webhooks/stripe", b"{}", "", **named(stage.gateway.sign(b"{}"))),
        404,
        "not_found",
    ),
    Row("signatures", "a right one, and nothing in the body", lambda stage: stage.signed(b"{}"), 422, "invalid"),
    Row("signatures", "an access token signed by another secret", token(secret="another secret " * 3), 401, "bad_token"),
    Row("signatures", "an access token that was cut", token(cut=3), 401, "bad_token"),
    Row("signatures", "a token for another purpose", token("transfer"), 401, "bad_token"),
    Row("signatures", "an access token of a session that is not there", token(), 401, "bad_token"),
    Row("clocks", "a webhook signed ten minutes ago", signed_at(timedelta(minutes=-10)), 400, "bad_signature"),
    Row("clocks", "a webhook signed in ten minutes", signed_at(timedelta(minutes=10)), 400, "bad_signature"),
    Row("clocks", "a webhook signed two minutes ago", signed_at(timedelta(minutes=-2)), 204, "", "gateway_notifications"),
    Row("clocks", "an access token that has expired", token(ends=timedelta(seconds=-1)), 401, "bad_token"),
    Row(
        "clocks", "a dinner that began yesterday, published", published(starts_at="2020-01-01T19:00:00Z"), 409, "event_not_ready", "events"
    ),
    Row("clocks", "a dinner without a zone", draft(starts_at="2027-01-01T19:00:00"), 422, "starts_at"),
    Row("clocks", "on 30 February", draft(starts_at="2027-02-30T19:00:00Z"), 422, "starts_at"),
    Row("clocks", "at 24:61", draft(starts_at="2027-02-03T24:61:00Z"), 422, "starts_at"),
    Row("clocks", "in a leap second", draft(starts_at="2027-06-30T23:59:60Z"), 422, "starts_at"),
    Row("clocks", "in the year 99999", draft(starts_at="99999-01-01T19:00:00Z"), 422, "starts_at"),
    Row("clocks", "at the end of time, west of Greenwich", draft(starts_at="9999-12-31T23:59:59-12:00"), 422, "starts_at"),
    Row("clocks", "at the end of time, east of it", draft(starts_at="9999-12-31T23:59:59Z", timezone="Pacific/Auckland"), 422, "starts_at"),
    Row("clocks", "at its beginning", draft(starts_at="0001-01-01T00:00:00Z", timezone="America/Lima"), 422, "starts_at"),
    Row("clocks", "as a number of seconds", draft(starts_at=1_800_000_000), 422, "starts_at"),
    Row("clocks", "99 hours off Greenwich", draft(starts_at="2027-01-01T19:00:00+99:00"), 422, "starts_at"),
    Row("clocks", "on Mars", draft(timezone="Mars/Olympus"), 422, "timezone"),
    Row("clocks", "in the zone ../../etc/passwd", draft(timezone="../../etc/passwd"), 422, "timezone"),
    Row(
        "clocks",
        "a voucher that ends before it begins",
        voucher(kind="free", valid_from="2027-02-01T00:00:00Z", valid_until="2027-01-01T00:00:00Z"),
        422,
        "valid_until",
    ),
    Row("huge", "a body of a megabyte", of_size(1_000_000), 413, "too_large"),
    Row("huge", "a body that says it has a petabyte", of_size(10, Content_Length=str(10**15)), 413, "too_large"),
    Row("huge", "a length that is no number", of_size(10, Content_Length="ten"), 400),
    Row("huge", "a length below zero", of_size(10, Content_Length="-1"), 400),
    Row("huge", "a megabyte in chunks", chunked(1_000_000), 413, "too_large"),
    Row("huge", "100,000 brackets, one in another", lambda stage: stage.send("POST", "/v1/bookings", b"[" * 100_000), 400, "bad_json"),
    Row("huge", "a number of 100,000 digits", draft_text('"amount": 100', '"amount": ' + "9" * 100_000), 400, "bad_json"),
    Row("huge", "a webhook of a megabyte, rightly signed", lambda stage: stage.signed(b" " * 1_000_000), 413, "too_large"),
    Row("huge", "a title of 10,000 letters", titled("a" * 10_000), 422, "title"),
    Row("huge", "10,000 tags", draft(tags=["x"] * 10_000), 422, "tags"),
    Row(
        "huge",
        "an Idempotency-Key of 256 letters",
        lambda stage: stage.send("POST", "/v1/bookings", {"event_id": stage.event}, Idempotency_Key="k" * 256),
        422,
        "Idempotency-Key",
    ),
    Row("huge", "an address of 100,000 letters", lambda stage: stage.send("GET", "/v1/events?q=" + "a" * 100_000), 414),
    Row("huge", "a header of 100,000 letters", lambda stage: stage.send("GET", "/v1/events", X_Long="a" * 100_000), 431),
    Row("huge", "a password of a megabyte", registered(password="x" * 200_000), 422, "password"),
    Row("Unicode", "a title with half a pair of surrogates", draft_text('"Supper"', '"\\ud800"'), 400, "bad_json"),
    Row("Unicode", "a title with NUL", titled("Sup\0per"), 422, "title"),
    Row("Unicode", "a title of spaces without width", titled("\u200b\u200b"), 422, "title"),
    Row("Unicode", "a title of joiners, of which nothing is seen", titled("\u200c\u200d"), 422, "title"),
    Row("Unicode", "a title that turns the direction", titled("Sup\u202eper"), 422, "title"),
    Row("Unicode", "a description whose second line turns the direction", draft(description="Soup\n\u202e.05€ ylno"), 422, "description"),
    Row("Unicode", "a description that sets a part of it apart", draft(description="Soup \u2067for\u2069 all"), 422, "description"),
    Row("Unicode", "a name that turns the direction", registered(name="A\u202eda"), 422, "name"),
    Row("Unicode", "a description in Hebrew, Thai and Arabic", draft(description="שלום\nกิน\u200bข้าว\n\u200fعشاء"), 201, "", "events"),
    Row("Unicode", "a title with the joiners of Persian and of emoji", titled("می\u200cخواهم 👩🏽\u200d🍳"), 201, "", "events"),
    Row("Unicode", "a title with a line break", titled("Sup\nper"), 422, "title"),
    Row("Unicode", "a title of emoji, and in Arabic", titled("🍜👩🏽‍🍳 عشاء"), 201, "", "events"),
    Row(
        "Unicode",
        "a body that is not UTF-8",
        lambda stage: stage.send("POST", "/v1/events", json.dumps(event()).encode().replace(b"Sup", b"S\xff"), "host"),
        400,
        "bad_json",
    ),
    Row(
        "Unicode",
        "a body in UTF-16",
        lambda stage: stage.send("POST", "/v1/events", json.dumps(event()).encode("utf-16"), "host"),
        400,
        "bad_json",
    ),
    Row("Unicode", "an event's id in Arabic digits", booking(event_id="٠" * 24), 422, "event_id"),
    Row("Unicode", "an event's id in the address", lambda stage: stage.send("GET", "/v1/events/%D9%A0%00"), 404, "not_found"),
    Row("Unicode", "an e-mail address with NUL", registered(email="a\0@example.org"), 422, "email"),
    Row("Unicode", "a voucher in full-width letters", booking(voucher="ＳＵＭＭＥＲ"), 409, "voucher_unknown"),
    Row("Unicode", "a search by city[$ne], which is no name of a filter", lambda stage: stage.send("GET", "/v1/events?city[$ne]=x"), 200),
    Row("Unicode", 'an event\'s id as { "$ne": null }', booking(event_id={"$ne": None}), 422, "event_id"),
    Row("replays", "the same request with its key", with_key(), 201, "replayed", "bookings"),
    Row("replays", "another body with that key", with_key(other={"event_id": "0" * 24}), 422, "idempotency_mismatch", "bookings"),
    Row(
        "replays",
        "another address with that key",
        with_key(other_path="/v1/events/" + "0" * 24 + "/waitlist"),
        422,
        "idempotency_mismatch",
        "bookings",
    ),
    Row("replays", "another guest's key", with_key(other_guest=True), 201, "", "bookings 2"),
    Row("replays", "the same booking without a key", booked_twice, 409, "already_booked", "bookings"),
    Row("replays", "a payment again", paid_twice, 409, "already_confirmed", "bookings, payments"),
    Row("replays", "a cancellation again", cancelled_twice, 200, "", "bookings"),
    Row("replays", "a webhook again", webhook_twice, 204, "", "gateway_notifications"),
    Row("replays", "a ticket again", ticket_twice, 409, "already_checked_in", "bookings, payments"),
]


@pytest.fixture(scope="module")
def stage(mongo_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    folder = tmp_path_factory.mktemp("served")
    settings = settings_for_tests(with_database(mongo_url, f"test-{uuid4().hex}"), folder)
    with Kit.open(Settings(**settings)) as kit:
        kit.ensure_indexes()
        [host, guest] = kit.service(AccountService).import_users(
            [NewUser(email="host@example.org", name="Hanna", role=Role.ADMIN), NewUser(email="guest@example.org", name="Gina")]
        )
        tokens = bearer_tokens(kit, [host, guest])
        server = Server(settings, folder, "--workers", "1", "--no-work")
        yield Stage(kit, server.address, host_dinner(kit, seats=40), {"host": tokens[host], "guest": tokens[guest]})
        assert server.stop() == 0
        kit.database.client.drop_database(kit.database.name)


def told(answer: Answer) -> str:
    """The code of a problem, or the one field that it names."""
    if answer.headers.get("idempotent-replayed"):
        return "replayed"
    if answer.status < 400 or not isinstance(answer.body, dict):
        return ""
    fields = [error["field"] for error in answer.body.get("errors", ())]
    code = str(answer.body["code"])
    return fields[0] if fields and code in {"invalid", "validation_error"} else code


@pytest.mark.parametrize("row", TABLE, ids=lambda row: f"{row.sort}: {row.tried}")
def test_what_nobody_should_send_is_answered_and_leaves_nothing_behind(stage: Stage, row: Row) -> None:
    before = stage.rows()
    answer = row.send(stage)
    assert (answer.status, told(answer)) == (row.status, row.told)
    if row.status >= 400 and isinstance(answer.body, dict):
        assert answer.headers["content-type"] == "application/problem+json"
        assert "Traceback" not in json.dumps(answer.body)
    made = {name: count - before[name] for name, count in stage.rows().items() if count != before[name]}
    wanted = {name: int(count or 1) for name, _, count in (part.strip().partition(" ") for part in row.makes.split(",") if part)}
    assert made == wanted
    assert stage.send("GET", "/health/live", who="").status == 200

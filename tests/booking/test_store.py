from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pymongo.database import Database

from dinnerkit.booking.documents import BookingDocument
from dinnerkit.booking.messages import BookingConfirmed
from dinnerkit.booking.rules import STATUSES
from dinnerkit.booking.store import Booking, BookingStore
from dinnerkit.events.rules import RefundPolicy
from dinnerkit.ids import new_id
from dinnerkit.money import Money
from dinnerkit.storage import collection, to_row

NOW = datetime(2026, 11, 26, 12, 0, tzinfo=UTC)
moments = st.integers(0, 10**10).map(lambda millis: NOW + timedelta(milliseconds=millis))
amounts = st.integers(0, 10**9).map(lambda cents: Money(cents, "EUR"))
ids = st.builds(new_id)
texts = st.sampled_from(["Soup and strangers", "Zoë's 食堂", "."])
places = {"name": texts, "address": texts, "location": st.just({"type": "Point", "coordinates": [11.5, 48.1]})}
snapshots = st.fixed_dictionaries(
    {"title": texts, "starts_at": moments, "timezone": st.just("Europe/Berlin"), "city": texts, "venue": st.fixed_dictionaries(places)}
)
policies = st.builds(
    RefundPolicy, st.integers(0, 99), st.integers(0, 100), st.integers(0, 99), st.none() | st.integers(0, 9), st.booleans()
)
bookings = st.builds(
    Booking,
    id=ids,
    event=ids,
    user=ids,
    guests=st.integers(1, 20),
    status=st.sampled_from(sorted(STATUSES)),
    hold=ids,
    amount=amounts,
    refund_policy=policies,
    about=snapshots,
    created_at=moments,
    expires_at=st.none() | moments,
    payment=st.none() | ids,
    voucher=st.none() | ids,
    discount=st.none() | amounts,
    transferred_from=st.none() | ids,
    deposit=st.none() | amounts.filter(lambda money: money.amount > 0),
    deposit_due_at=st.none() | moments,
    free_until=st.none() | moments,
    booked_at=st.none() | moments,
)


@settings(max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture])  # each booking has an id of its own
@given(booking=bookings, told=st.booleans())
def test_a_new_booking_is_stored_in_the_shape_that_its_document_class_says(
    database: Database[dict[str, Any]], booking: Booking, told: bool
) -> None:
    message = BookingConfirmed(booking_id=booking.id, event_id=booking.event, user_id=booking.user)
    BookingStore(database, lambda: NOW).insert(booking, *[message] * told)

    row = collection(database, BookingDocument).find_one({"_id": booking.id})

    assert row is not None
    assert to_row(BookingDocument._from_son(row)) == row
    found = BookingStore(database, lambda: NOW).find(booking.id)
    due = {"remind_at": row.get("remind_at"), "ask_at": row.get("ask_at")}
    assert found == Booking(**{name: getattr(booking, name) for name in Booking.__dataclass_fields__} | due)
    assert ("ask_at" in row, len(row["outbox"])) == (booking.status == "confirmed", told)

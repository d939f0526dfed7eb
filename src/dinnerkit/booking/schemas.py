"""The requests and answers of the booking routes."""

from __future__ import annotations

from typing import Any

from marshmallow import fields, validate

from dinnerkit.accounts.rules import LONGEST_EMAIL, LONGEST_TAG, MOST_TAGS
from dinnerkit.accounts.secrecy import LONGEST_TOKEN
from dinnerkit.booking.companions import LONGEST_NAME
from dinnerkit.booking.rules import SETTLED, STATUSES
from dinnerkit.booking.tickets import LONGEST_TICKET
from dinnerkit.events.schemas import RefundPolicySchema
from dinnerkit.http.fields import IdField, MomentField, SecretField, TextField, WholeField
from dinnerkit.http.schemas import MoneyField, StrictSchema
from dinnerkit.vouchers.rules import LONGEST_CODE

MAX_PARTY = 20
"""The most guests of one booking."""


def _code(**options: Any) -> TextField:
    return TextField(LONGEST_CODE, metadata={"description": "The code of a voucher, in any case of letters."}, **options)


class NewBookingSchema(StrictSchema):
    event_id = IdField(required=True)
    guests = WholeField(1, MAX_PARTY, load_default=1)
    voucher = _code(load_default=None, allow_none=True)


class DiscountSchema(StrictSchema):
    voucher = _code(required=True)


class PaySchema(StrictSchema):
    payment_method = TextField(100, required=True, metadata={"description": "The gateway's name of a payment method."})


class PartySchema(StrictSchema):
    guests = WholeField(1, MAX_PARTY, load_default=1)
    voucher = _code(load_default=None, allow_none=True)


class BookedEventSchema(StrictSchema):
    title = fields.String(required=True)
    starts_at = MomentField(required=True)
    timezone = fields.String(required=True)
    city = fields.String(required=True)
    venue = fields.Dict(required=True, metadata={"description": "As the event has it."})


class NamedBroughtSchema(StrictSchema):
    name = fields.String(required=True)
    diets = fields.List(fields.String(), required=True)
    answered = fields.Boolean(required=True, metadata={"description": "Whether they told about themselves by their private link."})


class BookingSchema(StrictSchema):
    id = IdField(required=True)
    event_id = IdField(required=True)
    guests = fields.Integer(required=True)
    status = fields.String(required=True, validate=validate.OneOf(sorted(STATUSES)))
    amount = MoneyField(required=True, metadata={"description": "What is to be paid, less the discount; the deposit is a part of it."})
    deposit = MoneyField(required=True, allow_none=True, metadata={"description": "Of all seats."})
    deposit_outcome = fields.String(
        required=True,
        allow_none=True,
        validate=validate.OneOf(("held", "returned", "kept")),
        metadata={"description": "What becomes of a deposit that was paid: given back at check-in, kept from those who don't come."},
    )
    discount = MoneyField(required=True, allow_none=True, metadata={"description": "What a voucher takes off."})
    expires_at = MomentField(required=True, allow_none=True, metadata={"description": "When it ends unless it is confirmed."})
    created_at = MomentField(required=True)
    companions = fields.List(
        fields.Nested(NamedBroughtSchema),
        required=True,
        metadata={"description": "Those of the party who were named, without its guest."},
    )
    offered_to = fields.String(
        required=True,
        allow_none=True,
        metadata={"description": "The address to which its guest offers the seats, until they are taken."},
    )
    refund_policy = fields.Nested(RefundPolicySchema, required=True, metadata={"description": "As it was when it was booked."})
    terms = fields.String(required=True, metadata={"description": "The same in words, for people."})
    refund = MoneyField(required=True, allow_none=True, metadata={"description": "What a cancellation gives back by now."})
    refund_if_resold = MoneyField(
        required=True, allow_none=True, metadata={"description": "What it gives back in all once its seats are sold again."}
    )
    cancelled_by = fields.String(required=True, allow_none=True, validate=validate.OneOf(("guest", "host", "payment")))
    free_cancellation_until = MomentField(
        required=True, allow_none=True, metadata={"description": "Until then all money comes back: the host has moved the dinner."}
    )
    position = fields.Integer(required=True, allow_none=True, metadata={"description": "On the waiting list, from 1, while it waits."})
    event = fields.Nested(BookedEventSchema, required=True)


class BroughtSchema(StrictSchema):
    name = TextField(LONGEST_NAME, required=True)
    diets = fields.List(TextField(LONGEST_TAG), load_default=list, validate=validate.Length(max=MOST_TAGS))


class PartyMembersSchema(StrictSchema):
    companions = fields.List(
        fields.Nested(BroughtSchema), required=True, validate=validate.Length(max=MAX_PARTY - 1), metadata={"description": "Without me."}
    )


class PrivateLinkSchema(StrictSchema):
    token = fields.String(required=True)
    url = fields.String(required=True, metadata={"description": "The page that asks them, for me to pass on."})
    expires_at = MomentField(required=True)


class TransferSchema(StrictSchema):
    email = TextField(LONGEST_EMAIL, required=True, metadata={"description": "To whom the seats are offered."})


class TransferTokenSchema(StrictSchema):
    token = SecretField(LONGEST_TOKEN, required=True, metadata={"description": "From the link in the mail."})


class ActionRequiredSchema(BookingSchema):
    client_secret = fields.String(required=True, allow_none=True, metadata={"description": "With which the guest's browser authenticates."})


class PlaceInLineSchema(StrictSchema):
    event_id = IdField(required=True)
    position = fields.Integer(required=True, metadata={"description": "From 1."})


class StatementQuery(StrictSchema):
    since = MomentField(data_key="from", metadata={"description": "The earliest; by default everything."})
    until = MomentField(data_key="to", metadata={"description": "Where it ends; itself left out. By default now."})


class TicketSchema(StrictSchema):
    ticket = TextField(LONGEST_TICKET, required=True, metadata={"description": "As it was scanned; in any case of letters."})
    at = MomentField(
        load_default=None, allow_none=True, metadata={"description": "When it was scanned, by a device that had no connection then."}
    )


class AttendanceSchema(StrictSchema):
    came = fields.Boolean(required=True, truthy={True}, falsy={False})
    at = MomentField(
        load_default=None, allow_none=True, metadata={"description": "When they came, told by a device that had no connection then."}
    )


class ArrivalSchema(StrictSchema):
    booking_id = IdField(required=True)
    name = fields.String(required=True, allow_none=True)
    guests = fields.Integer(required=True)
    status = fields.String(required=True, validate=validate.OneOf(sorted(SETTLED)))
    checked_in_at = MomentField(required=True, allow_none=True)
    ticket_digest = fields.String(
        required=True, metadata={"description": "SHA-256 of the ticket in capitals, in hex: so a scanner without a connection knows it."}
    )


class ArrivalsSchema(StrictSchema):
    items = fields.List(fields.Nested(ArrivalSchema), required=True)

"""The requests and answers of the voucher routes."""

from __future__ import annotations

from typing import Any

from marshmallow import fields, post_load

from dinnerkit.http.fields import FlagField, IdField, MomentField, TextField, WholeField
from dinnerkit.http.schemas import MoneyField, StrictSchema
from dinnerkit.vouchers.rules import LONGEST_CODE, MOST_USES, SHORTEST_CODE, Kind, Terms


class NewVoucherSchema(StrictSchema):
    code = TextField(
        LONGEST_CODE,
        load_default=None,
        allow_none=True,
        metadata={"description": f"From {SHORTEST_CODE} letters and digits; spaces and dashes don't count. Without it one is made up."},
    )
    kind = fields.Enum(Kind, by_value=fields.String, required=True)
    percent = WholeField(
        1, 100, load_default=None, allow_none=True, metadata={"description": "Of the price; a part of a minor unit is rounded up."}
    )
    amount = MoneyField(load_default=None, allow_none=True, metadata={"description": "Off the whole booking."})
    event_id = IdField(load_default=None, allow_none=True, metadata={"description": "The only event it is good for; else for all of mine."})
    everywhere = FlagField(load_default=False, metadata={"description": "Good for everybody's events: for admins."})
    max_uses = WholeField(1, MOST_USES, load_default=MOST_USES, metadata={"description": "Bookings that have it at a time."})
    per_guest = WholeField(1, MOST_USES, load_default=1, metadata={"description": "The same for one guest."})
    minimum = MoneyField(load_default=None, allow_none=True, metadata={"description": "What the seats must cost without it."})
    valid_from = MomentField(load_default=None, allow_none=True)
    valid_until = MomentField(load_default=None, allow_none=True)

    @post_load
    def _value(self, data: dict[str, Any], **_: Any) -> dict[str, Any]:
        code, everywhere, event = data.pop("code"), data.pop("everywhere"), data.pop("event_id")
        return {"code": code, "everywhere": everywhere, "terms": Terms(event=event, **data)}


class VoucherSchema(StrictSchema):
    id = IdField(required=True)
    code = fields.String(required=True)
    kind = fields.Enum(Kind, by_value=fields.String, required=True)
    percent = fields.Integer(required=True, allow_none=True)
    amount = MoneyField(required=True, allow_none=True)
    event_id = IdField(required=True, allow_none=True)
    everywhere = fields.Boolean(required=True)
    max_uses = fields.Integer(required=True)
    per_guest = fields.Integer(required=True)
    used = fields.Integer(required=True, metadata={"description": "Bookings that have it now, those that are held included."})
    minimum = MoneyField(required=True, allow_none=True)
    valid_from = MomentField(required=True, allow_none=True)
    valid_until = MomentField(required=True, allow_none=True)
    stopped_at = MomentField(required=True, allow_none=True)
    created_at = MomentField(required=True)

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from marshmallow import ValidationError, fields

from dinnerkit.clock import to_millis
from dinnerkit.http.fields import FlagField, IdField, MomentField, SecretField, TextField, WholeField, currencies, moment_text
from dinnerkit.http.public_answers import encode
from dinnerkit.http.schemas import MoneySchema, PageQuery, StrictSchema, page_schema
from dinnerkit.ids import new_id
from dinnerkit.money import Money

EARLIEST = datetime(1, 1, 2)  # noqa: DTZ001 - hypothesis wants its bounds naive


@pytest.mark.parametrize(
    "value",
    [
        "",
        "   ",
        "a\x00b",
        "a\nb",
        "\x85",
        "a\ud800",
        "\u200b",
        "a\u202eb",
        "\u2066a",
        "a\ufeff",
        "a\u2028b",
        "\u00ad\u200d",
        "a" * 11,
        "a" * 10 + " ",
        7,
        None,
        ["a"],
    ],
)
def test_text_refuses_what_is_blank_long_or_unprintable(value: Any) -> None:
    with pytest.raises(ValidationError):
        TextField(10, required=True).deserialize(value)


@pytest.mark.parametrize(
    ("value", "kept"),
    [(" a ", "a"), ("Zoë 🍜", "Zoë 🍜"), ("می\u200cخواهم", "می\u200cخواهم"), ("👩🏽\u200d🍳", "👩🏽\u200d🍳"), ("a" * 10, "a" * 10)],
)
def test_text_is_kept_without_the_spaces_around_it(value: str, kept: str) -> None:
    assert TextField(10).deserialize(value) == kept


def test_text_of_several_lines_or_none_is_allowed_where_asked_for() -> None:
    assert TextField(10, lines=True).deserialize("a\nb\tc") == "a\nb\tc"
    assert TextField(10, lines=True).deserialize("a\r\n\u200bb\u200f") == "a\r\n\u200bb\u200f"
    assert TextField(10, blank=True).deserialize(" ") == ""
    for wrong in ("a\x07", "a\nb\u202ec", "\u2066a\u2069", "\ufff9a"):
        with pytest.raises(ValidationError):
            TextField(10, lines=True).deserialize(wrong)


def test_a_secret_is_taken_as_it_is() -> None:
    assert SecretField(10).deserialize(" a\n ") == " a\n "
    for wrong in ("", "a" * 11, "a\x00", "\ud800"):
        with pytest.raises(ValidationError):
            SecretField(10).deserialize(wrong)


def test_an_id_has_the_shape_of_an_id() -> None:
    known = new_id()
    assert IdField().deserialize(known) == known
    for wrong in ("", known[1:], f"{known}\n", known.upper(), "i" * 24, 5):
        with pytest.raises(ValidationError):
            IdField().deserialize(wrong)


@pytest.mark.parametrize("value", [True, "5", 4.5, 0, 11, None, 2**70, 1e300])
def test_a_whole_number_is_not_merely_alike(value: Any) -> None:
    with pytest.raises(ValidationError):
        WholeField(1, 10).deserialize(value)


def test_a_whole_number_may_be_written_with_a_point_as_in_json_schema() -> None:
    assert type(WholeField(1, 10).deserialize(5.0)) is int


@pytest.mark.parametrize("value", ["", "5.0", " 5", "+5", "1_0", "٥", "0", "11", "9" * 30])
def test_a_whole_number_in_a_query_is_plain_digits(value: str) -> None:
    with pytest.raises(ValidationError):
        WholeField(1, 10, text=True).deserialize(value)
    assert WholeField(-5, 10, text=True).deserialize("-5") == -5


def test_a_flag_is_true_or_false() -> None:
    assert FlagField().deserialize(True) is True
    for wrong in (1, 0, "true", "yes"):
        with pytest.raises(ValidationError):
            FlagField().deserialize(wrong)


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-12-24T18:00:00Z", datetime(2026, 12, 24, 18, tzinfo=UTC)),
        ("2026-12-24t18:00:00z", datetime(2026, 12, 24, 18, tzinfo=UTC)),
        ("2026-12-24T18:00:00.123456+01:30", datetime(2026, 12, 24, 16, 30, 0, 123000, tzinfo=UTC)),
        ("2026-12-24T18:00:00.5-11:00", datetime(2026, 12, 25, 5, 0, 0, 500000, tzinfo=UTC)),
    ],
)
def test_a_moment_comes_in_with_any_offset_and_is_utc(text: str, moment: datetime) -> None:
    assert MomentField().deserialize(text) == moment


@pytest.mark.parametrize(
    "text",
    ["2026-12-24", "2026-12-24T18:00:00", "2026-12-24 18:00:00Z", "2026-13-01T00:00:00Z", "20261224T180000Z", "0001-01-01T00:00:00+14:00",
     "2026-12-24T25:00:00Z", "2026-12-24T18:00:00+0100", 1_700_000_000, None, "２026-12-24T18:00:00Z"],
)  # fmt: skip
def test_a_moment_without_an_offset_or_out_of_this_world_is_refused(text: Any) -> None:
    with pytest.raises(ValidationError):
        MomentField().deserialize(text)


@given(st.datetimes(EARLIEST, timezones=st.just(timezone(timedelta(hours=2)))))
def test_a_moment_goes_out_the_same_way_everywhere_and_comes_back(moment: datetime) -> None:
    moment = to_millis(moment)

    text = moment_text(moment)

    assert text.endswith("Z")
    assert MomentField().deserialize(text) == moment
    assert orjson.loads(encode([moment]).body) == [text]
    assert MomentField().serialize("at", {"at": moment}) == text


def test_money_loads_to_money_and_dumps_to_its_shape() -> None:
    shape = {"amount": 3500, "currency": "EUR"}

    assert MoneySchema().load(shape) == Money(3500, "EUR")
    assert MoneySchema().dump(Money(3500, "EUR")) == shape


@pytest.mark.parametrize(
    "value",
    [
        {"amount": -1, "currency": "EUR"},
        {"amount": 35.5, "currency": "EUR"},
        {"amount": "35", "currency": "EUR"},
        {"amount": 10**13, "currency": "EUR"},
        {"amount": 35, "currency": "eur"},
        {"amount": 35, "currency": "DEM"},
        {"amount": 35, "currency": "XXX"},
        {"amount": 35},
        {"amount": 35, "currency": "EUR", "cents": 1},
        3500,
    ],
)
def test_money_of_another_shape_is_refused(value: Any) -> None:
    with pytest.raises(ValidationError):
        MoneySchema().load(value)


def test_the_currencies_are_those_of_today() -> None:
    assert {"EUR", "USD", "JPY", "KWD"} <= set(currencies())
    assert not {"DEM", "XXX", "XTS"} & set(currencies())


def test_a_page_has_items_and_the_next_cursor() -> None:
    class DishSchema(StrictSchema):
        name = fields.String(required=True)

    page = page_schema(DishSchema)

    assert page is page_schema(DishSchema)
    assert page.__name__ == "DishPageSchema"
    assert page().dump({"items": [{"name": "Soup"}], "next": None}) == {"items": [{"name": "Soup"}], "next": None}


def test_a_query_for_a_page_has_defaults_and_bounds() -> None:
    assert PageQuery().load({}) == {"limit": 20, "cursor": None}
    for wrong in ({"limit": "0"}, {"limit": "101"}, {"cursor": ""}, {"page": "1"}):
        with pytest.raises(ValidationError):
            PageQuery().load(wrong)

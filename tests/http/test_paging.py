from __future__ import annotations

import base64
from datetime import UTC, datetime
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dinnerkit.clock import to_millis
from dinnerkit.http.paging import BadCursor, decode_cursor, encode_cursor

EARLIEST = datetime(1, 1, 2)  # noqa: DTZ001 - hypothesis wants its bounds naive

values = st.one_of(
    st.integers(-(2**63), 2**63 - 1),
    st.text(max_size=20),
    st.booleans(),
    st.floats(allow_nan=False, allow_infinity=False),
    st.datetimes(EARLIEST, timezones=st.just(UTC)).map(to_millis),
)


@given(st.lists(values, min_size=1, max_size=3))
def test_what_was_encoded_comes_back(found: list[Any]) -> None:
    assert decode_cursor(encode_cursor(*found), *[type(value) for value in found]) == tuple(found)


@given(st.text(max_size=600))
def test_garbage_is_a_bad_cursor_and_nothing_worse(text: str) -> None:
    with pytest.raises(BadCursor):
        decode_cursor(text, datetime, str)


@given(st.recursive(st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.text(), st.lists, max_leaves=5))
def test_json_of_another_shape_is_a_bad_cursor(value: Any) -> None:
    try:
        text = base64.urlsafe_b64encode(orjson.dumps(value)).decode()
    except TypeError:  # beyond 64 bits
        return
    if isinstance(value, list) and [type(item) for item in value] == [int, str]:
        return
    with pytest.raises(BadCursor):
        decode_cursor(text, int, str)


def test_a_cursor_of_another_list_is_a_bad_cursor() -> None:
    with pytest.raises(BadCursor) as caught:
        decode_cursor(encode_cursor("a", 1), int, str)
    assert caught.value.details["fields"].keys() == {"cursor"}


@pytest.mark.parametrize("number", [2**63, 10**17])
def test_numbers_that_no_database_or_calendar_holds_are_bad_cursors(number: int) -> None:
    with pytest.raises(BadCursor):
        decode_cursor(base64.urlsafe_b64encode(orjson.dumps([number])).decode(), int if number == 2**63 else datetime)

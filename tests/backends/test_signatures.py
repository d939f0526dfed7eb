from __future__ import annotations

import hmac

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dinnerkit.backends.signatures import TOLERANCE_SECONDS, sign, verify
from dinnerkit.ports.gateway import BadSignature

SECRET = "whsec_test"
NOW = 1_800_000_000


@given(body=st.binary(max_size=200), secret=st.text(min_size=1), age=st.integers(-TOLERANCE_SECONDS, TOLERANCE_SECONDS))
def test_what_was_signed_passes_within_the_tolerance(body: bytes, secret: str, age: int) -> None:
    verify([secret], body, sign(secret, body, NOW), NOW + age)


def test_the_scheme_is_stripes() -> None:
    digest = hmac.new(b"whsec_test", b'1800000000.{"id": "evt_1"}', "sha256").hexdigest()
    assert sign(SECRET, b'{"id": "evt_1"}', NOW) == f"t=1800000000,v1={digest}"
    verify([SECRET], b'{"id": "evt_1"}', f"t=1800000000, v0=abc, v1={'0' * 64}, v1={digest}", NOW)


@given(body=st.binary(max_size=50), other=st.binary(max_size=50))
def test_another_body_does_not_pass(body: bytes, other: bytes) -> None:
    if body != other:
        with pytest.raises(BadSignature, match="wrong"):
            verify([SECRET], other, sign(SECRET, body, NOW), NOW)


def test_while_the_secret_is_changed_what_either_signed_passes() -> None:
    for secret in ("whsec_new", "whsec_old"):
        verify(["whsec_new", "whsec_old"], b"{}", sign(secret, b"{}", NOW), NOW)
    with pytest.raises(BadSignature, match="wrong"):
        verify(["whsec_new"], b"{}", sign("whsec_old", b"{}", NOW), NOW)


def test_another_secret_does_not_pass() -> None:
    with pytest.raises(BadSignature, match="wrong"):
        verify([SECRET], b"{}", sign("whsec_other", b"{}", NOW), NOW)


def test_another_time_than_the_one_signed_does_not_pass() -> None:
    header = sign(SECRET, b"{}", NOW).replace(str(NOW), str(NOW + 1))
    with pytest.raises(BadSignature, match="wrong"):
        verify([SECRET], b"{}", header, NOW)


@pytest.mark.parametrize("age", [TOLERANCE_SECONDS + 1, -TOLERANCE_SECONDS - 1, 10**9])
def test_what_is_too_old_or_from_the_future_does_not_pass(age: int) -> None:
    with pytest.raises(BadSignature, match="too old"):
        verify([SECRET], b"{}", sign(SECRET, b"{}", NOW), NOW + age)


@pytest.mark.parametrize(
    "header",
    [
        "",
        "nonsense",
        "t=,v1=",
        f"t={NOW}",
        f"v1={'0' * 64}",
        f"t=-5,v1={'0' * 64}",
        f"t=1e9,v1={'0' * 64}",
        f"t={'9' * 5000},v1={'0' * 64}",
        f"t=１８０００００００0,v1={'0' * 64}",  # full-width digits, which int() would take
        f"t={NOW},v1=ÿþ",
        f"t={NOW},v1=\udcff",
        "," * 100_000,
    ],
)
def test_what_is_no_signature_does_not_pass(header: str) -> None:
    with pytest.raises(BadSignature):
        verify([SECRET], b"{}", header, NOW)


@given(header=st.text(max_size=200))
def test_no_header_breaks_it(header: str) -> None:
    with pytest.raises(BadSignature):
        verify([SECRET], b"{}", header, NOW)


def test_a_signature_behind_the_tenth_part_is_not_looked_for() -> None:
    real = sign(SECRET, b"{}", NOW)
    with pytest.raises(BadSignature):
        verify([SECRET], b"{}", "x=y," * 10 + real, NOW)

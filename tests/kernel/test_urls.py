from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dinnerkit.errors import SettingError
from dinnerkit.ports.urls import mask_url, parse_url


def test_a_url_comes_apart() -> None:
    url = parse_url("sqlite:///var/q.db?timeout=5&empty=")
    assert (url.scheme, url.location, url.options) == ("sqlite", "/var/q.db", {"timeout": "5", "empty": ""})
    assert url.path == Path("/var/q.db")
    assert parse_url("mongodb+srv://host/name").scheme == "mongodb+srv"
    assert parse_url("memory://").options == {}


def test_a_path_may_be_relative_of_the_home_or_quoted(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", "/home/ada")
    assert parse_url("sqlite://q.db").path == tmp_path / "q.db"
    assert parse_url("sqlite://~/q.db").path == Path("/home/ada/q.db")
    assert parse_url("sqlite:///my%20data/q.db").path == Path("/my data/q.db")


@pytest.mark.parametrize("url", ["", "memory", "memory:", "://x", "1a://x", "Memory://", "memory:// x#y", "a b://c"])
def test_what_is_no_url_is_refused(url: str) -> None:
    with pytest.raises(SettingError, match="is not a backend URL"):
        parse_url(url)


def test_options_that_nobody_knows_are_refused_with_those_that_are() -> None:
    url = parse_url("sandbox://x?webhook_delay=1")
    assert url.only("webhook_delay", "secret") is url
    with pytest.raises(SettingError, match=r"sandbox:// has no option 'webhook_delay' \(allowed: secret\)"):
        url.only("secret")
    with pytest.raises(SettingError, match=r"\(allowed: none\)"):
        url.only()


@pytest.mark.parametrize(
    ("url", "masked"),
    [
        ("mongodb://ada:pw@host/name", "mongodb://ada:***@host/name"),
        ("redis://:pw@host/1", "redis://:***@host/1"),
        ("mongodb://ada:p:w@host", "mongodb://ada:***@host"),
        ("mongodb://ada:p@w@host", "mongodb://ada:***@host"),
        ("mongodb://ada:p@host?password=x&a=1", "mongodb://ada:***@host?password=***&a=1"),
        ("stripe://?api_key=sk_1&webhook_secret=w&Token=t", "stripe://?api_key=***&webhook_secret=***&Token=***"),
        ("redis://:pa/ss@host/1", "redis://:***@host/1"),
        ("redis://ada:p?a=b@host/1", "redis://ada:***@host/1"),
        ("redis://:pa#ss@host/1", "redis://:***@host/1"),
        ("redis://ada:p@ss?word@host/1", "redis://ada:***@host/1"),
        ("redis:/:pa/ss@host", "redis:***@host"),
        ("redis://a/d:pass@host", "redis://***@host"),
        ("redis://ada@host/1", "redis://ada@host/1"),
        ("disk:///var/ada@home/cache", "disk:///var/ada@home/cache"),
        ("memory://", "memory://"),
        ("mongodb://host:27017/name", "mongodb://host:27017/name"),
    ],
)
def test_passwords_and_secrets_are_masked(url: str, masked: str) -> None:
    assert mask_url(url) == masked


@pytest.mark.parametrize("url", ["redis://:pa/qq@host/1", "redis://ada:p?qq@host", "redis://:pa#qq@host", "redis://ada:12/qq?a@b@host"])
def test_credentials_with_a_sign_that_ends_them_are_refused_and_not_shown(url: str) -> None:
    with pytest.raises(SettingError, match="percent-encode") as caught:
        parse_url(url)
    assert "qq" not in caught.value.message
    assert "host" not in caught.value.message


def test_a_path_may_have_the_signs_of_credentials() -> None:
    assert parse_url("disk:///a:b/c@d").location == "/a:b/c@d"
    assert parse_url("mongodb://host:27017/name?appName=a@b").options == {"appName": "a@b"}
    assert parse_url("mongodb://a:1,b:2/name?appName=a@b").options == {"appName": "a@b"}
    assert parse_url("mongodb://ada:pw@host/name?appName=a@b").options == {"appName": "a@b"}


def test_a_plus_in_an_option_is_a_plus() -> None:
    assert parse_url("redis://h?sentinel_password=a+b%20c&x+y=1").options == {"sentinel_password": "a+b c", "x+y": "1"}


@given(password=st.text(st.characters(codec="ascii", categories=["L", "N"]), min_size=6, max_size=20))
def test_no_password_is_left(password: str) -> None:
    for url in (
        f"a://user:{password}@host/x",
        f"a://:{password}@host",
        f"a://:/{password}@host",
        f"a://user:?{password}#@host",
        f"a://h/x?secret={password}",
        f"a://h/x?b=1&my_password={password}",
    ):
        assert password not in mask_url(url).replace("user", "").replace("secret", "").replace("my_password", "")

"""What a deployer writes: a URL, and clear words where it is wrong."""

from __future__ import annotations

import pytest

from dinnerkit.errors import SettingError
from dinnerkit.ports.urls import mask_url
from dinnerkit_elasticsearch import open_search
from dinnerkit_elasticsearch.urls import ElasticsearchUrl, parse


def test_all_that_can_be_said() -> None:
    found = parse(
        "elasticsearch+https://anna:p%40ss@a.example:9201,[::1]?ca=/etc/ca.pem&timeout_ms=500&prefix=ours&sniff=no&shards=3&refresh_ms=50"
    )
    hosts = (("a.example", 9201), ("::1", 9200))
    assert found == ElasticsearchUrl("https", hosts, "anna", "p@ss", None, "/etc/ca.pem", 0.5, False, "ours", 3, 50)


def test_what_is_not_said_has_defaults() -> None:
    usual = (None, "", None, "", 0.25)
    assert parse("elasticsearch://") == ElasticsearchUrl("http", (("127.0.0.1", 9200),), *usual, False, "dinnerkit", 1, 1000)
    assert parse("elasticsearch://a,b").sniff


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("elasticsearch://u:hidden@a:b", "is not HOST or HOST:PORT"),
        ("elasticsearch://u:hidden@a:65536", "is not HOST or HOST:PORT"),
        ("elasticsearch://u:hidden@a/index", "is not HOST or HOST:PORT"),
        ("elasticsearch://u:hidden@a?timeout_ms=soon", "timeout_ms is a whole number from 10 to 60000"),
        ("elasticsearch://u:hidden@a?shards=0", "shards is a whole number from 1 to 100"),
        ("elasticsearch://u:hidden@a?prefix=A", "prefix is 1 to 40"),
        ("elasticsearch://u:hidden@a?prefix=a.b", "prefix is 1 to 40"),
        ("elasticsearch://u:hidden@a?sniff=1", "sniff is yes or no"),
        ("elasticsearch://u:hidden@a?ca=x", "does not encrypt"),
        ("elasticsearch+https://u:hidden@a?api_key=x", "either a name and password or an api_key"),
        ("elasticsearch://u:hidden@a?index=x", "has no option 'index'"),
    ],
)
def test_what_is_wrong_is_said_without_the_password(url: str, words: str) -> None:
    with pytest.raises(SettingError) as caught:
        open_search(url)
    assert words in caught.value.message
    assert "hidden" not in caught.value.message


def test_a_key_is_masked_where_settings_are_shown() -> None:
    assert "hidden" not in mask_url("elasticsearch+https://a?api_key=hidden")
    assert "hidden" not in repr(parse("elasticsearch+https://a?api_key=hidden"))

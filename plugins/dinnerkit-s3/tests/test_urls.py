"""What a URL says, and what it must not say."""

from __future__ import annotations

import pytest

from dinnerkit.errors import SettingError
from dinnerkit.ports.urls import mask_url
from dinnerkit_s3 import open_media
from dinnerkit_s3.urls import parse


def test_the_least_is_a_bucket():
    found = parse("s3://photos")
    assert (found.bucket, found.prefix, found.key_id, found.secret, found.endpoint, found.region) == ("photos", "", None, None, None, None)
    assert (found.direct, found.public, found.connections) == (False, None, 50)


def test_all_of_it():
    found = parse(
        "s3://AKIA:a%2Fb%2Bc@our.photos/dinners/2026/?endpoint=http://[::1]:9000/&region=eu-central-1&direct=yes"
        "&public=https://cdn.example.org:8443/p/&ca=/etc/ca.pem&connections=7"
    )
    assert (found.key_id, found.secret) == ("AKIA", "a/b+c")
    assert (found.bucket, found.prefix) == ("our.photos", "dinners/2026/")
    assert (found.endpoint, found.region, found.direct) == ("http://[::1]:9000", "eu-central-1", True)
    assert (found.public, found.ca, found.connections) == ("https://cdn.example.org:8443/p", "/etc/ca.pem", 7)


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("s3://", "names no bucket"),
        ("s3://Photos", "names no bucket"),
        ("s3:///prefix", "names no bucket"),
        ("s3://photos/../other", "a prefix is of"),
        ("s3://photos/Dinners", "a prefix is of"),
        ("s3://photos//a", "a prefix is of"),
        (f"s3://photos/{'a' * 101}", "at most 100 characters"),
        ("s3://hunter22@photos", "without its secret"),
        ("s3://:hunter22@photos", "without its secret"),
        ("s3://AKIA:hunter22/x@photos", "percent-encode"),
        ("s3://photos?endpoint=ftp://x", "endpoint is an address"),
        ("s3://photos?endpoint=https://", "endpoint is an address"),
        ("s3://photos?endpoint=https://x/path", "endpoint is an address"),
        ("s3://photos?endpoint=https://x:99999999", "endpoint is an address"),
        ("s3://photos?endpoint=https://x:y", "endpoint is an address"),
        ("s3://photos?public=https://ada:hunter22@x", "public is an address|should not have|percent-encode"),
        ("s3://photos?public=https://x;script-src%20*", "public is an address"),
        ("s3://photos?public=javascript:alert(1)", "public is an address"),
        ("s3://photos?region=Berlin%20Mitte", "region is a name"),
        ("s3://photos?direct=maybe", "direct is yes or no"),
        ("s3://photos?connections=0", "connections is a number"),
        ("s3://photos?timeout=3", "has no option 'timeout'"),
    ],
)
def test_what_makes_no_sense_is_refused_in_words_without_the_secret(url: str, words: str):
    with pytest.raises(SettingError, match=words) as caught:
        open_media(url)
    assert "hunter22" not in caught.value.message


def test_a_url_is_shown_without_its_secret():
    assert mask_url("s3://AKIA:hunter22@photos?region=x") == "s3://AKIA:***@photos?region=x"
    assert "hunter22" not in repr(parse("s3://AKIA:hunter22@photos"))
    assert repr(open_media("s3://AKIA:hunter22@photos/a?region=eu-west-1")) == "<S3Media in photos/a/>"

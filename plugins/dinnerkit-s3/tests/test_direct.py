"""Browsers send files to the store, and are handed them by it."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from urllib.parse import urlsplit

import pytest
import requests

from dinnerkit.errors import Invalid
from dinnerkit_s3 import open_media
from dinnerkit_s3.store import S3Media

Open = Callable[..., S3Media]


def test_a_form_is_good_for_one_key_one_type_and_so_many_bytes(opened: Open, place: str):
    """What the store is told to hold whoever sends it to. moto takes all the same whatever comes; so the core looks again."""
    form = opened("&direct=yes").upload_form("uploads/1", "image/png", 1000, 60)
    policy = json.loads(base64.b64decode(form.fields["policy"]))
    prefix = urlsplit(place).path.strip("/")
    assert {"Content-Type": "image/png"} in policy["conditions"]
    assert ["content-length-range", 1, 1000] in policy["conditions"]
    assert {"bucket": "photos"} in policy["conditions"]
    assert {"key": f"{prefix}/uploads/1"} in policy["conditions"]
    assert form.fields["Content-Type"] == "image/png"
    assert "hunter22" not in json.dumps(policy) + repr(form) + str(form.fields)


def test_what_a_browser_sends_by_the_form_is_there(opened: Open):
    store = opened("&direct=yes")
    form = store.upload_form("uploads/1", "image/png", 1000, 60)
    answer = requests.post(form.url, data=form.fields, files={"file": ("me.png", b"a picture", "image/png")}, timeout=30)
    assert answer.status_code == 204
    found = store.get("uploads/1")
    assert (found.content, found.info.content_type) == (b"a picture", "image/png")


def test_what_is_handed_out_by_the_store_is_what_was_put(opened: Open):
    store = opened("&direct=yes")
    store.put("photos/1", b"a picture", "image/webp")
    url = store.download_url("photos/1", 60)
    answer = requests.get(url, timeout=30)
    assert (answer.status_code, answer.content, answer.headers["Content-Type"]) == (200, b"a picture", "image/webp")
    assert "hunter22" not in url


def test_nothing_goes_past_the_app_unless_that_is_wished_for(opened: Open):
    store = opened()
    assert store.upload_form("uploads/1", "image/png", 1000, 60) is None
    assert store.download_url("photos/1", 60) is None


def test_what_is_public_has_one_address_for_ever():
    store = open_media("s3://AKIA:hunter22@photos/a?region=eu-west-1&public=https://cdn.example.org/x")
    assert store.download_url("photos/1", 60) == "https://cdn.example.org/x/a/photos/1"
    assert store.upload_form("uploads/1", "image/png", 1000, 60) is None


@pytest.mark.parametrize(("key", "content_type"), [("../1", "image/png"), ("a b", "image/png"), ("a", "image/png\r\nx: y"), ("a", "")])
def test_forms_and_addresses_are_for_keys_and_types_alone(opened: Open, key: str, content_type: str):
    store = opened("&direct=yes")
    with pytest.raises(Invalid):
        store.upload_form(key, content_type, 1000, 60)
    if key != "a":
        with pytest.raises(Invalid):
            store.download_url(key, 60)


def test_amazon_s_own_addresses_have_the_bucket_in_front():
    store = open_media("s3://AKIA:hunter22@photos/a?region=eu-west-1&direct=yes")
    assert urlsplit(store.download_url("photos/1", 60)).netloc == "photos.s3.eu-west-1.amazonaws.com"
    assert urlsplit(store.upload_form("uploads/1", "image/png", 1, 60).url).netloc == "photos.s3.eu-west-1.amazonaws.com"

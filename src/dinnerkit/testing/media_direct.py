"""What stores of media must do that take files from browsers, or hand them out, themselves; tests of :class:`MediaContract`."""

from __future__ import annotations

import urllib.request
from collections.abc import Mapping
from contextlib import closing
from functools import partial
from http import HTTPStatus
from urllib.error import HTTPError

import pytest

from dinnerkit.errors import Invalid
from dinnerkit.ids import new_id
from dinnerkit.ports.media import DirectDownloads, DirectUploads, MediaStore, UploadForm
from dinnerkit.testing.expecting import expect, keeps_secrets, needed, refusal
from dinnerkit.testing.media_bench import MediaBench, expect_medium, new_key

_TYPE, _MOST, _SECONDS = "image/png", 1000, 60
_PATIENCE = 30.0


class DirectContract:
    """Tests that are skipped where a store does neither."""

    def test_what_is_sent_by_a_form_is_there(self, bench: MediaBench) -> None:
        """Under the form's key, whole, as the type that was said."""
        with closing(bench.open()) as store:
            key = new_key()
            form = _form(store, key)
            status = _sent(form, b"a picture", _TYPE)
            expect(status < HTTPStatus.BAD_REQUEST, f"what fits a form is refused by {status}")
            expect_medium(store, key, b"a picture", _TYPE)
            keeps_secrets([form.url, *form.fields.values()], bench.secrets)

    @pytest.mark.parametrize("what", ["another type", "too large", "another key", "empty"])
    def test_what_a_form_does_not_allow_is_not_taken(self, bench: MediaBench, what: str) -> None:
        """Whatever whoever has it makes of it."""
        needed(bench.strict, "store that looks at what forms allow: it is a double that takes all")
        with closing(bench.open()) as store:
            key, other = new_key(), new_key()
            form = _form(store, key)
            content = {"too large": bytes(_MOST + 1), "empty": b""}.get(what, b"a picture")
            fields = dict(form.fields)
            if what == "another key":
                fields |= {name: value.removesuffix(key) + other for name, value in form.fields.items() if value.endswith(key)}
            status = _sent(UploadForm(form.url, fields), content, "text/html" if what == "another type" else _TYPE)
            expect(status >= HTTPStatus.BAD_REQUEST, f"a form took what it is not for ({what}), and answered {status}")
            for place in (key, other):
                expect(store.stat(place) is None, f"a form refused what it is not for ({what}), and the store has it all the same")

    def test_forms_are_for_keys_and_types_alone(self, bench: MediaBench) -> None:
        """They are signed by us."""
        with closing(bench.open()) as store:
            _form(store, new_key())
            for key, content_type in (("../secret-key", _TYPE), (new_key(), "text/html\r\nx: y")):
                refusal(Invalid, f"a form for {key!r} and {content_type!r}", partial(_ask, store, key, content_type))

    def test_what_it_hands_out_is_what_was_put(self, bench: MediaBench) -> None:
        """To anybody, with its type."""
        with closing(bench.open()) as store:
            key = new_key()
            store.put(key, b"a picture", _TYPE)
            url = _address(store, key)
            with urllib.request.urlopen(url, timeout=_PATIENCE) as answer:  # noqa: S310 - the store's own address
                found, kind = answer.read(), answer.headers.get_content_type()
            expect((found, kind) == (b"a picture", _TYPE), f"at its address a medium is {found[:20]!r} of the type {kind!r}")
            keeps_secrets([url], bench.secrets)
            refusal(Invalid, "an address of what is no key", partial(_address, store, "../secret-key"))


def _ask(store: MediaStore, key: str, content_type: str) -> UploadForm | None:
    return store.upload_form(key, content_type, _MOST, _SECONDS) if isinstance(store, DirectUploads) else None


def _form(store: MediaStore, key: str) -> UploadForm:
    return needed(_ask(store, key, _TYPE), "store that takes files itself")


def _address(store: MediaStore, key: str) -> str:
    given = store.download_url(key, _SECONDS) if isinstance(store, DirectDownloads) else None
    return needed(given, "store that hands media out itself")


def _sent(form: UploadForm, content: bytes, content_type: str) -> int:
    """What a browser is answered that sends the file by the form; it says of the file what whoever sits there wants it to."""
    fields = {name: content_type if name.lower() == "content-type" else value for name, value in form.fields.items()}
    boundary, body = _multipart(fields, content, content_type)
    headers = {"Content-Type": f"multipart/form-data; boundary={boundary}"}
    request = urllib.request.Request(form.url, body, headers, method="POST")  # noqa: S310 - the store's own address
    try:
        with urllib.request.urlopen(request, timeout=_PATIENCE) as answer:  # noqa: S310 - as above
            return int(answer.status)
    except HTTPError as refused:
        refused.close()
        return int(refused.code)


def _multipart(fields: Mapping[str, str], content: bytes, content_type: str) -> tuple[str, bytes]:
    boundary = new_id()
    parts = [f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'.encode() for name, value in fields.items()]
    head = f'--{boundary}\r\nContent-Disposition: form-data; name="file"; filename="me"\r\nContent-Type: {content_type}\r\n\r\n'
    return boundary, b"".join((*parts, head.encode(), content, f"\r\n--{boundary}--\r\n".encode()))

"""Stores that take files from browsers, and hand them out, and are wrong in one way each; the contract must tell which."""

from __future__ import annotations

import email
import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from email.policy import HTTP
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from dinnerkit.ports.media import UploadForm, check_content_type, check_key, check_medium
from dinnerkit.testing import MediaBench
from tests.teeth import broken_media
from tests.teeth.broken_media import Room


class SoundDirect(broken_media.Sound):
    """A store that passes; what its forms allow lies with it, by a token that nobody guesses."""

    def __init__(self, room: Room, desk: Desk, name: str = "a") -> None:
        super().__init__(room, name)
        self.desk = desk
        desk.store = self

    def upload_form(self, key: str, content_type: str, most_bytes: int, seconds: int) -> UploadForm | None:
        self.check(key)
        check_content_type(content_type)
        allowed = {"key": key, "type": content_type, "most": most_bytes}
        token = self.etag(json.dumps(allowed).encode())
        self.desk.forms[token] = allowed
        return UploadForm(self.desk.url, {"key": key, "Content-Type": content_type, "token": token})

    def accept(self, fields: Mapping[str, str], content: bytes) -> int:
        """The status for what a browser sends."""
        allowed = self.desk.forms.get(fields["token"], {})
        if not self.fits(allowed, fields, content):
            return 403
        self.put(fields["key"], content, fields["Content-Type"])
        return 204

    def fits(self, allowed: Mapping[str, Any], fields: Mapping[str, str], content: bytes) -> bool:
        return self.right_key(allowed, fields) and self.right_type(allowed, fields) and self.right_size(allowed, content)

    def right_key(self, allowed: Mapping[str, Any], fields: Mapping[str, str]) -> bool:
        return bool(allowed["key"] == fields["key"])

    def right_type(self, allowed: Mapping[str, Any], fields: Mapping[str, str]) -> bool:
        return bool(allowed["type"] == fields["Content-Type"])

    def right_size(self, allowed: Mapping[str, Any], content: bytes) -> bool:
        return 1 <= len(content) <= int(allowed["most"])

    def download_url(self, key: str, seconds: int) -> str | None:
        self.check(key)
        return f"{self.desk.url}/{key}"

    def handed_out(self, key: str) -> tuple[bytes, str]:
        found = self.get(key)
        assert found is not None
        return found.content, found.info.content_type


class TakesAnotherType(SoundDirect):
    def right_type(self, allowed: Mapping[str, Any], fields: Mapping[str, str]) -> bool:
        return True


class TakesAnySize(SoundDirect):
    def right_size(self, allowed: Mapping[str, Any], content: bytes) -> bool:
        return bool(content)


class TakesAnotherKey(SoundDirect):
    def right_key(self, allowed: Mapping[str, Any], fields: Mapping[str, str]) -> bool:
        return True


class WritesWhatItRefuses(SoundDirect):
    """Looks once it has written."""

    def accept(self, fields: Mapping[str, str], content: bytes) -> int:
        if content:
            self.put(fields["key"], content, fields["Content-Type"])
        return super().accept(fields, content)


class LosesWhatIsSent(SoundDirect):
    def accept(self, fields: Mapping[str, str], content: bytes) -> int:
        return 204 if self.fits(self.desk.forms.get(fields["token"], {}), fields, content) else 403


class ForgetsWhatWasSaid(SoundDirect):
    def accept(self, fields: Mapping[str, str], content: bytes) -> int:
        return super().accept({**fields, "Content-Type": "application/octet-stream"}, content)

    def right_type(self, allowed: Mapping[str, Any], fields: Mapping[str, str]) -> bool:
        return True


class SignsAnything(SoundDirect):
    def upload_form(self, key: str, content_type: str, most_bytes: int, seconds: int) -> UploadForm | None:
        check_medium("a", b"a", content_type)
        return UploadForm(self.desk.url, {"key": key, "Content-Type": content_type, "token": ""})


class HandsOutWithoutAType(SoundDirect):
    def handed_out(self, key: str) -> tuple[bytes, str]:
        return super().handed_out(key)[0], "application/octet-stream"


class HasItsSecretInForms(SoundDirect):
    def upload_form(self, key: str, content_type: str, most_bytes: int, seconds: int) -> UploadForm | None:
        form = super().upload_form(key, content_type, most_bytes, seconds)
        assert form is not None
        return UploadForm(form.url, {**form.fields, "signed_with": "hunter22"})


class HandsOutWhatIsNoKey(SoundDirect):
    def download_url(self, key: str, seconds: int) -> str | None:
        return f"{self.desk.url}/{key}"


class Desk(ThreadingHTTPServer):
    """Where browsers come to."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Answering)
        self.store: Any = None
        self.forms: dict[str, dict[str, Any]] = {}

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class _Answering(BaseHTTPRequestHandler):
    server: Desk

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        sent = email.message_from_bytes(f"Content-Type: {self.headers['Content-Type']}\r\n\r\n".encode() + body, policy=HTTP)
        parts = {part.get_param("name", header="content-disposition"): part.get_payload(decode=True) for part in sent.iter_parts()}
        content = parts.pop("file")
        self.answer(self.server.store.accept({name: value.decode() for name, value in parts.items()}, content), b"", "text/plain")

    def do_GET(self) -> None:
        check_key(self.path[1:])
        self.answer(200, *self.server.store.handed_out(self.path[1:]))

    def answer(self, status: int, content: bytes, content_type: str) -> None:
        self.send_response(status)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@contextmanager
def bench_of(kind: type[SoundDirect]) -> Iterator[MediaBench]:
    with Desk() as desk:
        serving = threading.Thread(target=partial(desk.serve_forever, 0.01))
        serving.start()
        try:
            yield MediaBench(open=partial(kind, Room(), desk), secrets=["hunter22"])
        finally:
            desk.shutdown()
            serving.join()

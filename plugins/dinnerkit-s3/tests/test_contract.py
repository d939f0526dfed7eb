"""The media in S3 keep the contract of their kind."""

from __future__ import annotations

import pytest

from dinnerkit.plugins import open_backend
from dinnerkit.ports.media import MediaStore
from dinnerkit.testing import MediaBench, MediaContract
from dinnerkit_s3 import store
from tests.services.s3 import KEY, SECRET


class TestS3Media(MediaContract):
    @pytest.fixture
    def bench(self, place: str, monkeypatch: pytest.MonkeyPatch) -> MediaBench:
        def reach(host: str, port: int) -> MediaStore:
            for name in ("CONNECT_SECONDS", "READ_SECONDS", "PING_CONNECT_SECONDS", "PING_READ_SECONDS"):
                monkeypatch.setattr(store, name, 0.3)
            return open_backend("media", f"s3://{KEY}:{SECRET}@photos?endpoint=http://{host}:{port}")

        return MediaBench(
            open=lambda: open_backend("media", f"{place}&direct=yes"),
            beside=lambda: open_backend("media", place.replace("?", "-beside?")),
            reach=reach,
            secrets=[SECRET],
            strict=False,  # moto takes whatever is sent by a form
        )

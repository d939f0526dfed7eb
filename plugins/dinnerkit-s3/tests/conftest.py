from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from dinnerkit.ids import new_id
from dinnerkit_s3 import open_media
from dinnerkit_s3.store import S3Media
from tests.conftest import database, database_url, databases_to_use_again, mongo_client, mongo_url  # noqa: F401 - fixtures
from tests.services.s3 import KEY, SECRET, admin, s3_server


@pytest.fixture(scope="session")
def server() -> Iterator[int]:
    """The port of a server that has a bucket ``photos``."""
    with s3_server() as port:
        admin(port).create_bucket(Bucket="photos")
        yield port


@pytest.fixture
def place(server: int) -> str:
    """A URL under whose prefix there is nothing."""
    return f"s3://{KEY}:{SECRET}@photos/{new_id()}?endpoint=http://127.0.0.1:{server}"


@pytest.fixture
def opened(place: str) -> Iterator[Callable[..., S3Media]]:
    """Opens the store there, with more options."""
    stores = []

    def opened(more: str = "") -> S3Media:
        stores.append(open_media(place + more))
        return stores[-1]

    yield opened
    for store in stores:
        store.close()

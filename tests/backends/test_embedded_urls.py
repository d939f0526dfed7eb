"""What may stand in a database's URL."""

from __future__ import annotations

import sys

import pytest
from pymongo.write_concern import WriteConcern

from dinnerkit.backends.database import DatabaseUnavailable, embedded, mongodb
from dinnerkit.errors import SettingError
from dinnerkit.ports.database import DatabaseBackend


@pytest.fixture
def opened():
    backends = []

    def open_it(url: str) -> DatabaseBackend:
        backends.append(mongodb(url))
        return backends[-1]

    yield open_it
    for backend in backends:
        backend.close()


def test_the_database_is_called_dinnerkit_unless_the_url_says_otherwise(opened):
    assert opened("mongodb://localhost").database.name == "dinnerkit"
    assert opened("mongodb://localhost/supper").database.name == "supper"


def test_the_drivers_options_are_safe_and_bounded_by_default(opened):
    client = opened("mongodb://localhost").database.client
    assert client.write_concern == WriteConcern(w="majority", j=True)
    assert client.options.retry_reads
    assert client.options.retry_writes
    assert client.options.server_selection_timeout == 5
    assert client.options.pool_options.connect_timeout == 5
    assert client.options.pool_options.socket_timeout == 45
    assert client.options.pool_options.appname == "dinnerkit"
    assert client.codec_options.tz_aware


@pytest.mark.parametrize(
    "query", ["retryWrites=false&socketTimeoutMS=1000&appName=mine", "RETRYWRITES=false&sockettimeoutms=1000&appname=mine"]
)
def test_the_urls_own_options_win(opened, query):
    client = opened(f"mongodb://localhost/?{query}").database.client
    assert not client.options.retry_writes
    assert client.options.pool_options.socket_timeout == 1
    assert client.options.pool_options.appname == "mine"


@pytest.mark.parametrize(
    ("option", "why"),
    [("compressors=lz4", "Unsupported compressor"), ("maxPoolSze=5", "Unknown option"), ("maxPoolSize=2&minPoolSize=3", "minPoolSize")],
)
def test_what_the_driver_would_pass_over_is_refused(option, why):
    with pytest.raises(SettingError, match=why):
        mongodb(f"mongodb://localhost/?{option}")


def test_a_compressor_that_is_not_installed_is_refused_with_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "snappy", None)
    with pytest.raises(SettingError, match="install the python-snappy module"):
        mongodb("mongodb://localhost/?compressors=snappy")


def test_a_url_that_the_driver_does_not_take_is_refused_without_its_password():
    with pytest.raises(SettingError, match=r"^database: 'mongodb://me:\*\*\*@localhost:0x7/'") as caught:
        mongodb("mongodb://me:secret@localhost:0x7/")
    assert "secret" not in str(caught.value)


def test_a_server_that_does_not_answer_is_unavailable_in_one_line(opened):
    backend = opened("mongodb://127.0.0.1:1/?serverSelectionTimeoutMS=50")
    with pytest.raises(DatabaseUnavailable) as caught:
        backend.ping()
    assert caught.value.message == "MongoDB can't be reached: 127.0.0.1:1: [Errno 111] Connection refused"


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("embedded://", "needs a path"),
        ("embedded://data?nmae=x", "has no option 'nmae' (allowed: name, maxPoolSize, "),
        ("embedded://data?name=a/b", "'a/b' can't be the name of a database"),
        ("embedded://data?name=", "'' can't be the name of a database"),
    ],
)
def test_a_malformed_embedded_url_is_refused_before_anything_is_started(url, why, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SettingError) as caught:
        embedded(url)
    assert why in caught.value.message
    assert list(tmp_path.iterdir()) == []

"""How a process holds its connections: by the settings, unless the URL says otherwise."""

from __future__ import annotations

import threading
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from pymongo import MongoClient
from pymongo.errors import OperationFailure
from pymongo.write_concern import WriteConcern

from dinnerkit import Kit, Settings, create_app
from dinnerkit.errors import SettingError
from dinnerkit.plugins import open_backend
from dinnerkit.testing import settings_for_tests

USUAL = "maxPoolSize=100&minPoolSize=10&maxIdleTimeMS=30000&serverSelectionTimeoutMS=5000&waitQueueTimeoutMS=2500&socketTimeoutMS=45000"


def applied(url: str, **settings: Any) -> str:
    return Settings(database=url, **settings).backend_url("database")


@pytest.mark.parametrize(
    ("url", "whole"),
    [
        ("mongodb://host", f"mongodb://host/?{USUAL}"),
        ("mongodb://a:1,b:2/name", f"mongodb://a:1,b:2/name?{USUAL}"),
        ("mongodb://host/name?replicaSet=r", f"mongodb://host/name?replicaSet=r&{USUAL}"),
        ("embedded://./data?name=x", f"embedded://./data?name=x&{USUAL.replace('minPoolSize=10', 'minPoolSize=0')}"),
        ("acme://host/x", "acme://host/x"),
    ],
)
def test_the_usual_settings_are_those_of_the_documentation(url: str, whole: str) -> None:
    assert applied(url) == whole


def test_each_setting_is_the_drivers_option() -> None:
    named = {
        "database_max_pool": 7,
        "database_min_pool": 2,
        "database_idle_seconds": 3,
        "database_selection_seconds": 4,
        "database_socket_seconds": 6,
        "database_compressors": "zlib",
    }
    url = applied("mongodb://host/name", **named)
    backend = open_backend("database", url)
    options = backend.database.client.options
    backend.close()
    pool = options.pool_options
    assert (pool.max_pool_size, pool.min_pool_size, pool.max_idle_time_seconds, pool.wait_queue_timeout) == (7, 2, 3, 2)
    assert (options.server_selection_timeout, pool.socket_timeout) == (4, 6)
    assert url.endswith("&compressors=zlib")


def test_the_url_wins_in_any_spelling_and_the_rest_fits_it() -> None:
    whole = applied("mongodb://host/name?maxpoolsize=5&SERVERSELECTIONTIMEOUTMS=300", database_max_pool=50)
    assert "maxPoolSize" not in whole
    assert "minPoolSize=5&" in whole, "more would be kept ready than there may be"
    assert "waitQueueTimeoutMS=150&" in whole
    open_backend("database", whole).close()


def test_more_ready_than_there_may_be_is_as_many_as_there_may_be() -> None:
    assert "maxPoolSize=5&minPoolSize=5&" in applied("mongodb://host", database_max_pool=5)


def test_an_unknown_compressor_is_named() -> None:
    with pytest.raises(SettingError, match=r"database_compressors are of zstd, snappy, zlib, not 'lz4'"):
        applied("mongodb://host", database_compressors="zlib, lz4")


@pytest.mark.parametrize("option", ["w=1", "W=2", "journal=false", "readPreference=secondaryPreferred"])
def test_an_option_by_which_a_booking_could_be_lost_or_hidden_is_refused(option: str) -> None:
    with pytest.raises(SettingError, match=rf"{option.split('=', maxsplit=1)[0]} in its URL must be (majority|true|primary)"):
        Settings(database=f"mongodb://localhost/?{option}")


def test_the_options_by_which_they_are_kept_may_be_said() -> None:
    backend = open_backend("database", applied("mongodb://localhost/?w=majority&journal=true&readPreference=primary"))
    assert backend.database.client.write_concern == WriteConcern(w="majority", j=True)
    backend.close()


class TestAnalytics:
    def whole(self, url: str) -> str:
        return Settings(database="mongodb://host", analytics_database=url).backend_url("analytics_database")

    def test_one_member_is_asked_directly_which_may_be_hidden(self) -> None:
        whole = self.whole("mongodb://hidden:1/name")
        assert whole.startswith("mongodb://hidden:1/name?directConnection=true&maxPoolSize=100&minPoolSize=0&")
        assert "serverSelectionTimeoutMS=1000" in whole, "who waits for the front page does not wait long for what may be old"

    @pytest.mark.parametrize(
        "options", ["readPreference=secondary&readPreferenceTags=use:analytics&replicaSet=r", "directConnection=false"]
    )
    def test_who_says_how_it_is_read_is_left_alone(self, options: str) -> None:
        assert "directConnection=true" not in self.whole(f"mongodb://a,b/name?{options}")

    @pytest.mark.parametrize("url", ["mongodb://a,b/name", "mongodb://a/name?replicaSet=r", "mongodb+srv://a/name"])
    def test_several_members_of_which_the_primary_would_be_read_are_refused(self, url: str) -> None:
        with pytest.raises(SettingError, match="analytics_database: name one member alone"):
            self.whole(url)

    def test_its_password_is_not_shown(self) -> None:
        assert "hunter2" not in repr(Settings(database="mongodb://host", analytics_database="mongodb://ada:hunter2@hidden/name"))


def test_a_pool_that_is_used_up_is_a_503_and_no_wait_for_ever(
    database_url: str, mongo_client: MongoClient[dict[str, Any]], tmp_path: Path
) -> None:
    settings = settings_for_tests(database_url, tmp_path, database_max_pool=1, database_selection_seconds=1)
    with Kit.open(Settings(**settings)) as kit:
        client, rows = create_app(kit=kit).test_client(), kit.database["slow"]
        rows.insert_one({})

        def hold() -> None:
            with suppress(OperationFailure):  # which is what it is to be killed
                list(rows.find({"$where": "sleep(60000) || true"}, comment="holds the connection"))

        taken = threading.Thread(target=hold)
        taken.start()
        try:
            mine = {"command.comment": "holds the connection"}
            while not (running := list(mongo_client.admin.aggregate([{"$currentOp": {}}, {"$match": mine}]))):
                pass
            answer = client.get("/v1/events")
        finally:
            for operation in running:
                mongo_client.admin.command("killOp", op=operation["opid"])
            taken.join()
        assert (answer.status_code, answer.get_json()["code"]) == (503, "unavailable")
        assert int(answer.headers["Retry-After"]) > 0

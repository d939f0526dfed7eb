"""``db init --sharded``, towards a double of mongos that is in front of a real mongod."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from pymongo import MongoClient

from dinnerkit.cli import main
from dinnerkit.kit import DOCUMENTS
from dinnerkit.shards import SHARD_KEYS
from dinnerkit.storage import Row
from tests.cli.running import Ended
from tests.services.mongos import Mongos, mongos


@pytest.fixture
def cluster(database_url: str, mongo_client: MongoClient[Row]) -> Iterator[tuple[Mongos, str]]:
    with mongos(database_url, mongo_client) as found:
        yield found


@pytest.fixture
def run_here(
    served_environ: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[..., Ended]:
    """The same as ``run_served``, in this process, which is spared the start of one for each."""
    monkeypatch.chdir(tmp_path)

    def ended(*arguments: str, **environ: str) -> Ended:
        for name, value in (served_environ | environ).items():
            monkeypatch.setenv(name, value)
        code = main(arguments)
        told = capsys.readouterr()
        return Ended(code, told.out, told.err)

    return ended


@pytest.fixture
def run_in_cluster(run_here: Callable[..., Ended], cluster: tuple[Mongos, str]) -> Callable[..., Ended]:
    return lambda *arguments: run_here(*arguments, DINNERKIT_DATABASE=cluster[1])


def test_each_collection_is_spread_by_its_key_once(
    run_served: Callable[..., Ended], run_in_cluster: Callable[..., Ended], cluster: tuple[Mongos, str]
) -> None:
    double, url = cluster
    name = urlsplit(url).path.removeprefix("/")
    first = run_served("db", "init", "--sharded", DINNERKIT_DATABASE=url)
    assert (first.code, first.err) == (0, "")
    assert first.out.endswith(f"{len(SHARD_KEYS)} collections are spread over the shards; new: {', '.join(SHARD_KEYS)}\n")
    told = [{"shardCollection": f"{name}.{collection}", "key": dict(key)} for collection, key in SHARD_KEYS.items()]
    assert double.commands == [{"enableSharding": name}, *told]
    again = run_in_cluster("db", "init", "--sharded")
    assert (again.code, again.err) == (0, "")
    assert again.out.endswith("new: none\n")
    assert double.commands == [{"enableSharding": name}, *told, {"enableSharding": name}]


def test_the_app_finds_its_indexes_in_a_cluster_that_is_spread(
    run_in_cluster: Callable[..., Ended], cluster: tuple[Mongos, str], mongo_client: MongoClient[Row]
) -> None:
    assert run_in_cluster("db", "init", "--sharded").code == 0
    rows = mongo_client[urlsplit(cluster[1]).path.removeprefix("/")]
    for document in DOCUMENTS:
        wanted = {index.document["name"] for index in document.index_models}
        assert wanted <= set(rows[document.collection_name].index_information())
    assert run_in_cluster("check").code == 0


def test_a_unique_index_of_an_earlier_version_goes_and_a_foreign_one_is_named_before_anything_is_done(
    run_in_cluster: Callable[..., Ended], cluster: tuple[Mongos, str], mongo_client: MongoClient[Row]
) -> None:
    double, url = cluster
    rows = mongo_client[urlsplit(url).path.removeprefix("/")]
    rows["payments"].create_index([("live", 1)], name="live", unique=True, sparse=True)
    rows["events"].create_index([("title", 1)], name="ours", unique=True)
    refused = run_in_cluster("db", "init", "--sharded")
    assert refused.code == 2
    assert refused.err == "dinnerkit: database: the unique index ours of events does not begin with {'_id': 'hashed'}; drop it first\n"
    assert double.commands == []
    assert "live" in rows["payments"].index_information()
    rows["events"].drop_index("ours")
    assert run_in_cluster("db", "init", "--sharded").code == 0
    assert "live" not in rows["payments"].index_information()


def test_a_collection_that_is_spread_by_another_key_is_left_alone(
    run_in_cluster: Callable[..., Ended], cluster: tuple[Mongos, str]
) -> None:
    double, url = cluster
    double.spread[f"{urlsplit(url).path.removeprefix('/')}.events"] = {"city_key": 1}
    refused = run_in_cluster("db", "init", "--sharded")
    assert refused.code == 2
    assert "events is spread by {'city_key': 1}, not by {'_id': 'hashed'}" in refused.err
    assert double.commands == []


def test_a_user_who_may_not_is_told_so_in_one_line(run_in_cluster: Callable[..., Ended], cluster: tuple[Mongos, str]) -> None:
    cluster[0].denies = True
    refused = run_in_cluster("db", "init", "--sharded")
    assert refused.code == 2
    assert refused.err.startswith("dinnerkit: database: the cluster refuses: not authorized")
    assert refused.err.count("\n") == 1


def test_what_is_no_cluster_is_one_line_and_exit_code_2(run_here: Callable[..., Ended], tmp_path: Path) -> None:
    plain = run_here("db", "init", "--sharded")
    embedded = run_here("db", "init", "--sharded", DINNERKIT_DATABASE=f"embedded://{tmp_path}/unused")
    assert "is no sharded cluster, or its URL does not name a mongos" in plain.err
    assert "an embedded MongoDB is no sharded cluster" in embedded.err
    assert [(ended.code, ended.err.count("\n")) for ended in (plain, embedded)] == [(2, 1), (2, 1)]


def test_the_commands_are_printed_without_a_server(run_here: Callable[..., Ended]) -> None:
    away = "mongodb://127.0.0.1:9/supper"
    printed = run_here("db", "init", "--sharded", "--print", DINNERKIT_DATABASE=away)
    assert (printed.code, printed.err) == (0, "")
    lines = printed.out.splitlines()
    assert lines[0] == 'sh.enableSharding("supper")'
    assert lines[3:5] == [
        'db.getSiblingDB("supper").getCollection("bookings").createIndex({"user": "hashed"})',
        'sh.shardCollection("supper.bookings", {"user": "hashed"})',
    ]
    assert len(lines) == 1 + 2 * len(SHARD_KEYS)
    assert run_here("db", "init", "--print", DINNERKIT_DATABASE=away).code == 2

"""``db init --sharded``, towards a real shard and config server, and a double of the mongos that is in front of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from uuid import uuid4

import pytest
from pymongo.errors import OperationFailure

from dinnerkit import Kit, Settings, create_app
from dinnerkit.cli import main
from dinnerkit.documents import DOCUMENTS
from dinnerkit.shards import SHARD_KEYS
from dinnerkit.testing import run_background, settings_for_tests
from tests.cli.running import Ended
from tests.fire.dinners import host_dinner
from tests.fire.serving import sign_in
from tests.services.mongos import Cluster, cluster


@pytest.fixture(scope="module")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    with cluster(tmp_path_factory.mktemp("cluster")) as found:
        yield found


@pytest.fixture
def double(servers: Cluster) -> Iterator[Cluster]:
    servers.commands.clear()
    yield servers
    servers.denied = False


@pytest.fixture
def name() -> str:
    """The database of this test alone."""
    return f"test-{uuid4().hex}"


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
def run_in_cluster(run_here: Callable[..., Ended], double: Cluster, name: str) -> Callable[..., Ended]:
    return lambda *arguments: run_here(*arguments, DINNERKIT_DATABASE=double.url(name))


def test_each_collection_is_spread_by_its_key_once(
    run_served: Callable[..., Ended], run_in_cluster: Callable[..., Ended], double: Cluster, name: str
) -> None:
    first = run_served("db", "init", "--sharded", DINNERKIT_DATABASE=double.url(name))
    assert (first.code, first.err) == (0, "")
    assert first.out.endswith(f"{len(SHARD_KEYS)} collections are spread over the shards; new: {', '.join(SHARD_KEYS)}\n")
    told = [{"shardCollection": f"{name}.{collection}", "key": dict(key)} for collection, key in SHARD_KEYS.items()]
    assert double.commands == [{"enableSharding": name}, *told]
    assert double.spread(name) == SHARD_KEYS
    again = run_in_cluster("db", "init", "--sharded")
    assert (again.code, again.err) == (0, "")
    assert again.out.endswith("new: none\n")
    assert double.commands == [{"enableSharding": name}, *told, {"enableSharding": name}]


def test_the_app_works_with_a_cluster_that_is_spread(
    run_in_cluster: Callable[..., Ended], double: Cluster, name: str, tmp_path: Path
) -> None:
    assert run_in_cluster("db", "init", "--sharded").code == 0
    rows = double.shard[name]
    for document in DOCUMENTS:
        wanted = {index.document["name"] for index in document.index_models}
        assert wanted <= set(rows[document.collection_name].index_information())
    assert run_in_cluster("check").code == 0
    with Kit.open(Settings(**settings_for_tests(double.url(name), tmp_path, database_secondaries=True))) as kit:
        assert kit.database.client.is_mongos
        event, client = host_dinner(kit, seats=4), create_app(kit=kit).test_client()
        [token] = sign_in(kit, ["ada"]).values()
        made = client.post(
            "/v1/bookings", json={"event_id": event}, headers={"Authorization": f"Bearer {token}", "Idempotency-Key": "once"}
        )
        assert made.status_code == 201
        run_background(kit)
        assert client.get(f"/v1/events/{event}").get_json()["seats_left"] == 3


def test_a_unique_index_of_an_earlier_version_goes_and_a_foreign_one_is_named_before_anything_is_done(
    run_in_cluster: Callable[..., Ended], double: Cluster, name: str
) -> None:
    rows = double.shard[name]
    rows["payments"].create_index([("live", 1)], name="live", unique=True, sparse=True)
    rows["events"].create_index([("title", 1)], name="ours", unique=True)
    refused = run_in_cluster("db", "init", "--sharded")
    assert refused.code == 2
    assert refused.err == "dinnerkit: database: the unique index ours of events does not begin with {'_id': 'hashed'}; drop it first\n"
    assert double.commands == []
    assert "live" in rows["payments"].index_information()
    double.answer({"enableSharding": name})
    with pytest.raises(OperationFailure, match="unique index on"):
        double.shard_collection(f"{name}.payments", {"reference": "hashed"})
    rows["events"].drop_index("ours")
    assert run_in_cluster("db", "init", "--sharded").code == 0
    assert "live" not in rows["payments"].index_information()


def test_a_collection_that_is_spread_by_another_key_is_left_alone(run_in_cluster: Callable[..., Ended], double: Cluster, name: str) -> None:
    double.answer({"enableSharding": name})
    double.shard_collection(f"{name}.events", {"city_key": 1})
    double.commands.clear()
    refused = run_in_cluster("db", "init", "--sharded")
    assert refused.code == 2
    assert "events is spread by {'city_key': 1}, not by {'_id': 'hashed'}" in refused.err
    assert double.commands == []


def test_a_user_who_may_not_is_told_so_in_one_line(run_in_cluster: Callable[..., Ended], double: Cluster) -> None:
    double.denied = True
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
    bookings = 1 + 2 * list(SHARD_KEYS).index("bookings")
    assert lines[bookings : bookings + 2] == [
        'db.getSiblingDB("supper").getCollection("bookings").createIndex({"user": "hashed"})',
        'sh.shardCollection("supper.bookings", {"user": "hashed"})',
    ]
    assert len(lines) == 1 + 2 * len(SHARD_KEYS)
    assert run_here("db", "init", "--print", DINNERKIT_DATABASE=away).code == 2

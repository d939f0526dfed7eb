"""What a deployer writes: a URL for each kind, and clear words where one is wrong."""

from __future__ import annotations

import subprocess
import sys
from importlib.metadata import version

import pytest

from dinnerkit.errors import SettingError, Unavailable
from dinnerkit.plugins import open_backend
from dinnerkit_redis.urls import RedisUrl, parse
from tests.services.processes import free_port

KINDS = ("queue", "bus", "limiter", "cache", "sessions")


def test_one_server_with_all_that_can_be_said() -> None:
    found = parse("rediss://anna:p%40ss@cache.example:6380/3?timeout=0.5&retries=0&connections=7&prefix=ours&ca=/etc/ca.pem")
    assert found == RedisUrl("redis", (("cache.example", 6380),), "anna", "p@ss", "", 3, True, "/etc/ca.pem", None, 0.5, 0, 7, "ours")


def test_what_is_not_said_has_defaults() -> None:
    assert parse("redis://") == RedisUrl("redis", (("127.0.0.1", 6379),), None, None, "", 0, False, "", None, 0.075, 3, 50, "dinnerkit")


def test_sentinels_have_a_port_of_their_own_and_a_name_to_watch() -> None:
    found = parse("redis+sentinel://:pass@10.0.0.1,10.0.0.2:1,[::1]:2/dinners/4?tls=yes&sentinel_password=more")
    assert (found.hosts, found.service, found.db) == ((("10.0.0.1", 26379), ("10.0.0.2", 1), ("::1", 2)), "dinners", 4)
    assert (found.password, found.sentinel_password, found.tls) == ("pass", "more", True)


def test_a_cluster_has_nodes() -> None:
    assert parse("redis+cluster://10.0.0.1,10.0.0.2:1").hosts == (("10.0.0.1", 6379), ("10.0.0.2", 1))


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("redis://:hidden@a,b", "names several hosts"),
        ("redis://:hidden@a:b", "is not HOST or HOST:PORT"),
        ("redis://:hidden@a:0", "is not HOST or HOST:PORT"),
        ("redis://:hidden@a:65536", "is not HOST or HOST:PORT"),
        ("redis://:hidden@a/one", "the database is a number, not 'one'"),
        ("redis+sentinel://:hidden@a,b", "lacks the master's name"),
        ("redis+cluster://:hidden@a/2", "a cluster has no databases"),
        ("redis://:hidden@a?timeout=soon", "timeout is a number from 0.01 to 10"),
        ("redis://:hidden@a?timeout=nan", "timeout is a number from 0.01 to 10"),
        ("redis://:hidden@a?connections=0", "connections is a number from 1 to 10000"),
        ("redis://:hidden@a?prefix=A", "prefix is 1 to 40"),
        ("redis://:hidden@a?tls=1", "tls is yes or no"),
        ("redis+cluster://:hidden@a?connections=5", "has no option 'connections'"),
        ("redis://:hidden@a?db=1", "has no option 'db'"),
    ],
)
def test_what_is_wrong_is_said_without_the_password(url: str, words: str) -> None:
    with pytest.raises(SettingError) as caught:
        parse(url)
    assert words in caught.value.message
    assert "hidden" not in caught.value.message


def test_a_representation_keeps_the_passwords() -> None:
    assert "hidden" not in repr(parse("redis+sentinel://:hidden@a/b?sentinel_password=hidden"))


@pytest.mark.parametrize(
    "password", ["hidden/a", "hidden?a", "hidden#a", "p@hidden/a", "12/hidden", "12?hidden", "12#hidden", "p@s?hidden", "p@s?hidden=1"]
)
@pytest.mark.parametrize("scheme", ["redis", "redis+sentinel", "redis+cluster"])
def test_a_password_that_should_have_been_encoded_is_not_shown(scheme: str, password: str) -> None:
    for credentials in (f":{password}", f"ada:{password}"):
        with pytest.raises(SettingError) as caught:
            parse(f"{scheme}://{credentials}@a/b")
        assert "hidden" not in caught.value.message


@pytest.mark.parametrize("kind", KINDS)
def test_each_kind_is_found_by_each_scheme_and_says_when_nothing_is_there(kind: str) -> None:
    port = free_port()
    here = f"127.0.0.1:{port}"
    for url in (f"redis://{here}", f"rediss://{here}", f"redis+sentinel://{here}/dinners", f"redis+cluster://{here}"):
        opened = open_backend(kind, url)
        with pytest.raises(Unavailable, match=f"{kind}: Redis can't be reached"):
            opened.get("a") if kind == "cache" else opened.ping()
        opened.close()


def test_the_command_lists_it() -> None:
    listed = subprocess.run([sys.executable, "-m", "dinnerkit", "plugins"], capture_output=True, text=True, check=True).stdout
    lines = [line.split() for line in listed.splitlines()]
    powers = {"cache": ["(claims)"], "limiter": ["(leases)"], "queue": ["(priorities)"]}
    for kind in KINDS:
        for scheme in ("redis", "rediss", "redis+sentinel", "redis+cluster"):
            told = [kind, f"{scheme}://", "dinnerkit-redis", version("dinnerkit-redis"), "1", "-", "works", *powers.get(kind, ())]
            assert told in lines

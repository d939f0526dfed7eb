from __future__ import annotations

from collections.abc import Callable

from tests.cli.running import Ended, Run


def states(ended: Ended) -> dict[str, str]:
    return {line.split()[0]: line.split()[1] for line in ended.out.splitlines()[1:]}


def test_all_parts_that_answer_are_ok(run_served: Callable[..., Ended]):
    ended = run_served("check")
    kinds = (
        "secret_key",
        "rate_limit",
        "jobs",
        "database",
        "cache",
        "queue",
        "gateway",
        "mail",
        "limiter",
        "bus",
        "search",
        "sessions",
        "media",
        "captcha",
    )
    assert states(ended) == dict.fromkeys(kinds, "ok")
    assert (ended.code, ended.err) == (0, "")


def test_one_that_is_down_is_named_and_the_others_are_still_tried(run_served: Callable[..., Ended]):
    ended = run_served("check", DINNERKIT_DATABASE="mongodb://ada:lovelace@127.0.0.1:9/x?serverSelectionTimeoutMS=200")
    found = states(ended)
    assert found.pop("database") == "down"
    assert set(found.values()) == {"ok"}
    assert "Connection refused" in ended.out
    assert "lovelace" not in ended.out
    assert ended.code == 1


def test_how_connections_are_held_is_told_and_the_member_for_the_figures_is_tried(run_served: Callable[..., Ended]):
    gone = "mongodb://ada:lovelace@127.0.0.1:9/x?serverSelectionTimeoutMS=200"
    ended = run_served("check", DINNERKIT_DATABASE_MAX_POOL="7", DINNERKIT_ANALYTICS_DATABASE=gone)
    found = states(ended)
    assert (found["database"], found["analytics_database"]) == ("ok", "down")
    assert "maxPoolSize=7&minPoolSize=0&maxIdleTimeMS=30000" in ended.out
    assert "lovelace" not in ended.out
    assert ended.code == 1


def test_a_missing_plugin_and_a_missing_key_are_wrong_too(run: Run):
    ended = run("check", DINNERKIT_DATABASE="mongodb://127.0.0.1:9/?serverSelectionTimeoutMS=100", DINNERKIT_CACHE="redis://localhost")
    found = states(ended)
    assert (found["secret_key"], found["database"], found["cache"], found["mail"]) == ("down", "down", "down", "ok")
    assert "pip install dinnerkit-redis" in ended.out
    assert ended.code == 1


def test_a_rate_that_is_none_and_jobs_of_no_package_are_wrong_too(run_served: Callable[..., Ended]):
    ended = run_served("check", DINNERKIT_RATE_LIMIT="often", DINNERKIT_JOBS="gone")
    wrong = {name for name, state in states(ended).items() if state != "ok"}
    assert wrong == {"rate_limit", "jobs"}
    assert ended.code == 1

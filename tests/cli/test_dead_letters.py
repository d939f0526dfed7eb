"""``dinnerkit dead-letters``."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from pymongo.database import Database

from tests.cli.running import Ended

DIED = datetime(2026, 11, 1, 12, 30, tzinfo=UTC)


@pytest.fixture
def letters(database: Database[dict[str, Any]]) -> list[str]:
    """Three dead letters, oldest first."""
    rows = [
        {
            "_id": f"letter:{number}",
            "handler": "notifications.test",
            "queue": "emails",
            "kind": "test",
            "data": {"who": "Ümläut", "until": DIED},
            "attempts": 3,
            "error": f"RuntimeError: no {number}",
            "created_at": DIED,
            "died_at": DIED + timedelta(minutes=number),
        }
        for number in range(3)
    ]
    database["dead_letters"].insert_many(rows)
    return [row["_id"] for row in rows]


def test_they_are_listed_oldest_first(run_served: Callable[..., Ended], letters: list[str]) -> None:
    ended = run_served("dead-letters", "list")
    assert (ended.code, ended.err) == (0, "")
    lines = ended.out.splitlines()
    assert lines[1].split(maxsplit=3) == [letters[0], "2026-11-01T12:30:00Z", "notifications.test", "RuntimeError: no 0"]
    assert len(lines) == 4
    told = [json.loads(line) for line in run_served("dead-letters", "list", "--json").out.splitlines()]
    assert [letter["id"] for letter in told] == letters


def test_one_is_shown_whole(run_served: Callable[..., Ended], letters: list[str]) -> None:
    shown = json.loads(run_served("dead-letters", "show", letters[1]).out)
    assert shown["data"] == {"who": "Ümläut", "until": "2026-11-01T12:30:00Z"}
    assert (shown["id"], shown["attempts"], shown["error"]) == (letters[1], 3, "RuntimeError: no 1")


def test_one_or_all_are_delivered_again(run_served: Callable[..., Ended], letters: list[str], database: Database[dict[str, Any]]) -> None:
    assert run_served("dead-letters", "retry", letters[0]).out == "1 will be delivered again\n"
    assert run_served("dead-letters", "retry", "--all").out == "2 will be delivered again\n"
    assert database["dead_letters"].count_documents({}) == 0
    assert database["deliveries"].count_documents({"_id": {"$in": letters}, "state": "pending", "attempts": 0}) == 3
    assert run_served("dead-letters", "list").out == "none: everything was delivered\n"


def test_one_or_all_are_forgotten(run_served: Callable[..., Ended], letters: list[str], database: Database[dict[str, Any]]) -> None:
    assert run_served("dead-letters", "discard", letters[2]).out == "1 forgotten\n"
    assert run_served("dead-letters", "discard", "--all").out == "2 forgotten\n"
    assert database["dead_letters"].count_documents({}) == database["deliveries"].count_documents({}) == 0


@pytest.mark.parametrize("verb", ["retry", "discard"])
def test_it_must_be_said_which(run_served: Callable[..., Ended], letters: list[str], database: Database[dict[str, Any]], verb: str) -> None:
    for arguments in ((), (letters[0], "--all")):
        ended = run_served("dead-letters", verb, *arguments)
        assert (ended.code, ended.out) == (2, "")
        assert "name one dead letter, or all of them with --all" in ended.err
    assert database["dead_letters"].count_documents({}) == 3


@pytest.mark.parametrize("verb", ["show", "retry", "discard"])
def test_one_that_is_not_there_is_one_line_and_exit_code_2(run_served: Callable[..., Ended], verb: str) -> None:
    ended = run_served("dead-letters", verb, "gone")
    assert (ended.code, ended.out, ended.err) == (2, "", "dinnerkit: there is no such dead letter\n")

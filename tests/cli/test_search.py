"""``search rebuild``."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from dinnerkit.backends.search import mongo
from dinnerkit.cli import main
from tests.cli.running import Ended


def test_the_index_is_made_anew_as_often_as_one_likes(run_served: Callable[..., Ended]):
    for _ in range(2):
        ended = run_served("search", "rebuild")
        assert (ended.code, ended.out, ended.err) == (0, "the index has 0 events\n", "")


def test_an_index_that_is_down_is_one_line_and_exit_code_1(
    served_environ: dict[str, str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    monkeypatch.setattr(mongo, "_WRITE_SECONDS", 1)
    for name, value in (served_environ | {"DINNERKIT_SEARCH": "mongodb://127.0.0.1:9/x?serverSelectionTimeoutMS=200"}).items():
        monkeypatch.setenv(name, value)
    assert main(["search", "rebuild"]) == 1
    assert capsys.readouterr().err.startswith("dinnerkit: the search index could not be written")

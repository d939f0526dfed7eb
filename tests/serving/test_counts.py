from __future__ import annotations

import os
from pathlib import Path

import pytest

from dinnerkit.serving.counts import shared_counts

VARIABLE = "PROMETHEUS_MULTIPROC_DIR"


def test_the_folder_is_named_in_the_environment_and_gone_afterwards(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delenv(VARIABLE, raising=False)
    with shared_counts() as folder:
        assert os.environ[VARIABLE] == str(folder)
        (folder / "counter_1.db").touch()
    assert VARIABLE not in os.environ
    assert not folder.exists()


def test_a_folder_that_was_chosen_is_emptied_of_old_counts_and_kept(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    monkeypatch.setenv(VARIABLE, str(tmp_path / "counts"))
    with shared_counts() as folder:
        (folder / "counter_1.db").touch()
    with shared_counts() as again:
        assert list(again.iterdir()) == []
    assert os.environ[VARIABLE] == str(again)

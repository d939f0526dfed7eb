from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from dinnerkit.matching import Far, Linked, Near, solve_features
from dinnerkit.matching.solving import batches, crew

pytest.importorskip("numba")
if os.name != "posix":
    pytest.skip("memory is shared only where descriptors can be handed on", allow_module_level=True)

PEOPLE = 3000
ROOT = Path(__file__).parents[2]


@pytest.fixture
def workers(monkeypatch):
    """The other processes that are started, which get many small batches."""
    started = []

    class Watched(crew._Worker):
        def __init__(self, memory):
            super().__init__(memory)
            started.append(self._process)

    monkeypatch.setattr(crew, "_Worker", Watched)
    for module in (batches, crew):
        monkeypatch.setattr(module, "BATCH", 1)
    return started


def ask(processes, **options):
    rng = np.random.default_rng(1)
    terms = [Near(rng.random(PEOPLE), 0.4), Far(rng.random(PEOPLE), 0.6), Linked(rng.permutation(PEOPLE)[:200].reshape(-1, 2), -1.0)]
    sizes = np.full(PEOPLE // 6, 6)
    return solve_features(
        terms,
        sizes,
        sizes,
        people=PEOPLE,
        unit=np.maximum(np.arange(PEOPLE), 1),
        apart=[(2, 3), (4, 900)],
        masks=rng.integers(1, 4, (PEOPLE, 1, 1)).astype(np.uint64) | np.uint64(4),
        rounds=3,
        processes=processes,
        **options,
    )


COMPARISON = """
from dinnerkit.matching.solving import batches, crew
from tests.matching.test_crew import ask
batches.BATCH = crew.BATCH = 1
alone, two = ask(1), ask(2)
print((alone.labels == two.labels).all(), alone.objective == two.objective)
"""


def test_the_answer_does_not_depend_on_how_many_processes_work_on_it():
    ran = subprocess.run([sys.executable, "-c", COMPARISON], cwd=ROOT, capture_output=True, text=True, check=True)
    assert ran.stdout == "True True\n"


def test_the_other_processes_end_by_themselves(workers):
    ask(2)
    assert [worker.poll() for worker in workers] == [0]


def test_what_lies_about_in_the_current_folder_is_not_run(workers, tmp_path, monkeypatch):
    (tmp_path / "json.py").write_text("raise SystemExit(3)")
    monkeypatch.chdir(tmp_path)
    assert (np.bincount(ask(2).labels) == 6).all()
    assert [worker.poll() for worker in workers] == [0]


def test_what_a_killed_process_had_to_do_is_done_by_the_others(workers):
    killed = []

    def kill(part):
        if part > 0.3 and not killed:
            killed.append(workers[0].pid)
            os.kill(workers[0].pid, signal.SIGKILL)

    assert (ask(2, progress=kill).labels == ask(1).labels).all()
    assert killed
    assert workers[0].poll() == -signal.SIGKILL


def test_a_search_that_is_ended_or_cancelled_leaves_no_process_behind(workers):
    ended = ask(2, progress=lambda part: part > 0.2)
    assert (np.bincount(ended.labels) == 6).all()

    def cancel(part):
        raise ValueError("enough")

    with pytest.raises(ValueError, match="enough"):
        ask(2, progress=cancel)
    assert [worker.poll() for worker in workers] == [0, 0]


def test_without_numba_the_search_goes_on_in_this_process_alone(workers, monkeypatch):
    monkeypatch.setattr("dinnerkit.matching.solving.blocks.compiled_available", lambda: False)
    assert ask(2, progress=lambda part: True).broken == 0
    assert workers == []

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dinnerkit.matching import solve
from dinnerkit.matching.solving import annealing, budget, solver
from dinnerkit.matching.solving.state import State
from dinnerkit.matching.solving.tempering import temper

from .test_searching import problem_of, symmetric, worth

pytest.importorskip("numba")

from dinnerkit.matching.solving import compiled, slots

SIZES = [([4] * 6, [4] * 6), ([3] * 6, [6] * 6)]
ENOUGH = 4_000  # sweeps for 24 people, of which half the last temper


@pytest.fixture(autouse=True)
def _compiled(monkeypatch):
    monkeypatch.setattr(solver, "COMPILED_FROM", 0)


class Rung:
    """A search that stays where it is."""

    def __init__(self, worth):
        self.worth, self.heats = worth, []

    def anneal(self, temperatures):
        self.heats += temperatures.tolist()
        return np.zeros(len(temperatures))


@given(worths=st.lists(st.integers(0, 3), min_size=5, max_size=5), seed=st.integers(0, 100))
def test_the_better_groups_are_soon_at_the_colder_end(worths, seed):
    rungs = [Rung(1000.0 * worth) for worth in worths]
    done = temper(rungs, np.geomspace(10.0, 1.0, 5), 2, np.random.default_rng(seed), lambda done: done >= 120)
    assert done == 120
    assert [rung.worth for rung in rungs] == sorted(rung.worth for rung in rungs)


def test_groups_of_nearly_the_same_worth_wander_up_and_down_the_ladder():
    rungs = [Rung(worth) for worth in (0.1, 0.2, 0.3, 0.4, 0.5)]
    temper(list(rungs), np.geomspace(10.0, 1.0, 5), 1, np.random.default_rng(1), lambda done: done >= 1000)
    for rung in rungs:
        assert {round(heat, 3) for heat in rung.heats} == {10.0, 5.623, 3.162, 1.778, 1.0}


@pytest.mark.parametrize("module", [annealing, compiled, slots])
def test_a_twin_goes_on_from_where_its_model_is_and_leaves_it_alone(module):
    problem = problem_of(24, [4] * 4, [8] * 4, families=1)
    search = module.Search(problem, np.arange(24) % 4, np.random.default_rng(1))
    search.anneal(np.full(5, 50.0))
    at, best = search.worth, search.best.copy()
    twin = search.twin()
    assert twin.worth == pytest.approx(at)
    twin.anneal(np.full(20, 400.0))
    assert twin.worth != pytest.approx(at)
    assert search.worth == at
    assert (search.best == best).all()
    assert twin.value == pytest.approx(State(problem, twin.best).value, rel=1e-4)
    search.anneal(np.geomspace(50.0, 1.0, 50))
    assert search.value > at
    assert search.value == pytest.approx(State(problem, search.best).value, rel=1e-4)


def test_a_twin_takes_chances_of_its_own():
    search = slots.Search(problem_of(24, [6] * 4, [6] * 4), np.arange(24) % 4, np.random.default_rng(1))
    one, other = search.twin(), search.twin()
    one.anneal(np.full(20, 400.0))
    other.anneal(np.full(20, 400.0))
    assert one.worth != other.worth


@settings(max_examples=6, deadline=None)
@given(seed=st.integers(0, 1000), sizes=st.sampled_from(SIZES), party=st.booleans())
def test_what_tempering_finds_repeats_and_keeps_the_rules(seed, sizes, party):
    weights = symmetric(24, seed)
    together = [(4, 9)] if party else []
    first, again = (solve(weights, *sizes, seed=seed, sweeps=ENOUGH, together=together, apart=[(0, 1), (2, 3)]) for _ in range(2))
    assert (first.labels == again.labels).all()
    assert first.broken == 0
    assert not party or first.labels[4] == first.labels[9]
    count = np.bincount(first.labels, minlength=6)
    assert ((count >= sizes[0]) & (count <= sizes[1])).all()
    assert first.objective == pytest.approx(worth(weights, first.labels))


@pytest.mark.parametrize("sizes", SIZES)
def test_a_start_is_kept_by_tempering_where_nothing_better_is_found(sizes):
    weights = symmetric(24)
    best = solve(weights, *sizes, sweeps=ENOUGH)
    again = solve(weights, *sizes, sweeps=ENOUGH, seed=5, start=best.labels)
    assert again.objective >= best.objective - 1e-6


@pytest.mark.parametrize("amount", [{"sweeps": ENOUGH}, {"seconds": 0.4}])
@pytest.mark.parametrize("sizes", SIZES)
def test_progress_runs_on_through_tempering_and_may_end_it(monkeypatch, sizes, amount):
    monkeypatch.setattr(budget, "_LEAST_COOLING", 50)
    told = []
    weights = symmetric(24)

    def progress(fraction):
        told.append(fraction)
        return fraction > 0.9

    solution = solve(weights, *sizes, progress=progress, **amount)
    assert told == sorted(told)
    assert 0.9 < told[-1] <= 1.0
    assert sum(fraction > 0.9 for fraction in told) <= 2
    assert solution.objective == pytest.approx(worth(weights, solution.labels))


def test_where_time_is_left_to_temper_a_slow_beginning_makes_the_cooling_no_longer(monkeypatch):
    solve(symmetric(24), [4] * 6, [4] * 6, seconds=0.01)  # so that nothing is left to load
    now, sweeps, before = [0.0], [], []
    annealing_of = slots.Search.anneal

    def annealed(search, temperatures):
        now[0] += 0.001 * len(temperatures) + (0.0 if sweeps else 0.005)
        sweeps.extend(temperatures)
        return annealing_of(search, temperatures)

    def tempered(*arguments):
        before.append(len(sweeps))
        now[0] = 20.0
        return 0

    monkeypatch.setattr(slots.Search, "anneal", annealed)
    monkeypatch.setattr(budget, "measured", lambda *arguments: budget.Heat(0.4, 0.1))
    monkeypatch.setattr(budget, "temper", tempered)
    monkeypatch.setattr(budget, "_LEAST_COOLING", 1000)
    solve(symmetric(24), [4] * 6, [4] * 6, seconds=20.0, clock=lambda: now[0])
    assert len(before) == 1
    assert 950 <= before[0] <= 1050


@pytest.mark.parametrize("seconds", [0.2, 1.0])
@pytest.mark.parametrize("sizes", SIZES)
@pytest.mark.parametrize("party", [[], [(0, 1)]])
@pytest.mark.parametrize("cooling", [2000, 50])  # the fewer, the more time is left to temper
def test_a_budget_of_seconds_holds_all_that_a_call_does(monkeypatch, seconds, sizes, party, cooling):
    monkeypatch.setattr(budget, "_LEAST_COOLING", cooling)
    now = [0.0]
    engine = compiled if party else slots
    solve(symmetric(24), *sizes, seconds=0.01, together=party)  # so that nothing is left to load
    making, annealing_of = engine.Search.__init__, engine.Search.anneal

    def made(search, *arguments):
        now[0] += 0.1 * seconds
        making(search, *arguments)

    def annealed(search, temperatures):
        now[0] += 0.0005 * len(temperatures)
        return annealing_of(search, temperatures)

    monkeypatch.setattr(engine.Search, "__init__", made)
    monkeypatch.setattr(engine.Search, "anneal", annealed)
    solve(symmetric(24), *sizes, seconds=seconds, clock=lambda: now[0], together=party)
    assert 0.95 * seconds <= now[0] <= 1.05 * seconds


@pytest.mark.parametrize("sizes", SIZES)
@pytest.mark.parametrize("cooling", [2000, 5])
@pytest.mark.parametrize("share", [0.007, 0.023, 0.041])
def test_slow_sweeps_end_no_more_than_half_of_one_too_late(monkeypatch, share, cooling, sizes):
    monkeypatch.setattr(budget, "_LEAST_COOLING", cooling)
    monkeypatch.setattr(solver, "compiled_available", lambda: False)
    now, annealing_of = [0.0], annealing.Search.anneal

    def annealed(search, temperatures):
        now[0] += share * len(temperatures)
        return annealing_of(search, temperatures)

    monkeypatch.setattr(annealing.Search, "anneal", annealed)
    solve(symmetric(24), *sizes, seconds=1.0, clock=lambda: now[0])
    assert 1 - 1.5 * share <= now[0] <= 1 + 0.5 * share + 1e-9

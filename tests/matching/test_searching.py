from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dinnerkit.matching import solve
from dinnerkit.matching.solving import annealing, solver
from dinnerkit.matching.solving.sizes import filled, promising_sizes
from dinnerkit.matching.solving.state import State, contracted

pytest.importorskip("numba")

from dinnerkit.matching.solving import compiled, slot_sums, slots


def symmetric(n, seed=0, low=0.0):
    values = np.random.default_rng(seed).uniform(low, 100.0, (n, n))
    return np.triu(values, 1) + np.triu(values, 1).T


def worth(weights, labels):
    return np.triu(weights * (labels[:, None] == labels[None, :]), 1).sum()


@pytest.fixture
def _compiled(monkeypatch):
    monkeypatch.setattr(solver, "COMPILED_FROM", 0)


def problem_of(n, low, high, *, seed=0, factor=None, families=0, apart=(), unit_of=None):
    masks = np.random.default_rng(seed).integers(1, 16, size=(n, families, 1)).astype(np.uint64)
    factor = np.ones(max(high) + 1) if factor is None else factor
    pairs = np.array(apart, np.int64).reshape(-1, 2)
    units = np.arange(n) if unit_of is None else unit_of
    return contracted(symmetric(n, seed), units, pairs, masks, (np.array(low), np.array(high)), factor)


FACTOR = np.array([0, 0, 2, 1, 2 / 3, 0.5, 0.4, 1 / 3, 2 / 7])

ALIKE, FIXED, DIFFERENT, TRADED = ([4] * 4, [8] * 4), ([6] * 4, [6] * 4), ([4, 5, 6, 3], [8, 6, 7, 6]), ([7, 6, 6, 5], [7, 6, 6, 5])


@settings(max_examples=30, deadline=None)
@given(
    seed=st.integers(0, 10_000),
    families=st.integers(0, 2),
    factor=st.sampled_from([None, FACTOR]),
    bounds=st.sampled_from([ALIKE, FIXED, DIFFERENT, TRADED]),
    temperature=st.sampled_from([0.0, 20.0, 400.0]),
)
def test_the_fast_search_knows_what_its_groups_are_worth(seed, families, factor, bounds, temperature):
    problem = problem_of(24, *bounds, seed=seed, factor=factor, families=families, apart=[(0, 1), (2, 3)])
    start = filled(problem.minimum if bounds is TRADED else np.full(4, 6), np.random.default_rng(seed))
    search = slots.Search(problem, start, np.random.default_rng(seed))
    assert search.value == pytest.approx(State(problem, start).value, rel=1e-4)
    shares = search.anneal(np.full(30, temperature))
    assert ((shares >= 0) & (shares <= 2)).all()
    sizes = np.bincount(search.best, minlength=4)
    assert ((problem.minimum <= sizes) & (sizes <= problem.maximum)).all()
    assert search.value == pytest.approx(State(problem, search.best).value, rel=1e-4)
    assert search.value >= State(problem, start).value - 1.0
    kept = {name: np.array(getattr(search._tables, name)) for name in ("gain", "own", "inside", "common", "broken")}
    slot_sums.refresh(search._tables)
    for name, before in kept.items():
        assert getattr(search._tables, name).ravel() == pytest.approx(before.ravel(), rel=1e-3, abs=1.0), name


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 10_000), temperature=st.sampled_from([0.0, 20.0, 400.0]))
def test_a_seat_where_nobody_is_takes_part_in_no_swap_even_where_one_alone_is_worth_nothing(seed, temperature):
    problem = problem_of(9, [1] * 5, [3] * 5, seed=seed, factor=np.array([0.0, 0.0, 1.0, 0.5]))
    search = slots.Search(problem, np.array([0, 1, 1, 1, 2, 3, 3, 3, 4]), np.random.default_rng(seed))
    search.anneal(np.full(30, temperature))
    sizes = np.bincount(search.best, minlength=5)
    assert sizes.min() >= 1
    assert sizes.max() <= 3
    search.restart(search.best)
    assert search.value == pytest.approx(search.worth, rel=1e-5)
    assert search.value == pytest.approx(State(problem, search.best).value, rel=1e-4)


def test_a_move_may_have_two_groups_trade_their_sizes():
    weights = np.zeros((5, 5))
    for one, other in [(0, 1), (3, 4), (2, 3), (2, 4)]:
        weights[one, other] = weights[other, one] = 10.0
    nobody, no_masks, sizes = np.zeros((0, 2), np.int64), np.zeros((5, 0, 1), np.uint64), np.array([3, 2])
    problem = contracted(weights, np.arange(5), nobody, no_masks, (sizes, sizes), np.ones(4))
    search = slots.Search(problem, np.array([0, 0, 0, 1, 1]), np.random.default_rng(0))
    search.anneal(np.zeros(3))  # no swap gains: the third one has to go over to the other group
    assert search.best.tolist() == [1, 1, 0, 0, 0]
    search.restart(search.best)
    assert search.worth == search.value == 40.0


@pytest.mark.parametrize("module", [annealing, compiled, slots])
def test_without_heat_a_search_only_climbs_and_ends_where_no_swap_and_no_move_gains(module):
    problem = problem_of(24, [4] * 4, [8] * 4)
    search = module.Search(problem, np.arange(24) % 4, np.random.default_rng(1))
    values = [search.value]
    while search.anneal(np.zeros(1))[0] > 0:
        values.append(search.value)
    assert values == sorted(values)
    state = State(problem, search.best)
    assert max(annealing._swap_gains(state, unit).max() for unit in range(24)) <= 0.1
    moves = [annealing._move_gains(state, unit) for unit in range(24)]
    assert max(gains.max() for gains in moves if gains is not None) <= 0.1


def test_all_searches_find_the_same_optimum_of_a_few():
    problem = problem_of(12, [4] * 3, [4] * 3)
    found = []
    for module in (annealing, compiled, slots):
        search = module.Search(problem, np.arange(12) % 3, np.random.default_rng(1))
        search.anneal(np.concatenate([np.geomspace(100, 10, 300), np.zeros(5)]))
        found.append(search.value)
    assert found == pytest.approx([found[0]] * 3, rel=1e-5)


@settings(max_examples=25, deadline=None)
@given(
    seed=st.integers(0, 10_000),
    party=st.lists(st.integers(0, 23), min_size=2, max_size=3, unique=True),
    enemies=st.lists(st.tuples(st.integers(0, 23), st.integers(0, 23)).filter(lambda pair: pair[0] != pair[1]), max_size=4),
    seconds=st.sampled_from([None, 0.02]),
)
def test_compiled_answers_keep_sizes_parties_and_pairs_apart(seed, party, enemies, seconds):
    before = solver.COMPILED_FROM
    solver.COMPILED_FROM = 0
    try:
        together = [party] if seed % 2 else []
        enemies = [pair for pair in enemies if not (together and set(pair) <= set(party))]
        weights = symmetric(24, seed, -100.0)
        solution = solve(weights, [4] * 4, [8] * 4, seed=seed, seconds=seconds, sweeps=30, together=together, apart=enemies)
    finally:
        solver.COMPILED_FROM = before
    sizes = np.bincount(solution.labels, minlength=4)
    assert ((sizes >= 4) & (sizes <= 8)).all()
    assert solution.broken == 0
    assert all(solution.labels[one] != solution.labels[other] for one, other in enemies)
    assert not together or len(set(solution.labels[party])) == 1
    assert solution.objective == pytest.approx(worth(weights, solution.labels))
    assert solution.run.engine == "numba"


@pytest.mark.usefixtures("_compiled")
@pytest.mark.parametrize("sizes", [([6] * 8, [6] * 8), ([4] * 8, [9] * 8)])
def test_the_same_seed_and_sweeps_give_the_same_groups(sizes):
    weights = symmetric(48)
    first, again, other = (solve(weights, *sizes, seed=seed, sweeps=250) for seed in (3, 3, 4))
    assert (first.labels == again.labels).all()
    assert (first.labels != other.labels).any()


@pytest.mark.usefixtures("_compiled")
@pytest.mark.parametrize("seconds", [None, 0.05])
@pytest.mark.parametrize("sizes", [([6] * 8, [6] * 8), ([4] * 8, [9] * 8)])
def test_a_start_is_never_made_worse_and_progress_runs_from_nothing_to_all(seconds, sizes):
    weights, told = symmetric(48), []
    start = solve(weights, *sizes, sweeps=300).labels
    solution = solve(weights, *sizes, start=start, seconds=seconds, sweeps=10, seed=9, progress=told.append)
    assert solution.objective >= worth(weights, start) - 1e-6
    assert told == sorted(told)
    assert told[-1] == 1.0
    assert all(0 <= fraction <= 1 for fraction in told)


class Enough(Exception):
    pass


@pytest.mark.usefixtures("_compiled")
@pytest.mark.parametrize("sizes", [([6] * 8, [6] * 8), ([4] * 8, [9] * 8)])
def test_raising_from_progress_cancels(sizes):
    def progress(fraction):
        raise Enough

    with pytest.raises(Enough):
        solve(symmetric(48), *sizes, seconds=60.0, progress=progress)


@pytest.mark.usefixtures("_compiled")
@pytest.mark.parametrize("budget", [{"seconds": 600.0}, {"sweeps": 10_000_000}])
@pytest.mark.parametrize("sizes", [([6] * 8, [6] * 8), ([4] * 8, [9] * 8)])
def test_a_true_answer_from_progress_ends_with_the_best_so_far(sizes, budget):
    told = []

    def progress(fraction):
        told.append(fraction)
        return True

    weights = symmetric(48)
    solution = solve(weights, *sizes, progress=progress, **({"sweeps": 10_000} if "sweeps" in budget else budget))
    assert len(told) < 5
    assert solution.objective == pytest.approx(worth(weights, solution.labels))


@pytest.mark.usefixtures("_compiled")
def test_time_is_told_by_the_clock_that_is_given():
    now = [0.0]

    def clock():
        now[0] += 0.01
        return now[0]

    solution = solve(symmetric(48), [6] * 8, [6] * 8, seconds=1.0, clock=clock)
    assert solution.run.seconds == pytest.approx(1.0, abs=0.1)


def test_promising_sizes_are_different_choices_within_bounds_with_the_most_pairs_first():
    low, high = [2, 3, 2, 4], [9, 8, 6, 5]
    problem = problem_of(18, low, high)
    choices = promising_sizes(problem, 200.0, 6, np.random.default_rng(0))
    pairs = [int((sizes * (sizes - 1) // 2).sum()) for sizes in choices]
    assert pairs[0] == max(
        sum(s * (s - 1) // 2 for s in (a, b, c, 18 - a - b - c))
        for a in range(2, 10)
        for b in range(3, 9)
        for c in range(2, 7)
        if 4 <= 18 - a - b - c <= 5
    )
    assert len({tuple(sizes) for sizes in choices}) == len(choices) > 1
    for sizes in choices:
        assert sizes.sum() == 18
        assert ((sizes >= low) & (sizes <= high)).all()


def test_where_no_folder_can_hold_compiled_code_it_is_compiled_all_the_same():
    code = (
        "from numba.core import caching\n"
        "caching.CacheImpl._locator_classes = []\n"
        "from dinnerkit.matching.solving import compiled, kernels\n"
        "import numpy as np\n"
        "bits = np.ones((1, 1), np.uint64)\n"
        "print(kernels.KEPT, kernels.JIT['cache'], compiled.meets(bits, bits))"
    )
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert told.stdout.split() == ["False", "False", "True"], told.stderr

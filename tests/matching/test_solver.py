from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dinnerkit.matching import RuleInvalid, RunRecord, solve
from dinnerkit.matching.solving import annealing, few, solver

from .judging_groups import Case


def symmetric(n, seed=0):
    values = np.random.default_rng(seed).random((n, n)) * 100
    return np.triu(values, 1) + np.triu(values, 1).T


def worth(weights, labels):
    same = labels[:, None] == labels[None, :]
    return np.triu(weights * same, 1).sum()


@pytest.fixture
def searching(monkeypatch):
    """Few or many, groups are searched for."""
    monkeypatch.setattr(few, "MOST_UNITS", 0)


@pytest.fixture(params=["numpy", "numba"])
def engine(request, monkeypatch, searching):
    if request.param == "numba":
        pytest.importorskip("numba")
        monkeypatch.setattr(solver, "COMPILED_FROM", 0)
    else:
        monkeypatch.setattr(solver, "compiled_available", lambda: False)
    return request.param


def test_the_optimum_of_nine_is_found(engine):
    weights = symmetric(9)
    best = max(
        worth(weights, np.array(labels)) for labels in itertools.product(range(3), repeat=9) if labels.count(0) == labels.count(1) == 3
    )
    solution = solve(weights, [3, 3, 3], [3, 3, 3])
    assert solution.objective == pytest.approx(best)
    assert solution.run.engine == engine


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 1000), st.integers(6, 20), st.data())
def test_sizes_pairs_together_and_pairs_apart_are_kept_and_the_objective_is_the_sum_inside_groups(seed, n, data):
    low, high = np.array([1, 2, 0]), np.array([n, n // 2, n])
    together = data.draw(st.lists(st.tuples(st.integers(0, n - 1), st.integers(0, 1)), max_size=1))
    solution = solve(symmetric(n, seed), low, high, seed=seed, together=together, apart=[(2, 3)], sweeps=20)
    sizes = np.bincount(solution.labels, minlength=3)
    assert ((low <= sizes) & (sizes <= high)).all()
    assert all(solution.labels[one] == solution.labels[other] for one, other in together)
    linked = {frozenset(pair) for pair in together} == {frozenset({2, 3})}
    assert linked or solution.labels[2] != solution.labels[3]
    assert solution.objective == pytest.approx(worth(symmetric(n, seed), solution.labels))


def test_groups_share_a_bit_of_every_family(engine):
    bits = np.where(np.arange(24) % 2, 0b101, 0b010).astype(np.uint64).reshape(24, 1, 1)
    bits = np.concatenate([bits, np.where(np.arange(24) < 12, 0b011, 0b110).astype(np.uint64).reshape(24, 1, 1)], axis=1)
    start = np.arange(24) % 4
    solution = solve(symmetric(24), [4] * 4, [8] * 4, masks=bits, start=start)
    assert solution.broken == 0
    assert solution.objective > worth(symmetric(24), start)
    assert all(len({one % 2 for one in np.flatnonzero(solution.labels == group)}) == 1 for group in range(4))


def test_the_tables_of_gains_stay_true_through_every_step(engine):
    rng = np.random.default_rng(4)
    unit_of = np.sort(np.concatenate([np.arange(20), [0, 0, 1, 5]]))
    masks = rng.integers(1, 16, size=(24, 1, 1)).astype(np.uint64)
    factor = np.array([0, 0, 2, 1, 2 / 3, 0.5, 0.4, 1 / 3, 2 / 7])
    solution = solve(
        symmetric(24),
        [3] * 4,
        [8] * 4,
        together=[np.flatnonzero(unit_of == unit) for unit in range(20)],
        masks=masks,
        factor=factor,
    )
    expected = sum(
        factor[(solution.labels == group).sum()] * np.triu(symmetric(24)[np.ix_(*[solution.labels == group] * 2)]).sum()
        for group in range(4)
    )
    assert solution.objective == pytest.approx(expected)


def test_what_the_state_says_a_step_gains_is_what_it_gains():
    rng = np.random.default_rng(7)
    unit_of = np.array([0, 0, 0, 1, 1, *range(2, 17)])
    masks = rng.integers(1, 8, size=(20, 1, 1)).astype(np.uint64)
    factor = np.where(np.arange(11) > 1, 2.0 / np.maximum(np.arange(11) - 1, 1), 0.0)
    bounds = np.full(4, 3), np.full(4, 10)
    problem = solver.contracted(symmetric(20), unit_of, np.array([[5, 9]]), masks, bounds, factor)
    state = annealing.State(problem, np.arange(17) % 4)
    for unit in range(17):
        gains = annealing._swap_gains(state, unit)
        for other in np.flatnonzero(np.isfinite(gains)):
            after = state.group.copy()
            after[[unit, other]] = after[[other, unit]]
            assert annealing.State(problem, after).value - state.value == pytest.approx(gains[other], abs=1e-6)
        moves = annealing._move_gains(state, unit)
        for target in np.flatnonzero(np.isfinite(moves)) if moves is not None else []:
            after = state.group.copy()
            after[unit] = target
            assert annealing.State(problem, after).value - state.value == pytest.approx(moves[target], abs=1e-6)


def test_a_seed_repeats_and_a_start_is_never_made_worse(engine):
    weights = symmetric(60)
    first = solve(weights, [10] * 6, [10] * 6, seed=5)
    again = solve(weights, [10] * 6, [10] * 6, seed=5)
    assert (first.labels == again.labels).all()
    after = solve(weights, [10] * 6, [10] * 6, start=first.labels, seed=6, sweeps=5)
    assert after.objective >= first.objective


def test_both_engines_come_close_to_each_other(monkeypatch):
    pytest.importorskip("numba")
    weights = symmetric(48)
    compiled = solve(weights, [6] * 8, [6] * 8, sweeps=300)
    monkeypatch.setattr(solver, "compiled_available", lambda: False)
    plain = solve(weights, [6] * 8, [6] * 8, sweeps=300)
    assert plain.objective == pytest.approx(compiled.objective, rel=0.02)


def test_weights_that_are_all_the_same_are_no_obstacle(engine):
    assert solve(np.ones((6, 6)), [3, 3], [3, 3]).objective == pytest.approx(6.0)
    assert solve(np.zeros((2, 2)), [1, 1], [1, 1]).objective == 0.0


def test_nothing_to_group_is_an_empty_answer():
    solution = solve(np.zeros((0, 0)), [0], [3])
    assert (len(solution.labels), solution.objective) == (0, 0.0)


@pytest.mark.parametrize(
    ("weights", "low", "high", "message"),
    [
        (np.ones((3, 2)), [1], [3], "square"),
        (np.full((3, 3), np.nan), [1], [3], "finite"),
        (np.arange(9.0).reshape(3, 3), [1], [3], "symmetric"),
        (np.ones((3, 3)), [1, 1], [3], "minimum and a maximum"),
        (np.ones((3, 3)), [3], [2], "minimum and a maximum"),
        (np.ones((3, 3)), [1], [2], "3 can't be divided"),
        (np.ones((3, 3)), [2, 2], [3, 3], "3 can't be divided into groups that hold from 4 to 6 in all"),
        (np.ones((3, 3)), [4], [5], "3 can't be divided into groups that hold from 4 to 5 in all"),
        (np.ones((3, 3)), [1.5], [1.5], "a whole number from its minimum to its maximum size"),
        (np.ones((3, 3)), [], [], "3 can't be divided"),
        (np.ones((3, 3)), [np.nan], [3], "minimum and a maximum"),
        (np.full((3, 3), np.inf), [1], [3], "finite"),
        (np.ones((3, 3)) * 1j, [1], [3], "real numbers"),
        ([[0, 1], [1]], [1], [3], "rows of the same length"),
        ([["a", "b"], ["b", "a"]], [1], [3], "must be numbers"),
    ],
)
def test_arguments_that_contradict_themselves_are_refused(weights, low, high, message):
    with pytest.raises(RuleInvalid, match=message):
        solve(weights, low, high)


@pytest.mark.parametrize(
    ("argument", "message"),
    [
        ({"together": [(0, 6)]}, "together must hold indexes from 0 to 5"),
        ({"together": [(-1, 2)]}, "together must hold indexes from 0 to 5"),
        ({"apart": [(0, 6)]}, "apart must name two different indexes from 0 to 5 each"),
        ({"apart": [(2, 2)]}, "apart must name two different"),
        ({"apart": [(0, 1, 2)]}, "apart must be pairs of whole numbers"),
        ({"apart": [(0, 1), (2,)]}, "apart must be pairs of whole numbers"),
        ({"apart": [(0.7, 1.2)]}, "apart must be pairs of whole numbers"),
        ({"together": [(0.5, 1)]}, "together must hold indexes from 0 to 5"),
        ({"together": [0, 1]}, "together must hold pairs, or more, of indexes, not 0"),
        ({"sweeps": 1.5}, "sweeps must be a whole number"),
        ({"masks": [[[1]]] * 6}, "masks must be uint64 of shape"),
        ({"seconds": -1.0}, "seconds"),
        ({"seconds": float("nan")}, "seconds"),
        ({"seconds": float("inf")}, "seconds"),
        ({"sweeps": -1}, "sweeps"),
        ({"heat": -0.5}, "heat"),
        ({"heat": float("nan")}, "heat"),
        ({"seed": -1}, "seed"),
        ({"factor": np.ones(2)}, "factor must give each size from 0 to 3"),
        ({"factor": np.full(4, np.nan)}, "factor"),
        ({"masks": np.ones((5, 1, 1), np.uint64)}, "masks must be uint64 of shape"),
        ({"start": [0, 0, 0, 1, 1, 0.5]}, "start must give each a group"),
        ({"start": [0, 0, 0, 1, 1, np.nan]}, "start must give each a group"),
    ],
)
def test_an_argument_that_makes_no_sense_is_refused_by_name(argument, message):
    with pytest.raises(RuleInvalid, match=message):
        solve(symmetric(6), [3, 3], [3, 3], **argument)


@pytest.mark.parametrize("scale", [1e-300, 1e-12, 1e37, 1e300])
def test_the_scale_of_the_weights_does_not_matter(engine, scale):
    usual, scaled = (solve(symmetric(12) * factor, [4] * 3, [4] * 3, sweeps=100) for factor in (1.0, scale))
    assert scaled.objective == pytest.approx(usual.objective * scale, rel=1e-6, abs=0.0)


@pytest.mark.parametrize("own", [np.nan, -np.inf, 1e15])
def test_what_one_is_worth_to_oneself_is_ignored(engine, own):
    weights = symmetric(12)
    usual = solve(weights, [4] * 3, [4] * 3, sweeps=50)
    np.fill_diagonal(weights, own)
    found = solve(weights, [4] * 3, [4] * 3, sweeps=50)
    assert (found.labels.tolist(), found.objective) == (usual.labels.tolist(), usual.objective)
    assert (np.isnan(np.diag(weights)) if np.isnan(own) else np.diag(weights) == own).all()


@pytest.mark.parametrize(
    ("weights", "message"),
    [
        (np.triu(symmetric(6), 1) * 1e-12, "must be symmetric"),
        (symmetric(6) + np.triu(np.ones((6, 6)), 1), "must be symmetric"),
        (np.full((6, 6), 1e308), "must add up to a finite number; the largest is 1e[+]308"),
    ],
)
def test_weights_that_are_not_symmetric_or_too_large_are_refused_whatever_their_scale(weights, message):
    with pytest.raises(RuleInvalid, match=message):
        solve(weights, [3, 3], [3, 3])


@pytest.mark.filterwarnings("ignore::numba.NumbaPerformanceWarning")
def test_a_pair_is_kept_apart_in_groups_of_hundreds_who_would_all_rather_have_both(engine):
    """Two of whom all of one half want both, and all of the other half neither."""
    half = np.arange(1200) < 600
    weights = np.where(half[:, None] == half, 0.9, 0.0)
    weights[:2] = np.where(half, 1.0, -1.0)
    weights[:, :2] = weights[:2].T
    solution = solve(weights, [500, 500], [700, 700], apart=[(0, 1)], start=(~half).astype(int), sweeps=2)
    assert solution.broken == 0


def test_a_pair_is_kept_apart_where_sums_count_for_less_in_groups_of_its_size(engine):
    """Groups of three count for a ten-thousandth of what groups of four do."""
    weights, factor = symmetric(15, 3), np.array([0, 0, 1, 1e-4, 1])
    solution = solve(weights, [3] * 4, [4] * 4, apart=[(0, one) for one in range(1, 5)], factor=factor, sweeps=30, seed=3)
    assert solution.broken == 0


def test_one_alone_is_a_group(engine):
    assert solve([[0.0]], [1], [1]).labels.tolist() == [0]
    assert solve([[0.0]], [0, 0], [1, 3], seconds=0.01).objective == 0.0


@pytest.mark.parametrize("number", range(60))
def test_of_a_few_the_groups_break_the_least_and_are_the_best_there_are(number):
    case = Case.drawn(number)
    best = case.best()
    if best is None:
        with pytest.raises(RuleInvalid, match="can't be fitted"):
            solve(case.weights, case.low, case.high, **case.options)
        return
    solution = solve(case.weights, case.low, case.high, **case.options)
    assert (solution.broken, solution.objective) == pytest.approx(best)
    assert case.keeps(solution.labels)
    assert case.told(solution.labels) == pytest.approx(best)


def test_a_few_need_no_search_and_say_so():
    told = []
    solution = solve(symmetric(8), [2] * 3, [4] * 3, seed=3, progress=told.append, best=told.append)
    assert solution.run == RunRecord(3, 0, solution.run.seconds, "numpy")
    assert told == [pytest.approx(solution.objective), 1.0]


def test_where_time_is_short_not_every_way_is_tried_of_a_few():
    times = itertools.chain([0.0], itertools.count(60.0, 0.5))
    solution = solve(symmetric(8), [2] * 3, [4] * 3, seconds=100.0, clock=lambda: next(times))
    assert solution.run.sweeps > 0
    assert sorted(np.bincount(solution.labels)) in ([2, 2, 4], [2, 3, 3])


def test_members_who_fit_no_group_together_are_refused():
    with pytest.raises(RuleInvalid, match="can't be fitted"):
        solve(symmetric(6), [3, 3], [3, 3], together=[(0, 1, 2, 3)])


def test_members_for_whom_no_group_is_found_are_refused(searching):
    with pytest.raises(RuleInvalid, match="could not be fitted"):
        solve(symmetric(6), [3, 3], [3, 3], together=[(0, 1, 2, 3)])


@pytest.mark.parametrize("start", [[0, 0, 0, 0], [0, 1], [0, 1, 2, 0], [0, 1, 0, 1]])
def test_a_start_that_breaks_a_rule_is_refused(start):
    with pytest.raises(RuleInvalid, match="start"):
        solve(symmetric(4), [2, 2], [2, 2], start=start, together=[(0, 1)])


@pytest.mark.parametrize("seed", range(4))
def test_who_must_be_together_and_apart_at_once_is_told_and_spoils_nothing_else(engine, seed):
    weights, start = symmetric(14, seed), [0] * 5 + [1] * 5 + [2] * 4
    both = solve(weights, [3] * 3, [8] * 3, together=[(0, 1)], apart=[(0, 1)], start=start)
    only = solve(weights, [3] * 3, [8] * 3, together=[(0, 1)], start=start)
    assert (both.broken, only.broken) == (1, 0)
    assert both.labels.tolist() == only.labels.tolist()

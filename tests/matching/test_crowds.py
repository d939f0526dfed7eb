from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dinnerkit.matching import Common, Far, Kinds, Linked, Near, RuleInvalid, solve, solve_features
from dinnerkit.matching.solving import blocks, solver


@pytest.fixture(params=["numba", "numpy"])
def engine(request, monkeypatch):
    if request.param == "numpy":
        monkeypatch.setattr(blocks, "compiled_available", lambda: False)
        monkeypatch.setattr(solver, "compiled_available", lambda: False)
        monkeypatch.setattr("dinnerkit.matching.solving.crowds.compiled_available", lambda: False)
    else:
        pytest.importorskip("numba")
    return request.param


def worth(terms, one, other):
    """What two people are worth to each other, told as the documentation tells it."""
    total = 0.0
    for term in terms:
        if isinstance(term, Near | Far):
            difference = abs(float(term.values[one]) - float(term.values[other])) / term.width
            share = term.unset if math.isnan(difference) else min(difference, 1.0) if isinstance(term, Far) else 1.0 - min(difference, 1.0)
            total += term.weight * share
        elif isinstance(term, Kinds):
            mine, theirs = term.codes[one], term.codes[other]
            total += term.unset if min(mine, theirs) < 0 else term.table[mine][theirs]
        elif isinstance(term, Common):
            shared = min(term.enough, int((term.flags[one] & term.flags[other]).sum()))
            known = term.told is None or (term.told[one] and term.told[other])
            total += term.weight * (shared / term.enough if known else term.unset)
        else:
            total += term.weight * bool({(one, other), (other, one)} & {tuple(pair) for pair in term.pairs})
    return total


def objective(terms, labels, factor=None):
    sizes = np.bincount(labels)
    pairs = itertools.combinations(range(len(labels)), 2)
    inside = [(one, other) for one, other in pairs if labels[one] == labels[other]]
    return sum(worth(terms, *pair) * (1.0 if factor is None else factor[sizes[labels[pair[0]]]]) for pair in inside)


def some_terms(people, rng, links=0.5):
    values = rng.random(people)
    values[rng.random(people) < 0.2] = np.nan
    pairs = rng.integers(people, size=(int(people * links), 2))
    return [
        Near(values, 0.4, 2.0),
        Far(rng.random(people), 0.7, 1.5, unset=0.1),
        Kinds(rng.integers(-1, 3, people), [[1.0, 0.2, 0.0], [0.2, -1.0, 0.5], [0.0, 0.5, 0.3]], unset=0.4),
        Common(rng.random((people, 70)) < 0.05, 2, 3.0, rng.random(people) < 0.8),
        Linked(pairs[pairs[:, 0] != pairs[:, 1]], -2.0),
    ]


@st.composite
def tasks(draw):
    """Terms, sizes and constraints that some groups keep: those of a hidden answer."""
    groups = draw(st.integers(1, 7))
    sizes = np.array(draw(st.lists(st.integers(1, 6), min_size=groups, max_size=groups)))
    hidden = np.repeat(np.arange(groups), sizes)
    people = len(hidden)
    rng = np.random.default_rng(draw(st.integers(0, 1 << 20)))
    low = np.maximum(0, sizes - rng.integers(0, 2, groups))
    high = sizes + rng.integers(0, 3, groups)
    unit = np.arange(people)
    for one in range(1, people):
        if hidden[one] == hidden[one - 1] and rng.random() < draw(st.sampled_from([0.0, 0.3])):
            unit[one] = unit[one - 1]
    pairs = np.array([pair for pair in itertools.combinations(range(people), 2) if hidden[pair[0]] != hidden[pair[1]]]).reshape(-1, 2)
    apart = pairs[rng.random(len(pairs)) < 0.1]
    masks = (np.uint64(1) << hidden.astype(np.uint64) % np.uint64(3)) | rng.integers(1, 8, people).astype(np.uint64)
    return some_terms(people, rng), low, high, {"people": people, "unit": unit, "apart": apart, "masks": masks[:, None, None]}, hidden


@settings(max_examples=40, deadline=None)
@given(task=tasks(), seed=st.integers(0, 5))
def test_groups_keep_their_sizes_and_parties_and_are_worth_what_is_told(task, seed):
    terms, low, high, options, hidden = task
    factor = np.linspace(1.0, 0.3, int(high.max()) + 1)
    found = solve_features(terms, low, high, seed=seed, rounds=2, start=hidden, factor=factor, **options)
    sizes = np.bincount(found.labels, minlength=len(low))
    assert ((low <= sizes) & (sizes <= high)).all()
    assert all(len(set(found.labels[options["unit"] == unit])) == 1 for unit in set(options["unit"]))
    assert found.broken == 0
    assert all(found.labels[one] != found.labels[other] for one, other in options["apart"])
    assert all(np.bitwise_and.reduce(options["masks"][found.labels == label, 0, 0]) for label in set(found.labels))
    assert found.objective == pytest.approx(objective(terms, found.labels, factor), rel=1e-4, abs=1e-4)
    assert found.objective >= objective(terms, hidden, factor) - 1e-3


@pytest.mark.parametrize("people", [30, 700])
def test_the_answer_depends_on_the_seed_and_the_rounds_alone(engine, people):
    terms = some_terms(people, np.random.default_rng(1))
    sizes = [people // 5 // 2] * 10
    ask = {"people": people, "rounds": 1, "seed": 4}
    first, again = (solve_features(terms, sizes, sizes, **ask) for _ in range(2))
    assert (first.labels == again.labels).all()
    assert first.run.engine == engine
    assert (first.labels != solve_features(terms, sizes, sizes, **ask | {"seed": 5}).labels).any()


def test_few_people_get_groups_as_good_as_those_of_the_search_with_a_matrix(engine):
    rng = np.random.default_rng(2)
    terms = some_terms(24, rng)
    matrix = np.array([[worth(terms, one, other) for other in range(24)] for one in range(24)])
    dense = solve(matrix, [6] * 4, [6] * 4, sweeps=400)
    found = solve_features(terms, [6] * 4, [6] * 4, people=24, rounds=60)
    assert found.objective == pytest.approx(objective(terms, found.labels), rel=1e-5)
    assert found.objective >= 0.97 * dense.objective


def test_many_people_get_better_groups_than_their_neighbours_and_none_of_whom_they_met(engine):
    people = 1200 if engine == "numba" else 620
    rng = np.random.default_rng(3)
    values, ages = rng.random(people), rng.integers(18, 80, people)
    met = np.stack([np.arange(people), np.argsort(np.argsort(values))], axis=1)
    met = met[met[:, 0] != met[:, 1]]
    sizes = np.full(people // 5, 5)
    terms = [Near(values, 0.3), Far(ages, 30.0)]
    begun = solve_features(terms, sizes, sizes, people=people, rounds=0, apart=met)
    found = solve_features(terms, sizes, sizes, people=people, rounds=2, apart=met)
    assert found.broken == 0
    assert found.objective > 1.02 * begun.objective


def test_parties_change_places_with_parties_and_with_as_many_single_people():
    people = 96
    rng = np.random.default_rng(4)
    unit = np.repeat(np.arange(people // 2), 2)
    unit[:12] = 1000 + np.arange(12)
    values = rng.random(people // 2)[np.arange(people) // 2]
    terms, sizes = [Near(values, 0.2)], [6] * 16
    begun = np.arange(people) // 6
    found = solve_features(terms, sizes, sizes, people=people, unit=unit, start=begun, rounds=8)
    assert all(len(set(found.labels[unit == number])) == 1 for number in set(unit.tolist()))
    free = solve_features(terms, sizes, sizes, people=people, start=begun, rounds=8)
    assert objective(terms, begun) < 0.8 * found.objective
    assert found.objective > 0.9 * free.objective


def test_the_worst_groups_can_be_lifted_at_little_cost_to_the_others():
    people = 1200
    rng = np.random.default_rng(7)
    terms = [Near(rng.normal(size=people), 2.0), Near(rng.normal(size=people), 2.0), Far(rng.normal(size=people), 2.0)]
    sizes = [6] * 200

    def worst_and_all(lift):
        found = solve_features(terms, sizes, sizes, people=people, rounds=6, lift=lift)
        members = np.argsort(found.labels, kind="stable").reshape(-1, 6)
        each = [sum(worth(terms, *pair) for pair in itertools.combinations(row.tolist(), 2)) for row in members]
        return np.mean(sorted(each)[:10]), found.objective

    (worst, everything), (lifted, less) = worst_and_all(0.0), worst_and_all(2.0)
    assert lifted > worst
    assert less > 0.99 * everything


@pytest.mark.parametrize("people", [0, 1, 2, 7])
def test_a_few_people_or_one_or_none_get_the_groups_there_are(engine, people):
    found = solve_features([Near(np.zeros(people), 1.0)], [0, 1][: people + 1], [people + 1] * min(2, people + 1), people=people)
    assert len(found.labels) == people
    assert found.objective == pytest.approx(objective([Near(np.zeros(people), 1.0)], found.labels))


def test_people_who_are_all_alike_or_of_whom_nothing_is_known_are_divided_all_the_same(engine):
    for values in (np.full(50, 3.0), np.full(50, np.nan)):
        found = solve_features([Near(values, 1.0)], [5] * 9, [6] * 9, people=50, rounds=1)
        assert sorted(np.bincount(found.labels)) == [5] * 4 + [6] * 5
    assert np.isfinite(found.objective)


def test_progress_rises_to_one_and_can_end_or_cancel_the_search(engine):
    people = 620
    terms, sizes = some_terms(people, np.random.default_rng(5)), [5] * 124
    told = []
    solve_features(terms, sizes, sizes, people=people, rounds=1, progress=told.append)
    assert told == sorted(told)
    assert told[-1] == 1.0
    ended = solve_features(terms, sizes, sizes, people=people, rounds=1000, progress=lambda part: True)
    assert sorted(np.bincount(ended.labels)) == sizes

    def cancel(part):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        solve_features(terms, sizes, sizes, people=people, progress=cancel)


def test_a_search_by_the_clock_goes_on_until_the_time_is_up():
    people = 600
    terms, sizes = some_terms(people, np.random.default_rng(6)), [6] * 100
    ticks = itertools.count()
    told = []
    found = solve_features(terms, sizes, sizes, people=people, seconds=20.0, clock=lambda: float(next(ticks)), progress=told.append)
    assert told[-1] == 1.0
    assert 1 < len(told) < 20
    assert found.objective > solve_features(terms, sizes, sizes, people=people, rounds=0).objective


@pytest.mark.parametrize(
    ("terms", "options", "message"),
    [
        ([Near([0.0, 1.0, 2.0], 1.0)], {}, r"the values of Near must be of shape \(4,\), not \(3,\)"),
        ([Near([0.0, 1.0, 2.0, math.inf], 1.0)], {}, "values of Near must be finite, or NaN where unset"),
        ([Near([0.0] * 4, 0.0)], {}, "the width of Near must be above 0"),
        ([Far([0.0] * 4, 1.0, math.nan)], {}, "the weight of Far must be a number, not nan"),
        ([Kinds([0, 1, 2, 3], [[1.0, 0.0], [0.0, 1.0]])], {}, "codes of Kinds must be whole numbers from -1 to 1"),
        ([Kinds([0.5] * 4, [[1.0]])], {}, "codes of Kinds must be whole numbers"),
        ([Kinds([0] * 4, [[1.0, 2.0], [0.0, 1.0]])], {}, "the table of Kinds must be symmetric"),
        ([Kinds([0] * 4, [[math.nan]])], {}, "the table of Kinds must be symmetric and finite"),
        ([Kinds([0] * 4, [1.0, 2.0])], {}, "the table of Kinds must be square"),
        ([Common([[True]] * 3)], {}, r"flags of Common must be of shape \(4, things\)"),
        ([Common([[True]] * 4, enough=0)], {}, "enough of Common must be at least 1"),
        ([Common([[True]] * 4, told=[True])], {}, r"told of Common must be of shape \(4,\)"),
        ([Near(["a"] * 4, 1.0)], {}, "the values of Near must be numbers"),
        ([Near([[1.0], [1.0, 2.0]] * 2, 1.0)], {}, "the values of Near must be numbers, in rows of the same length"),
        ([Near([1j] * 4, 1.0)], {}, "the values of Near must be real numbers"),
        ([Far([0.0] * 4, 1e-300)], {}, "the width of Far must be above 0, not 1e-300"),
        ([Far([0.0] * 4, 1.0, 1e300)], {}, "the weight of Far must be at most 1e[+]18, whatever its sign, not 1e[+]300"),
        ([Near([0.0] * 4, 1.0, unset=-1e300)], {}, "the unset of Near must be at most 1e[+]18"),
        ([Near([1e300] * 4, 1.0)], {}, "values of Near must be finite"),
        ([Kinds([0] * 4, [[1e300]])], {}, "the table of Kinds must be symmetric and finite, of numbers up to 1e[+]18"),
        ([Common([["a"]] * 4)], {}, "the flags of Common must be numbers"),
        ([Common([[math.nan]] * 4)], {}, "the flags of Common must be true or false; some are not a number"),
        ([Common([[True]] * 4, told=["yes"] * 4)], {}, "the told of Common must be numbers"),
        ([Common([[True]] * 4, enough=10**30)], {}, "enough of Common must be at least 1 and at most 2147483647"),
        ([Linked([(0, 1)], 1e300)], {}, "the weight of Linked must be at most 1e[+]18"),
        ([Linked([(0, 4)], 1.0)], {}, "pairs of Linked must name two different indexes from 0 to 3 each"),
        ([Linked([(1, 1)], 1.0)], {}, "pairs of Linked must name two different indexes"),
        ([Linked([(0, 1, 2)], 1.0)], {}, "pairs of Linked must be pairs of whole numbers"),
        ([], {"apart": [(0, 9)]}, "apart must name two different indexes from 0 to 3 each"),
        ([], {"unit": [0, 0, 0]}, "unit must be 4 whole numbers"),
        ([], {"unit": [0, 0, 0, 1]}, "those that must be together could not be fitted"),
        ([], {"masks": np.zeros((3, 1, 1), np.uint64)}, r"masks must be uint64 of shape \(4, families, words\)"),
        ([], {"start": [0, 0, 0, 1]}, "groups to start from are not within the bounds"),
        ([], {"start": [0, 0, 1, 2]}, "start must give each a group from 0 to 1"),
        ([], {"start": [0, 1, 0, 1], "unit": [5, 5, 6, 7]}, "separate some that must be together"),
        ([], {"masks": np.ones((4, 1, 1), np.int64)}, r"masks must be uint64"),
        ([], {"factor": np.ones(2)}, "factor must give each size from 0 to 2"),
        ([], {"factor": np.full(3, math.nan)}, "factor must give each size from 0 to 2"),
        ([], {"seed": -1}, "seed must be a whole number from 0 on"),
        ([], {"people": -1}, "there can't be -1 people"),
        ([], {"minimum": [math.nan, 2]}, "each group needs a minimum and a maximum"),
        ([], {"seconds": 0.0}, "seconds must be a positive number"),
        ([], {"rounds": -1}, "rounds can't be -1"),
        ([], {"processes": 0}, "at least one process must work"),
        ([], {"lift": -1.0}, "lift must be 0 or more"),
        ([], {"people": 5}, "5 can't be divided into groups that hold from 4 to 4 in all"),
    ],
)
def test_what_makes_no_sense_is_refused_with_a_clear_message(terms, options, message):
    with pytest.raises(RuleInvalid, match=message):
        solve_features(terms, **{"minimum": [2, 2], "maximum": [2, 2], "people": 4} | options)

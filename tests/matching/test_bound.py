from __future__ import annotations

import itertools
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dinnerkit.matching import solve
from dinnerkit.matching.solving import bound as bounds

pytest.importorskip("scipy")


def symmetric(n, seed=0, low=0.0):
    values = np.random.default_rng(seed).uniform(low, 100.0, (n, n))
    return np.triu(values, 1) + np.triu(values, 1).T


def worth(weights, labels):
    return np.triu(weights * (labels[:, None] == labels[None, :]), 1).sum()


def optimum(weights, low, high, *, together=(), apart=()):
    best = -np.inf
    for labels in itertools.product(range(len(low)), repeat=len(weights)):
        sizes = [labels.count(group) for group in range(len(low))]
        if any(not least <= size <= most for least, size, most in zip(low, sizes, high, strict=True)):
            continue
        if any(labels[one] != labels[other] for one, other in together) or any(labels[one] == labels[other] for one, other in apart):
            continue
        best = max(best, worth(weights, np.array(labels)))
    return best


SIZES = st.sampled_from([([3, 3], [3, 3]), ([2, 3], [4, 5]), ([0, 1, 2], [3, 3, 4]), ([2, 2, 2], [2, 2, 2]), ([1, 1], [5, 6])])


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 10_000), sizes=SIZES, low=st.sampled_from([0.0, -100.0]), rules=st.booleans())
def test_a_few_are_proved_and_what_is_proved_is_the_optimum(seed, sizes, low, rules):
    least, most = sizes
    weights = symmetric(7 if sum(least) <= 7 <= sum(most) else 6, seed, low)
    pairs = {"together": [(0, 1)], "apart": [(2, 3)]} if rules else {}
    solution = solve(weights, least, most, seed=seed, sweeps=5, bound=True, **pairs)
    assert solution.broken == 0
    assert solution.proved
    assert solution.objective == pytest.approx(optimum(weights, least, most, **pairs), abs=1e-6)
    assert solution.bound >= solution.objective
    assert solution.objective == pytest.approx(worth(weights, solution.labels))


def test_a_bound_that_is_not_tight_is_a_bound_all_the_same(monkeypatch):
    monkeypatch.setattr(bounds, "MOST_TABLES", 0)
    for seed, low in itertools.product(range(10), [0.0, -100.0]):
        weights = symmetric(7, seed, low)
        for least, most in ([3, 4], [3, 4]), ([1, 2], [5, 6]):
            solution = solve(weights, least, most, sweeps=5, bound=True)
            assert solution.bound >= optimum(weights, least, most) - 1e-9
            assert solution.gap is None or 0 <= solution.gap < 1


def test_parties_count_in_a_bound_that_is_not_tight(monkeypatch):
    monkeypatch.setattr(bounds, "MOST_TABLES", 0)
    for seed in range(10):
        weights = symmetric(7, seed)
        together = [(0, 1, 2), (3, 4)]
        links = [(0, 1), (1, 2), (3, 4)]
        solution = solve(weights, [2, 3], [4, 5], sweeps=5, together=together, bound=True)
        assert solution.bound >= optimum(weights, [2, 3], [4, 5], together=links) - 1e-9


def test_a_bound_that_is_not_tight_passes_over_sizes_that_nobody_fills(monkeypatch):
    """Couples fill no group of three or five."""
    monkeypatch.setattr(bounds, "MOST_TABLES", 0)
    couples, factor = [(one, one + 1) for one in range(0, 8, 2)], np.array([0, 0, 2, 0, 2 / 3, 0, 0.4])
    for seed in range(10):
        solution = solve(symmetric(8, seed), [3, 1], [5, 5], together=couples, bound=True)
        assert solution.bound >= optimum(symmetric(8, seed), [3, 1], [5, 5], together=couples) - 1e-9
        assert np.isfinite(solve(symmetric(8, seed), [3, 1], [6, 5], together=couples, factor=factor, bound=True).bound)


def test_twenty_four_at_tables_of_six_are_proved():
    solution = solve(symmetric(24), [6] * 4, [6] * 4, bound=True)
    assert solution.proved
    assert solution.gap == pytest.approx(0.0, abs=1e-9)


def test_a_bound_holds_for_sums_that_depend_on_the_size():
    weights, factor = symmetric(7, 3), np.array([0, 0, 2, 1, 2 / 3, 0.5])
    solution = solve(weights, [2, 2], [5, 5], factor=factor, sweeps=5, bound=True)
    best = max(
        sum(factor[list(labels).count(g)] * worth(weights[np.ix_(*[np.array(labels) == g] * 2)], np.zeros(labels.count(g))) for g in (0, 1))
        for labels in itertools.product((0, 1), repeat=7)
        if 2 <= labels.count(0) <= 5
    )
    assert solution.proved
    assert solution.objective == pytest.approx(best)


def test_nothing_is_stated_unless_asked_for_and_kept():
    assert solve(symmetric(6), [3, 3], [3, 3]).bound is None
    everybody_apart = list(itertools.combinations(range(3), 2))
    broken = solve(symmetric(4), [2, 2], [2, 2], apart=everybody_apart, bound=True)
    assert broken.broken == 1
    assert broken.bound is None
    assert not broken.proved


def test_where_scipy_is_missing_the_error_names_the_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "scipy.optimize", None)
    with pytest.raises(ModuleNotFoundError, match=r"dinnerkit\[matching\]"):
        solve(symmetric(6), [3, 3], [3, 3], bound=True)

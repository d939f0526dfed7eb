"""How large each group should be, where that is free within bounds.

With weights that are mostly positive, large groups hold more pairs and so are worth more: the best sizes lie at the bounds, far
apart from each other, and no single move leads from one such choice to the next. So some choices are drawn up front, as the
optimum for pairs of mean weight, with and without chance, and the search finds out which is best.
"""

from __future__ import annotations

import numpy as np

from dinnerkit.matching.solving.state import Floats, Ints, Problem


def promising_sizes(problem: Problem, spread: float, most: int, rng: np.random.Generator) -> list[Ints]:
    """Different choices of a size per group that sum up right, that for pairs of mean weight first.

    Args:
        problem: of units of one person each.
        spread: how much swaps differ in gain, roughly: what a different choice may have to make up for.
        most: how many choices to draw at most.
        rng: the source of chance.
    """
    people, highest = len(problem.sizes), int(problem.maximum.max())
    sizes = np.arange(highest + 1)
    proper = problem.weights[problem.weights > -problem.penalty / 2]
    mean = float(proper.sum()) / max(1, len(proper) - people)
    worth = np.tile(mean * problem.factor[: highest + 1] * sizes * (sizes - 1) / 2.0, (len(problem.minimum), 1))
    worth[(sizes < problem.minimum[:, None]) | (sizes > problem.maximum[:, None])] = -np.inf
    found = [_best_sizes(worth, people)]
    for _ in range(3 * most):
        other = _best_sizes(worth + 0.5 * spread * rng.normal(size=worth.shape), people)
        if len(found) < most and not any((other == known).all() for known in found):
            found.append(other)
    return found


def filled(sizes: Ints, rng: np.random.Generator) -> Ints:
    """The group of each person, by chance, for groups of these sizes."""
    return rng.permutation(np.repeat(np.arange(len(sizes)), sizes))


def _best_sizes(worth: Floats, people: int) -> Ints:
    """The size of each group, for the most worth in all; (groups, sizes) is what each size is worth to each group."""
    groups = len(worth)
    best = np.full(people + 1, -np.inf)
    best[0] = 0.0
    chosen = np.zeros((groups, people + 1), np.int64)
    for group in range(groups):
        allowed = np.flatnonzero(np.isfinite(worth[group]))
        options = np.full((len(allowed), people + 1), -np.inf)
        for row, size in enumerate(allowed):
            options[row, size:] = best[: people + 1 - size] + worth[group, size]
        row = np.argmax(options, axis=0)
        best, chosen[group] = options[row, np.arange(people + 1)], allowed[row]
    sizes, left = np.zeros(groups, np.int64), people
    for group in range(groups - 1, -1, -1):
        sizes[group] = chosen[group, left]
        left -= sizes[group]
    return sizes

"""Simple ways of seating the same people at tables of the same sizes, to hold a seating against."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from dinnerkit.matching.people.crowd import Crowd
from dinnerkit.matching.rules.scale import FULL
from dinnerkit.matching.seating.scoring import Scoring
from dinnerkit.matching.solving.pairs import pairs_inside
from dinnerkit.matching.solving.state import Floats, Ints

_LOOKED_AT = 400


def scores_of_tables(crowd: Crowd, scoring: Scoring, labels: Ints) -> Floats:
    """(tables,): the score of each table, 0–100, unrounded.

    Args:
        crowd: the guests.
        scoring: the soft rules.
        labels: (n,), the table of each, numbered without gaps.
    """
    one, other = pairs_inside(labels)
    tables = int(labels.max(initial=-1)) + 1
    worth = scoring.pairs(crowd, one, other).astype(np.float64)
    counts = np.bincount(labels[one], minlength=tables)
    by_pairs = np.bincount(labels[one], weights=worth, minlength=tables) / np.maximum(counts, 1)
    return np.asarray(FULL * (by_pairs + scoring.wished(crowd, labels)), np.float64)


def at_random(sizes: Sequence[int], rng: np.random.Generator) -> Ints:
    """(n,), tables of these sizes drawn at random; hard rules are not looked at."""
    return rng.permutation(np.repeat(np.arange(len(sizes)), sizes))


def greedily(crowd: Crowd, scoring: Scoring, sizes: Sequence[int], rng: np.random.Generator) -> Ints:
    """(n,), tables filled one after the other, each place by the guest who scores best with those there already, pair by pair.

    Hard rules are not looked at, which only helps it. Of more than 400 guests who are left, 400 at random are looked at.
    """
    labels = np.full(len(crowd), -1)
    left = rng.permutation(len(crowd))
    for table, size in enumerate(sizes):
        seated = [int(left[0])]
        left = left[1:]
        for _ in range(size - 1):
            looked_at = left[:_LOOKED_AT]
            worth = scoring.pairs(crowd, looked_at[:, None], np.array(seated)[None, :]).sum(axis=1)
            best = int(np.argmax(worth))
            seated.append(int(left[best]))
            left = np.delete(left, best)
        labels[seated] = table
    return labels

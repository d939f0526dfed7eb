"""Who has met or blocked whom is read from millions of names at once; it must come out as if each had been looked at by itself."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from dinnerkit.matching import Crowd, Guest
from dinnerkit.matching.people.crowd import Links

NAMES = "abcdefgh"


class Crowded(str):
    """A name that shares its hash with many."""

    __slots__ = ()

    def __hash__(self):
        return 7

    def __eq__(self, other):
        return str(self) == str(other)


class Posing(str):
    """A name that has the hash of ``b`` and is another."""

    __slots__ = ()

    def __hash__(self):
        return hash("b")

    def __eq__(self, other):
        return other is self


def links_of(sets):
    crowd = Crowd.of([Guest(name, met=met) for name, met in sets.items()])
    return {tuple(pair) for pair in crowd.met.pairs().tolist()}


def one_by_one(sets):
    ids = list(sets)
    return {
        (one, other) for other in range(len(ids)) for one in range(other) if ids[other] in sets[ids[one]] or ids[one] in sets[ids[other]]
    }


@given(st.dictionaries(st.sampled_from(NAMES), st.frozensets(st.sampled_from(NAMES + "xyz")), max_size=8))
def test_all_who_name_each_other_are_linked_and_nobody_else(sets):
    assert links_of(sets) == one_by_one(sets)


def test_names_that_share_a_hash_are_told_apart():
    sets = {Crowded("a"): frozenset({Crowded("c"), Crowded("x")}), Crowded("b"): frozenset(), Crowded("c"): frozenset()}
    assert links_of(sets) == {(0, 2)}


def test_somebody_who_does_not_come_is_not_taken_for_one_who_has_the_same_hash():
    assert links_of({"a": frozenset({Posing("q")}), "b": frozenset(), "c": frozenset({"b"})}) == {(1, 2)}


@given(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 5)), max_size=20))
def test_pairs_link_whichever_way_and_however_often_they_are_given(pairs):
    links = Links.of(np.array(pairs, np.int64).reshape(-1, 2), 6)
    assert {tuple(pair) for pair in links.pairs().tolist()} == {(min(pair), max(pair)) for pair in pairs if pair[0] != pair[1]}
    one, other = np.divmod(np.arange(36), 6)
    linked = links.linked(one, other).reshape(6, 6)
    assert (linked == linked.T).all()
    assert linked.sum() == 2 * len(links)
    assert all(linked[pair] for pair in pairs if pair[0] != pair[1])

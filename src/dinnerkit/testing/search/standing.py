"""Bounds, places, bad times and the end."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from functools import partial

import pytest

from dinnerkit.errors import Unavailable
from dinnerkit.ports.search import LONGEST_TEXT, MOST_AT_ONCE, MOST_HITS, MOST_SUGGESTIONS, Criteria, Order, Removal, Search, Suggestions
from dinnerkit.testing.away import away, told_of_itself
from dinnerkit.testing.expecting import closes_twice, expect, keeps_secrets, needed, refusal, refused_soon
from dinnerkit.testing.search.bench import OnBench, SearchBench, all_of, entry, opened


class Standing(OnBench):
    """What a backend owes whatever happens."""

    def test_what_is_too_much_or_makes_no_sense_is_refused(self, bench: SearchBench) -> None:
        """By ValueError, before anything is done."""
        with opened(bench, entry("one"), entry("two"), entry("three")) as search:
            place = search.find(Criteria(order=Order.PRICE), 1).next
            asked: dict[str, Callable[[], object]] = {
                "a page of 0": partial(search.find, Criteria(), 0),
                f"a page of {MOST_HITS + 1}": partial(search.find, Criteria(), MOST_HITS + 1),
                f"a text of {LONGEST_TEXT + 1} characters": partial(search.find, Criteria(text="a" * (LONGEST_TEXT + 1)), 1),
                "a page after nonsense": partial(search.find, Criteria(), 1, "nonsense"),
                "a page after a place in another order": partial(search.find, Criteria(order=Order.STARTS_AT), 1, place),
                "too many puts": partial(search.put, [entry(f"e{number}") for number in range(MOST_AT_ONCE + 1)]),
                "too many removals": partial(search.remove, [Removal(f"e{number}", 1) for number in range(MOST_AT_ONCE + 1)]),
            }
            if isinstance(search, Suggestions):
                asked["no suggestions"] = partial(search.suggest, "a", 0)
                asked["too many suggestions"] = partial(search.suggest, "a", MOST_SUGGESTIONS + 1)
                asked["suggestions for a long text"] = partial(search.suggest, "a" * (LONGEST_TEXT + 1), 1)
            for what, call in asked.items():
                refusal(ValueError, f"it was asked for {what}", call)
            expect(len(all_of(search)) == 3, "of too many puts, which were refused, some were done")

    def test_the_largest_text_and_the_longest_names_are_taken(self, bench: SearchBench) -> None:
        """As long as the events' own rules allow."""
        long = entry("long", title="w" * 120, description="naïve " * 1600, city="c" * 100, cuisine="k" * 100, tags=("t" * 40,) * 10)
        with opened(bench, long) as search:
            expect(all_of(search, Criteria(text="naive")) == ["long"], "an event with a long description is not found by a word of it")
            expect(all_of(search, Criteria(text="w" * LONGEST_TEXT)) == [], "a word longer than any that is there finds something")
            search.find(Criteria(text="ab " * (LONGEST_TEXT // 3)), 10)

    def test_other_places_share_nothing(self, bench: SearchBench) -> None:
        """Neither entries nor removals."""
        elsewhere = needed(bench.elsewhere, "other place")
        with opened(bench, entry("one")) as search, closing(elsewhere()) as other:
            other.put([entry("two")])
            other.remove([Removal("one", 5)])
            expect(all_of(search) == ["one"], f"with 'one' here and 'two' elsewhere, here is found {all_of(search)}")
            expect(all_of(other) == ["two"], f"with 'one' here and 'two' elsewhere, elsewhere is found {all_of(other)}")

    @pytest.mark.parametrize("place", ["silent", "closed", "rude"])
    def test_without_an_answer_it_says_so_at_once(self, bench: SearchBench, place: str) -> None:
        """A service that is silent, that is not there, that hangs up: a reader waits, and is shown something else."""
        with away(bench, place) as search:
            for what, call in _reads(search).items():
                refused_soon(Unavailable, f"the service was {place}", what, call, bench.at_once)

    def test_its_secrets_stay_its_own(self, bench: SearchBench) -> None:
        """They are in no error and no representation."""
        secrets = needed(bench.secrets, "secret to look for")
        keeps_secrets(told_of_itself(bench, lambda search: _reads(search).values()), secrets)

    def test_it_can_be_closed_twice(self, bench: SearchBench) -> None:
        """Whoever ends must not ask who has ended before."""
        closes_twice(bench.open().close)


def _reads(search: Search) -> dict[str, Callable[[], object]]:
    calls: dict[str, Callable[[], object]] = {
        "it was asked for a word": partial(search.find, Criteria(text="fondue"), 10),
        "it was asked for all": partial(search.find, Criteria(), 10),
        "it was pinged": search.ping,
    }
    if isinstance(search, Suggestions):
        calls["it was asked to suggest"] = partial(search.suggest, "fon", 10)
    return calls

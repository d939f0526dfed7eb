"""What is suggested to those who type."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pytest

from dinnerkit.ports.search import Removal, Search, Suggestions
from dinnerkit.testing.expecting import expect
from dinnerkit.testing.search.bench import OnBench, SearchBench, entry, opened

ENTRIES = (
    entry("one", title="Dumplings for twelve", city="Düsseldorf", cuisine="Sichuan"),
    entry("two", title="Dumplings for twelve", city="Düsseldorf", cuisine="Dutch"),
    entry("three", title="Fondue", city="Bern", cuisine="Swiss"),
)


class Suggesting(OnBench):
    """Completions of titles, cuisines and cities."""

    @pytest.mark.parametrize(
        ("typed", "due"),
        [
            ("dum", {"Dumplings for twelve"}),
            ("d", {"Dumplings for twelve", "Düsseldorf", "Dutch"}),
            ("DÜSS", {"Düsseldorf"}),
            ("duss", {"Düsseldorf"}),
            ("dumplings for t", {"Dumplings for twelve"}),
            ("twel", {"Dumplings for twelve"}),
            ("swi", {"Swiss"}),
            ("zzyzx", set()),
            ("...", set()),
            ("", set()),
        ],
    )
    def test_what_begins_so_is_suggested_once(self, bench: SearchBench, typed: str, due: set[str]) -> None:
        """As it is spelled, however many events have it."""
        with opened(bench, *ENTRIES) as search:
            found = _suggest(search)(typed, 10)
        expect(len(found) == len(set(found)), f"for {typed!r} it suggests {list(found)}: the same more than once")
        expect(set(found) == due, f"for {typed!r} it suggests {list(found)} where {sorted(due)} is due")

    def test_no_more_is_suggested_than_was_asked_for(self, bench: SearchBench) -> None:
        """A list has room for some."""
        with opened(bench, *ENTRIES) as search:
            found = _suggest(search)("d", 2)
        expect(len(found) == 2, f"of three that begin so it suggests {len(found)} where 2 were asked for")

    def test_nothing_is_suggested_that_is_not_there_any_more(self, bench: SearchBench) -> None:
        """Removed, changed or dropped; what another event has too stays."""
        with opened(bench, *ENTRIES) as search:
            suggest = _suggest(search)
            search.remove([Removal("two", 2)])
            found = set(suggest("d", 10))
            expect("Dutch" not in found, "the cuisine of an event that was removed is still suggested")
            expect(found == {"Dumplings for twelve", "Düsseldorf"}, f"after a removal it suggests {sorted(found)}, though another has them")
            search.put([entry("three", version=2, title="Raclette", city="Bern", cuisine="Swiss")])
            expect(not suggest("fond", 10), "the title that an event had before it was changed is still suggested")
            expect(list(suggest("racl", 10)) == ["Raclette"], "the title that an event has since it was changed is not suggested")


def _suggest(search: Search) -> Callable[[str, int], Sequence[str]]:
    if not isinstance(search, Suggestions):
        pytest.skip("this backend suggests nothing")
    return search.suggest

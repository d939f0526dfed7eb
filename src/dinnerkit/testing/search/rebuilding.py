"""An index that is made anew while it is in use."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from dinnerkit.ports.search import EventEntry, Rebuilding, Removal, Search, Suggestions
from dinnerkit.testing.expecting import expect
from dinnerkit.testing.search.bench import OnBench, SearchBench, all_of, by_text, entry, opened

_COUNT = 40


class RebuildingAnew(OnBench):
    """Without a gap, and without losing what comes meanwhile."""

    def test_afterwards_it_holds_what_it_was_given(self, bench: SearchBench) -> None:
        """And nothing that was left over; it knows that it was built."""
        with opened(bench, entry("left-over", title="Fondue")) as search:
            rebuild = _rebuilding(search)
            expect(not rebuild.built(), "an index that was never built says that it was")
            count = rebuild.rebuild(iter([entry("one"), entry("two")]))
            expect(count == 2, f"it was rebuilt of two entries, and says {count}")
            expect(sorted(all_of(search)) == ["one", "two"], f"rebuilt of 'one' and 'two', it finds {sorted(all_of(search))}")
            expect(rebuild.built(), "after a rebuild it says that it was never built")
            if isinstance(search, Suggestions):
                expect(not search.suggest("fond", 5), "what is gone since the rebuild is still suggested")

    def test_meanwhile_nothing_is_missing_and_nothing_is_lost(self, bench: SearchBench) -> None:
        """Looked at between any two entries, from another process; with puts and removals of what was read, and what was not yet."""
        many = [entry(f"e{number:02}", title=f"Supper {number}") for number in range(_COUNT)]
        with opened(bench, *many) as search, opened(bench) as other:
            rebuild = _rebuilding(search)
            gaps: list[int] = []

            def walked() -> Iterator[EventEntry]:
                for number, one in enumerate(many):
                    if number == _COUNT // 2:
                        other.put([entry("fresh", title="Fresh"), entry("e00", version=2, title="Changed")])
                        other.put([entry(f"e{_COUNT - 1}", version=2, title="Altered")])
                        other.remove([Removal("e01", 2), Removal(f"e{_COUNT - 2}", 2)])
                    yield one
                    if number % 8 == 0:
                        gaps.append(len({row.id for row in many[2 : _COUNT - 2]} - set(all_of(other))))

            rebuild.rebuild(walked())
            found = set(all_of(search))
            expect(not any(gaps), f"while it was being rebuilt, up to {max(gaps)} of {_COUNT - 4} entries were not found")
            expect("fresh" in found, "an entry that was put during the rebuild is lost")
            expect(by_text(search, "changed") == {"e00"}, "a change that came during the rebuild, to what it had read, is lost")
            expect(by_text(search, "altered") == {f"e{_COUNT - 1}"}, "a change that came before the rebuild read an older version is lost")
            back = found & {"e01", f"e{_COUNT - 2}"}
            expect(not back, f"what was removed during the rebuild is back: {sorted(back)}")

    def test_killed_half_way_it_has_done_no_harm(self, bench: SearchBench) -> None:
        """And is begun anew."""

        def killed() -> Iterator[EventEntry]:
            yield entry("one")
            raise KeyboardInterrupt

        with opened(bench, entry("one"), entry("two")) as search:
            rebuild = _rebuilding(search)
            with pytest.raises(KeyboardInterrupt):
                rebuild.rebuild(killed())
            expect(sorted(all_of(search)) == ["one", "two"], f"a rebuild that was killed has left {sorted(all_of(search))} of two entries")
            expect(not rebuild.built(), "a rebuild that was killed counts as done")
            rebuild.rebuild([entry("two")])
            expect(all_of(search) == ["two"], f"rebuilt after that of 'two' alone, it finds {all_of(search)}")


def _rebuilding(search: Search) -> Rebuilding:
    if not isinstance(search, Rebuilding):
        pytest.skip("this backend can't be rebuilt in use")
    return search

"""What is written, in whatever order it arrives."""

from __future__ import annotations

import random
from functools import partial

from dinnerkit.ports.search import Criteria, Removal
from dinnerkit.testing.expecting import all_answered, at_once, expect
from dinnerkit.testing.search.bench import OnBench, SearchBench, all_of, by_text, days, entry, opened

_VERSIONS = 8


class Writing(OnBench):
    """Idempotent, and by versions."""

    def test_what_is_put_twice_is_there_once(self, bench: SearchBench) -> None:
        """Messages come at least once."""
        one = entry("one")
        with opened(bench, one) as search:
            search.put([one])
            search.put([one, one])
            found = all_of(search)
        expect(found == ["one"], f"an entry that was put four times is found {len(found)} times")

    def test_what_is_put_at_the_same_time_is_there_once(self, bench: SearchBench) -> None:
        """By several workers, in an index that does not know it yet."""
        with opened(bench) as search, opened(bench) as other:
            puts = [partial(each.put, [entry("one")]) for each in (search, other) * 4]
            all_answered(at_once(puts, "putting one entry eight times at once"), "putting one entry eight times at once")
            found = all_of(search)
        expect(found == ["one"], f"an entry that was put eight times at once is found {len(found)} times")

    def test_a_change_replaces_what_was(self, bench: SearchBench) -> None:
        """It is found by its new words, and not by its old ones."""
        with opened(bench, entry("one", title="Fondue")) as search:
            search.put([entry("one", version=2, title="Raclette")])
            expect(by_text(search, "raclette") == {"one"}, "a changed entry is not found by its new title")
            expect(not by_text(search, "fondue"), "a changed entry is still found by the title that it had")
            expect(all_of(search) == ["one"], f"after a change it finds {all_of(search)}: the old version lies beside the new one")

    def test_an_older_version_changes_nothing(self, bench: SearchBench) -> None:
        """It comes late, by itself or among others, which are taken."""
        with opened(bench, entry("one", version=3, title="Raclette")) as search:
            search.put([entry("one", version=2, title="Fondue"), entry("two", title="Curry")])
            expect(not by_text(search, "fondue"), "version 2, which came after version 3, has replaced it")
            expect(by_text(search, "curry") == {"two"}, "an entry that was put beside a stale one was lost")
            expect(by_text(search, "raclette") == {"one"}, "version 3 was lost to a version 2 that came later")

    def test_the_highest_version_wins_whoever_writes_at_the_same_time(self, bench: SearchBench) -> None:
        """Several workers have read the event at different moments."""
        for attempt in range(5):
            versions = [entry(f"e{attempt}", version=number, title=f"Round{attempt}v{number}") for number in range(1, _VERSIONS + 1)]
            random.Random(attempt).shuffle(versions)  # noqa: S311 - any order
            with opened(bench) as search, opened(bench) as other:
                puts = [partial((search, other)[at % 2].put, [one]) for at, one in enumerate(versions)]
                all_answered(at_once(puts, "putting several versions at once"), "putting several versions at once")
                found = [number for number in range(1, _VERSIONS + 1) if by_text(search, f"round{attempt}v{number}") == {f"e{attempt}"}]
            expect(found == [_VERSIONS], f"of versions 1 to {_VERSIONS}, put at once, it is found by {found}: a newer one was lost")

    def test_what_is_removed_stays_away(self, bench: SearchBench) -> None:
        """Until a version comes that is newer than the removal."""
        with opened(bench, entry("one"), entry("two")) as search:
            search.remove([Removal("one", 2), Removal("unheard-of", 5)])
            expect("one" not in all_of(search), "what was removed is still found")
            search.put([entry("one", version=1), entry("unheard-of", version=4)])
            expect("one" not in all_of(search), "what was removed is back, by an older version that came late")
            expect("unheard-of" not in all_of(search), "what was removed before it was ever put is there, by an older version")
            search.put([entry("one", version=2)])
            expect("one" not in all_of(search), "what was removed is back, by the version at which it was removed")
            search.put([entry("one", version=3)])
            expect(sorted(all_of(search)) == ["one", "two"], "what was published again after its removal is not found")

    def test_a_stale_removal_removes_nothing(self, bench: SearchBench) -> None:
        """It comes late, too."""
        with opened(bench, entry("one", version=3)) as search:
            search.remove([Removal("one", 2)])
            expect(all_of(search) == ["one"], "a removal at version 2 has removed version 3")

    def test_what_has_begun_can_be_dropped(self, bench: SearchBench) -> None:
        """And nothing else."""
        with opened(bench, entry("begun", starts_at=days(-1)), entry("now"), entry("later", starts_at=days(1))) as search:
            dropped = search.expire(days(0))
            found = all_of(search, Criteria())
        expect(sorted(found) == ["later", "now"], f"after dropping what starts before a moment, {sorted(found)} is left of 'later', 'now'")
        expect(dropped == 1, f"it dropped one entry, and says {dropped}")

    def test_nothing_is_lost_over_a_restart(self, bench: SearchBench) -> None:
        """Neither entries nor removals."""
        with opened(bench, entry("one"), entry("two")) as search:
            search.remove([Removal("two", 4)])
        with opened(bench) as search:
            expect(all_of(search) == ["one"], f"after a restart {all_of(search)} is found of ['one']")
            search.put([entry("two", version=3)])
            expect(all_of(search) == ["one"], "after a restart it has forgotten a removal: an older version is back")

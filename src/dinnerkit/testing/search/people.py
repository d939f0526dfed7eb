"""People by who they are alike, for a backend that finds them: those who agreed, and nobody else."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing
from functools import partial

import pytest

from dinnerkit.errors import Unavailable
from dinnerkit.ports.search import MOST_AT_ONCE, Removal, Search
from dinnerkit.ports.search_people import TRAITS, PeopleSearch, PersonEntry
from dinnerkit.testing.away import away
from dinnerkit.testing.expecting import expect, needed, refusal, refused_soon
from dinnerkit.testing.search.bench import OnBench, SearchBench, all_of, entry, opened

_MIDDLE = (0.5,) * TRAITS
_FAR = (1.0,) * TRAITS
_NEAR = 0.5
"""From the middle, whoever is there is near, and who is at the far end is not."""


class AmongPeople(OnBench):
    """What a backend with the capability ``PeopleSearch`` owes; the others skip it."""

    def test_the_nearest_people_are_found(self, bench: SearchBench) -> None:
        """And nobody who is too far away."""
        with opened(bench) as search:
            people = _people(search)
            expect(list(people.nearest_people(_MIDDLE, _NEAR, 10)) == [], "it finds people where there are none")
            people.put_people([_person(f"p{number}", at=0.5 + number / 20) for number in range(10)])
            found = sorted(people.nearest_people(_MIDDLE, _NEAR, 3))
            expect(found == ["p0", "p1", "p2"], f"asked for the 3 nearest of p0 to p9, it finds {found}")
            found = sorted(people.nearest_people(_MIDDLE, 0.18, 10))
            expect(
                found == ["p0", "p1", "p2", "p3"], f"asked for those within .18 of p0, of whom p3 is at .15 and p4 at .2, it finds {found}"
            )

    def test_of_a_person_the_newest_version_counts(self, bench: SearchBench) -> None:
        """However late an older one comes."""
        with opened(bench) as search:
            people = _people(search)
            people.put_people([PersonEntry("one", 2, _FAR)])
            people.put_people([PersonEntry("one", 1, _MIDDLE), _person("two")])
            found = _found(search)
            expect("one" not in found, "who has answered anew is found where they were before: an older version has come late")
            expect(found == ["two"], f"a person who was put beside a stale one is lost: {found}")
            people.put_people([PersonEntry("one", 3, _MIDDLE)])
            expect(_found(search) == ["one", "two"], f"of a person's versions 2 and 3 the third does not count: {_found(search)}")

    def test_who_takes_the_consent_back_is_found_no_more(self, bench: SearchBench) -> None:
        """Whatever older news come late; and found again once they agree anew."""
        with opened(bench) as search:
            people = _people(search)
            people.put_people([_person("one"), _person("two")])
            people.remove_people([Removal("one", 2), Removal("nobody", 1)])
            expect(_found(search) == ["two"], f"one of two took the consent back, and found are {_found(search)}")
            people.put_people([_person("one")])
            expect(_found(search) == ["two"], "who took the consent back is found again, by what was written before")
            people.put_people([PersonEntry("one", 3, _MIDDLE)])
            expect(_found(search) == ["one", "two"], "who has agreed anew is not found")
            people.remove_people([Removal("one", 2)])
            expect(_found(search) == ["one", "two"], "who has agreed anew is not found, since an older removal has come late")

    def test_people_are_apart_from_events(self, bench: SearchBench) -> None:
        """Even where their ids are the same."""
        with opened(bench, entry("one"), entry("two")) as search:
            people = _people(search)
            people.put_people([PersonEntry("one", 5, _MIDDLE), PersonEntry("three", 5, _MIDDLE)])
            expect(
                sorted(all_of(search)) == ["one", "two"], f"among events are found {sorted(all_of(search))}, of whom 'three' is a person"
            )
            people.remove_people([Removal("one", 6)])
            expect(sorted(all_of(search)) == ["one", "two"], "with a person an event of the same id has gone")
            search.remove([Removal("three", 9)])
            expect(_found(search) == ["three"], f"with an event a person of the same id has gone: {_found(search)}")

    def test_rebuilt_it_has_those_people_who_were_given(self, bench: SearchBench) -> None:
        """Without those who were left over, and who took the consent back meanwhile; with who came."""
        with opened(bench) as search, opened(bench) as other:
            people, beside = _people(search), _people(other)
            people.put_people([_person("left-over"), _person("left")])
            people.remove_people([Removal("left", 2)])
            expect(not people.people_built(), "an index of people that was never built says that it was")

            def walked() -> Iterator[PersonEntry]:
                yield _person("one")
                beside.put_people([PersonEntry("fresh", 1, _MIDDLE)])
                beside.remove_people([Removal("one", 2)])
                yield from (_person("two"), _person("left"))

            count = people.rebuild_people(walked())
            expect(count == 3, f"it was rebuilt of 3 people, and says {count}")
            found = _found(search)
            expect("left-over" not in found, "who was not among those given is found after the rebuild")
            expect(not {"one", "left"} & set(found), f"who took the consent back before or during the rebuild is back: {found}")
            expect(found == ["fresh", "two"], f"after a rebuild 'fresh', who came meanwhile, and 'two' are due, and found are {found}")
            expect(people.people_built(), "after a rebuild of people it says that there was none")

    def test_too_many_people_or_traits_are_refused(self, bench: SearchBench) -> None:
        """By ValueError, before anything is done."""
        many = [f"p{number}" for number in range(MOST_AT_ONCE + 1)]
        with opened(bench) as search:
            people = _people(search)
            people.put_people([_person("one")])
            asked: dict[str, Callable[[], object]] = {
                "the 0 nearest people": partial(people.nearest_people, _MIDDLE, _NEAR, 0),
                f"the {MOST_AT_ONCE + 1} nearest people": partial(people.nearest_people, _MIDDLE, _NEAR, MOST_AT_ONCE + 1),
                "people by one trait too few": partial(people.nearest_people, _MIDDLE[1:], _NEAR, 1),
                "too many people": partial(people.put_people, [_person(one) for one in many]),
                "too many removals of people": partial(people.remove_people, [Removal(one, 1) for one in many]),
            }
            for what, call in asked.items():
                refusal(ValueError, f"it was asked for {what}", call)
            expect(_found(search) == ["one"], f"of too many people, who were refused, some are found: {_found(search)}")

    def test_other_places_share_no_people(self, bench: SearchBench) -> None:
        """Whoever agreed to be found here did not agree to be found there."""
        elsewhere = needed(bench.elsewhere, "other place")
        with opened(bench) as search, closing(elsewhere()) as other:
            _people(search).put_people([_person("here")])
            _people(other).put_people([_person("there")])
            expect(_found(search) == ["here"], f"with 'here' here and 'there' elsewhere, here is found {_found(search)}")
            expect(_found(other) == ["there"], f"with 'here' here and 'there' elsewhere, elsewhere is found {_found(other)}")

    @pytest.mark.parametrize("place", ["silent", "closed", "rude"])
    def test_without_an_answer_about_people_it_says_so_at_once(self, bench: SearchBench, place: str) -> None:
        """It does not say that nobody is alike: the database is asked then."""
        with away(bench, place) as search:
            ask = partial(_people(search).nearest_people, _MIDDLE, _NEAR, 10)
            refused_soon(Unavailable, f"the service was {place}", "it was asked for people", ask, bench.at_once)


def _people(search: Search) -> PeopleSearch:
    return needed(search if isinstance(search, PeopleSearch) else None, "backend that finds people")


def _person(person_id: str, at: float = 0.5) -> PersonEntry:
    return PersonEntry(person_id, 1, (at, *_MIDDLE[1:]))


def _found(search: Search) -> list[str]:
    return sorted(_people(search).nearest_people(_MIDDLE, _NEAR, 100))

"""What the search in MongoDB does beyond the contract: it asks its indexes, keeps its words tidy, and forgives two slips in long words."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pymongo.database import Database
from rapidfuzz.distance import OSA

from dinnerkit.backends.search import asking
from dinnerkit.backends.search.asking import beginning, conditions, counts, page
from dinnerkit.backends.search.mongo import ENTRIES, PHRASES, WORDS, DatabaseSearch, SearchUnavailable
from dinnerkit.errors import SettingError
from dinnerkit.plugins import open_backend
from dinnerkit.ports.search import Criteria, Order, Removal, SearchTooSlow
from dinnerkit.ports.search_words import asked_forms, asked_words, index_terms, slips, starts, stored_forms, words_of
from dinnerkit.testing.search import entry
from dinnerkit.testing.search.bench import all_of, by_text, days

Data = Database[dict[str, Any]]


@pytest.fixture
def search(database: Data) -> DatabaseSearch:
    opened = DatabaseSearch(60_000)
    opened.use(database)
    return opened


def stages_of(plan: Any) -> Iterator[dict[str, Any]]:
    if isinstance(plan, dict):
        if "stage" in plan:
            yield plan
        for part in plan.values():
            yield from stages_of(part)
    elif isinstance(plan, list):
        for part in plan:
            yield from stages_of(part)


ASKED = {
    "terms": Criteria(text="fondue"),
    "start": Criteria(),
    "price": Criteria(order=Order.PRICE),
    "city": Criteria(city_key="graz", order=Order.STARTS_AT),
    "cuisine": Criteria(cuisine_key="thai", order=Order.STARTS_AT),
    "place": Criteria(near=(47.0, 15.0), radius_km=5.0, order=Order.DISTANCE),
}


@pytest.mark.parametrize("index", ASKED)
def test_each_kind_of_question_is_asked_of_its_index(search: DatabaseSearch, database: Data, index: str) -> None:
    search.put([entry(f"e{number}", starts_at=days(number), price=number, lat=number % 80) for number in range(200)])
    wanted = ASKED[index]
    words = search._wanted(wanted.text)
    for stages in (page(wanted, words, 20, ()), counts(wanted, words)):
        plan = database.command({"explain": {"aggregate": ENTRIES, "pipeline": stages, "cursor": {}}, "verbosity": "executionStats"})
        found = list(stages_of(plan))
        scans = [stage for stage in found if stage["stage"] == "IXSCAN"]
        assert not any(stage["stage"] == "COLLSCAN" for stage in found)
        if index not in ("price", "start"):
            assert index in {scan["indexName"] for scan in scans}


def test_a_beginning_is_looked_up_and_not_searched_for(search: DatabaseSearch, database: Data) -> None:
    """Of the whole index only the words that begin so are read, however many there are."""
    search.put([entry(f"e{number}", title=f"word{number} fondue") for number in range(100)])
    wanted = {"$and": conditions(Criteria(text="word42"), search._wanted("word42"))}
    plan = database.command({"explain": {"find": ENTRIES, "filter": wanted}, "verbosity": "executionStats"})
    assert plan["executionStats"]["totalKeysExamined"] <= 3
    for typed in ("wor", "fon"):
        begun = {"rank": 1, "starts": beginning(typed)}
        plan = database.command({"explain": {"find": PHRASES, "filter": begun, "limit": 5}, "verbosity": "executionStats"})
        assert plan["executionStats"]["totalKeysExamined"] <= 6


def test_umlauts_are_found_in_both_ways_in_which_people_type_them(search: DatabaseSearch) -> None:
    search.put([entry("one", title="Käseknödel", city="Köln"), entry("two", title="Røde pølser")])
    for typed in ("Käseknödel", "kaseknodel", "kaeseknoedel", "KOELN", "koln", "kaesek"):
        assert by_text(search, typed) == {"one"}, typed
    assert by_text(search, "poelser") == by_text(search, "polser") == {"two"}


def test_two_slips_are_forgiven_in_long_words_and_none_in_short_ones(search: DatabaseSearch) -> None:
    search.put([entry("one", title="Mediterranean supper for ten")])
    assert by_text(search, "mediteranian") == {"one"}
    assert by_text(search, "medterranaen") == {"one"}
    assert by_text(search, "tem") == set()
    assert by_text(search, "suppr") == {"one"}
    assert by_text(search, "spppr") == set()


def test_a_word_that_some_event_has_is_taken_as_it_is(search: DatabaseSearch) -> None:
    search.put([entry("one", title="Curry"), entry("two", title="Carry on")])
    assert by_text(search, "carry") == {"two"}
    search.remove([Removal("two", 2)])
    assert by_text(search, "carry") == {"one"}


def test_slips_are_forgiven_in_what_is_suggested(search: DatabaseSearch) -> None:
    search.put([entry("one", title="Dumplings for twelve")])
    assert search.suggest("dumplngs", 5) == ["Dumplings for twelve"]


def test_words_and_phrases_go_with_the_last_that_has_them(search: DatabaseSearch, database: Data) -> None:
    search.put([entry("one", title="Fondue", city="Graz"), entry("two", title="Curry", city="Graz")])
    search.remove([Removal("one", 2)])
    assert database[WORDS].find_one({"_id": "fondue"}) is None
    assert database[WORDS].find_one({"_id": "graz"}) is not None
    assert [row["text"] for row in database[PHRASES].find({"rank": 1})] == ["Curry"]
    search.expire(days(1))
    assert database[WORDS].count_documents({}) == database[PHRASES].count_documents({}) == 0


def test_what_is_put_while_a_word_is_being_dropped_keeps_it(search: DatabaseSearch, database: Data) -> None:
    """Between the two looks of who drops it, somebody else learns it."""
    search.put([entry("one", title="Fondue")])
    words = search._lexicons()[0]
    looked = words._unused

    def meanwhile(keys: Any) -> list[str]:
        found = looked(keys)
        if found and not database[ENTRIES].find_one({"_id": "two"}):
            search.put([entry("two", title="Fondue again")])
        return found

    database[ENTRIES].delete_one({"_id": "one"})
    words._unused = meanwhile  # type: ignore[method-assign]
    words.drop_unused(["fondue"], "token")
    assert database[WORDS].find_one({"_id": "fondue"}) is not None
    assert by_text(search, "fondu") == {"two"}


def test_a_question_that_takes_too_long_is_given_up(database: Data) -> None:
    search = DatabaseSearch(1)
    search.use(database)
    database[ENTRIES].insert_many([{"terms": [f"w{number}"], "starts_at": days(0)} for number in range(20_000)])
    with pytest.raises(SearchUnavailable):
        search.find(Criteria(order=Order.PRICE), 100)


def test_a_question_that_takes_too_long_is_told_from_a_database_that_is_gone(database: Data) -> None:
    search = DatabaseSearch(2000)
    search.use(database)
    waits = {"$function": {"body": "function() { sleep(60000); return true; }", "args": [], "lang": "js"}}
    database["slow"].insert_one({"starts_at": days(0)})
    database.create_collection(ENTRIES, viewOn="slow", pipeline=[{"$match": {"$expr": waits}}])
    with pytest.raises(SearchTooSlow):
        search.find(Criteria(), 10)


def test_by_relevance_the_soonest_are_compared_and_no_more(search: DatabaseSearch, database: Data) -> None:
    search.put([entry("soon", title="Soup, and fondue", starts_at=days(1)), entry("late", title="Fondue", starts_at=days(9000))])
    template = database[ENTRIES].find_one({"_id": "soon"})
    assert template is not None
    between = [template | {"_id": f"e{number}", "starts_at": days(2) + timedelta(minutes=number), "title": []} for number in range(2000)]
    database[ENTRIES].insert_many(between)
    found = search.find(Criteria(text="fondue"), 100)
    assert found.hits[0].id == "soon"
    assert "late" not in {hit.id for hit in found.hits}
    assert sum(found.facets["month"].values()) == 2002


def test_nearest_first_is_looked_for_outwards(search: DatabaseSearch, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(asking, "MOST_COMPARED", 10)
    search.put([entry(f"e{number:02}", lat=48 + number / 100) for number in range(60)])
    wanted = Criteria(near=(48.0, 15.44), radius_km=500, order=Order.DISTANCE)
    assert all_of(search, wanted, 7) == [f"e{number:02}" for number in range(60)]
    assert [*page(wanted, [], 7, ())[0]] == ["$geoNear"], "and not all of the circle is sorted"


def test_each_of_several_words_has_its_longer_ones(search: DatabaseSearch) -> None:
    search.put([entry("many", description=" ".join(f"a{a}{b}" for a in "bcdefghijkl" for b in "abcdefghij")), entry("one", title="Zuppa")])
    words = {word.word: word for word in search._wanted("ab ac zup")}
    assert words["zup"].longer == ("zuppa",)
    assert all(0 < len(words[word].longer) <= 20 for word in ("ab", "ac"))


def test_a_single_letter_finds_itself_and_not_a_good_part_of_everything(search: DatabaseSearch) -> None:
    search.put([entry("plan", title="Plan B"), entry("bread", title="Bread")])
    assert by_text(search, "b") == {"plan"}
    assert by_text(search, "br") == {"bread"}


def test_of_a_script_without_spaces_so_many_pairs_are_looked_for_each_once(search: DatabaseSearch) -> None:
    assert [word.word for word in search._wanted("餐" * 200)] == ["餐餐"]
    assert len(search._wanted("".join(chr(0x4E00 + number) for number in range(200)))) == 30


def test_where_counting_takes_too_long_the_page_comes_without(database: Data) -> None:
    search = DatabaseSearch(3000)
    search.use(database)
    search.put([entry("one")])
    waits = {"$function": {"body": "function() { sleep(60000); return 1; }", "args": [], "lang": "js"}}
    found = search._counted([{"$project": {"city": waits}}], time.monotonic() + 0.2)
    assert found == {}
    assert search._counted(counts(Criteria(), []), time.monotonic() - 1) == {}
    assert search.find(Criteria(), 10).facets["city"]


@pytest.mark.parametrize("url", ["database://?timeout_ms=0", "database://?timeout_ms=x", "database://?timeout_ms=-1", "database://?time=1"])
def test_options_that_make_no_sense_are_refused(url: str) -> None:
    with pytest.raises(SettingError):
        open_backend("search", url)


letters = st.text("abcdeé", min_size=1, max_size=14)


@given(letters, letters)
def test_whatever_is_near_enough_shares_a_form(typed: str, term: str) -> None:
    """So looking at forms alone misses nothing."""
    [one], [other] = words_of(typed), words_of(term)
    if slips(one) and OSA.distance(one, other) <= slips(one):
        assert set(asked_forms(one, slips(one))) & set(stored_forms(other))


@given(st.text(max_size=80))
def test_any_text_has_words_that_find_it(text: str) -> None:
    terms = index_terms(text)
    assert len(terms) == len(set(terms))
    assert all(term and not term.isspace() for term in terms)
    for word in asked_words(text):
        assert word[:1] in terms or word in terms
    assert all(start for start in starts(text))

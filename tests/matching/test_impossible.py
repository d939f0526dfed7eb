from __future__ import annotations

from dataclasses import replace
from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings

from dinnerkit.matching import DEFAULT_RULES, AgeRange, BlockedApart, Guest, LockedTable, Locks, NeverMet, SeatingImpossible, seat
from dinnerkit.matching.carrying_out import Search, outcome
from dinnerkit.matching.people.crowd import Crowd
from dinnerkit.matching.seating.audit import breaches
from dinnerkit.matching.seating.constraints import Constraints
from dinnerkit.matching.seating.shunning import shunning
from tests.matching.people import guests, may_share

EIGHT = "guests '1', '2', '3', '4', '5', '6', '7' and 1 more"


def refusal(people, **options) -> str:
    with pytest.raises(SeatingImpossible) as caught:
        seat(people, **options)
    assert "\n" not in caught.value.message
    return caught.value.message


def plain(count):
    return [Guest(str(number), languages=frozenset({"en"})) for number in range(1, count + 1)]


@pytest.mark.parametrize(("count", "counted"), [(1, "1 guest"), (4, "4 guests"), (8, "8 guests"), (9, "9 guests")])
def test_numbers_that_make_no_whole_tables(count, counted):
    assert refusal(plain(count)) == f"{counted} can't be divided into tables of 5–7"


def test_a_number_that_is_not_a_multiple_of_a_fixed_size():
    assert refusal(plain(13), size=6) == "13 guests can't be divided into tables of 6"


def test_a_party_larger_than_a_table():
    people = plain(20)
    people[:9] = [replace(guest, party="x") for guest in people[:9]]
    assert refusal(people) == "party 'x' of 9 is larger than a table of at most 7"


def test_a_guest_who_shares_no_language_with_anyone():
    people = plain(12)
    people[6] = replace(people[6], languages=frozenset({"fi"}))
    assert refusal(people) == "guest '7' shares no language with anyone"


def test_guests_who_share_no_language_with_anyone_are_told_in_one_phrase():
    people = plain(20)
    for place, language in enumerate(["fi", "sv", "et", "lv", "lt", "is", "ga"]):
        people[place] = replace(people[place], languages=frozenset({language}))
    assert refusal(people) == "guests '1', '2', '3', '4', '5', '6', '7' share no language with anyone"


def test_a_guest_who_shares_a_language_with_too_few():
    people = plain(12)
    people[6] = replace(people[6], languages=frozenset({"fi"}))
    people[2] = replace(people[2], languages=frozenset({"fi", "en"}))
    assert refusal(people) == "guest '7' shares a language with only 1 other, and a table needs 4"


def test_guests_who_can_each_sit_with_as_few_are_told_in_one_phrase():
    people = plain(12)
    people[:8] = [replace(guest, blocked=frozenset("12345678") - {guest.id}) for guest in people[:8]]
    assert refusal(people, size=6) == f"by all rules together {EIGHT} each can sit with only 4 others, and a table of at least 6 needs 5"
    people = plain(12)
    people[:2] = [replace(guest, languages=frozenset({f"x-{guest.id}", "fi"})) for guest in people[:2]]
    people[2] = replace(people[2], languages=frozenset({"en", "x-1", "x-2"}))
    assert refusal(people) == "guests '1', '2' each share a language with only 2 others, and a table needs 4"


def test_parties_that_make_no_whole_tables_are_why_however_many_guests_they_are():
    people = [replace(guest, party=str((int(guest.id) - 1) // 4)) for guest in plain(36)]
    assert refusal(people, size=6).endswith("; without the rule 'party' everybody could be seated")


def test_guests_who_share_a_language_only_with_each_other_and_fill_no_table():
    people = plain(20)
    people[:8] = [replace(guest, languages=frozenset({"fi"})) for guest in people[:8]]
    message = refusal(people)
    assert message == (
        "guests '1', '2', '3', '4', '5', '6', '7' and 1 more share a language with nobody but each other, "
        "and 8 guests can't be divided into tables of 5–7"
    )


def test_a_budget_that_is_nobody_elses():
    people = [replace(guest, budget="low") for guest in plain(12)]
    people[3] = replace(people[3], budget="high")
    assert refusal(people) == "guest '4' has a budget near that of nobody else"


def test_a_party_whose_members_speak_no_common_language():
    people = [replace(guest, languages=frozenset({"en", "fr"})) for guest in plain(12)]
    people[0] = replace(people[0], party="x", languages=frozenset({"en"}))
    people[1] = replace(people[1], party="x", languages=frozenset({"fr"}))
    assert refusal(people) == "party 'x' of 2 does not fit one table by its own members' language"


def test_a_party_with_a_block_inside_is_told_without_saying_who_blocked():
    people = plain(12)
    people[0] = replace(people[0], party="x", blocked=frozenset({"2"}))
    people[1] = replace(people[1], party="x")
    assert refusal(people) == "party 'x' of 2 has members who can't be seated together"


def locked(*companies):
    return Locks(guests=tuple(frozenset(names) for names in companies))


def test_a_locked_company_is_not_called_a_party():
    people = plain(18)
    assert refusal(people, size=6, locked=locked("12345678")) == (
        "the locked company of 8 (guests '1', '2', '3', '4', '5', '6', '7' and 1 more) is larger than a table of at most 6"
    )
    with pytest.raises(SeatingImpossible) as caught:
        seat(people, size=6, locked=locked("12345678"))
    assert [cause["rule"] for cause in caught.value.details["causes"]] == ["locked"]
    people[0] = replace(people[0], blocked=frozenset({"2"}))
    told = "the locked company of 2 (guests '1', '2') has members who can't be seated together"
    assert refusal(people, size=6, locked=locked("12")) == told


def test_a_party_that_is_locked_to_others_is_told_with_them():
    people = [replace(guest, party="x") if guest.id in ("1", "2") else guest for guest in plain(12)]
    assert refusal(people, size=3, locked=locked("234")).startswith("the locked company of 4 (guests '1', '2', '3', '4') is larger")
    assert refusal(people, size=1, locked=locked("34")).startswith("party 'x' of 2 is larger")


def test_a_locked_table_never_seats_together_who_must_not_sit_together():
    people = plain(12)
    kept = Locks((LockedTable(frozenset("123456")),))
    assert {"1", "6"} <= set(seat(people, size=6, locked=kept).tables[0].guests)
    people[0] = replace(people[0], blocked=frozenset({"6"}))
    told = "guests '1', '6' are at a locked table, and can't be seated together"
    assert refusal(people, size=6, locked=kept) == refusal(people, size=6, locked=kept, best_effort=True) == told
    assert refusal(plain(12), size=6, locked=Locks(kept.tables, (frozenset("1"), frozenset("2")))) == told.replace("6", "2")
    seating = seat(people, size=6, locked=kept, everybody=True)
    assert [(fault.rule, fault.table) for fault in seating.broken] == [("apart", 1)]
    people[0] = replace(people[0], blocked=frozenset({"7"}))
    assert seat(people, size=6, locked=kept).broken == ()
    assert seat(people, size=6, locked=Locks((*kept.tables, LockedTable(frozenset({"7", "8", "9", "10", "11", "12"}))))).broken == ()


def test_a_locked_table_never_parts_who_came_together():
    people = [replace(guest, party="x") if guest.id in ("7", "2", "8") else guest for guest in plain(12)]
    kept = Locks((LockedTable(frozenset("123456")),))
    assert refusal(people, size=6, locked=kept) == "guests '7', '8' came with guest '2', whose locked table gets no others"
    seating = seat(people, size=6, locked=kept, everybody=True)
    assert [(fault.rule, fault.table, fault.text) for fault in seating.broken] == [
        ("party", 1, "table 1 is without some who came with its guests")
    ]
    both = Locks((LockedTable(frozenset("1234")), LockedTable(frozenset("5678"))))
    assert refusal(people, size=4, locked=both) == "guest '2' came with guests '7', '8', whose locked table gets no others"
    assert seat(people, size=(4, 8), locked=Locks((LockedTable(frozenset("1278")),))).broken == ()


def test_what_else_a_locked_table_breaks_is_told_with_its_number():
    people = [replace(guest, languages=frozenset({"fr" if guest.id == "9" else "en"})) for guest in plain(14)]
    kept = Locks((LockedTable(frozenset({"1", "2", "9"})), LockedTable(frozenset({"3", "4", "5", "6"}))))
    seating = seat([people[12], *people[:12]], size=(4, 6), locked=kept)
    (number,) = [number for number, table in enumerate(seating.tables, 1) if "9" in table.guests]
    assert [(fault.rule, fault.table) for fault in seating.broken] == [("table_size", number), ("common_language", number)]
    assert seating.broken[0].text == f"table {number} has 3 guests, not 4–6"
    assert number > 1


def test_parties_that_do_not_fit_a_venues_tables_are_not_told_that_their_number_is_wrong():
    people = [replace(guest, party=str(place // 2)) for place, guest in enumerate(plain(6))]
    message = refusal(people, size=[3, 3])
    assert message.startswith("there is no seating that keeps every rule: guests '1', '2', '3', '4', '5', '6' ")
    assert message.endswith("; without the rule 'party' everybody could be seated")
    many = [replace(guest, party=str(place // 2)) for place, guest in enumerate(plain(30))]
    message = refusal(many, size=[3] * 10)
    assert message.startswith("no way was found to divide 30 guests among tables of 3, 3, 3, 3, 3, 3, 3, 3 and 2 more with all who belong")
    assert refusal(people, size=[3, 4]) == "6 guests can't be divided among tables of 3, 4"


def test_a_guest_kept_from_nearly_everybody():
    people = plain(12)
    people[0] = replace(people[0], blocked=frozenset(str(number) for number in range(2, 11)))
    message = refusal(people)
    assert message == "by all rules together guest '1' can sit with only 2 others, and a table of at least 5 needs 4"


def speaking(people, **languages):
    """The people, those whose ids are named in other languages; ``fi="123"``: of '1', '2' and '3'."""
    spoken = {guest: frozenset(code.split("_")) for code, ids in languages.items() for guest in ids}
    return [replace(guest, languages=spoken.get(guest.id, guest.languages)) for guest in people]


def in_party(people, ids, party="x"):
    return [replace(guest, party=party) if guest.id in tuple(ids) else guest for guest in people]


def blocking(people, **blocks):
    """The people, of whom some block others; ``_1="23"``: '1' blocks '2' and '3'."""
    return [replace(guest, blocked=frozenset(blocks.get(f"_{guest.id}", ()))) for guest in people]


@pytest.mark.parametrize(
    "people",
    [
        pytest.param(in_party(plain(12), "1234567"), id="a party as large as a table"),
        pytest.param(speaking(plain(10), fi="1", fi_en="2345"), id="one who shares a language with just enough"),
        pytest.param(speaking(in_party(plain(10), "12"), fi="12", fi_en="345"), id="a party that does"),
        pytest.param(blocking(speaking(plain(10), fi="1", fi_en="2345"), _1="678"), id="one who blocks those who are out of the question"),
        pytest.param(blocking(in_party(plain(10), "234"), _1="23"), id="one who blocks two of a party, which is lost once"),
        pytest.param(blocking(in_party(plain(10), "12"), _1="3"), id="a party of which one blocks somebody else"),
    ],
)
def test_what_is_just_possible_is_done(people):
    seating = seat(people, size=(5, 7))
    assert breaches(seating, people) == []


@pytest.mark.parametrize(
    ("people", "message"),
    [
        (
            speaking(in_party(plain(12), "12"), fi="12"),
            "guests '1', '2' share no language with anyone",
        ),
        (
            speaking(in_party(plain(12), "12"), fi="12", fi_en="34"),
            "guests '1', '2' share a language with only 2 others, and a table needs 3",
        ),
        (
            speaking(in_party(plain(12), "12"), fi="12", sv="3"),
            "guests '1', '2' share no language with anyone; guest '3' shares no language with anyone",
        ),
        (
            speaking(plain(12), fi="1", sv="3"),
            "guests '1', '3' share no language with anyone",
        ),
        (
            blocking(speaking(plain(10), fi="1", fi_en="2345"), _1="2"),
            "by all rules together guest '1' can sit with only 3 others, and a table of at least 5 needs 4",
        ),
        (
            blocking(plain(10), _1="2345678", _9="1"),
            "by all rules together guest '1' can sit with only 1 other, and a table of at least 5 needs 4",
        ),
        (
            blocking([*plain(9), Guest("z", languages=frozenset({"en"}))], _z="123456"),
            "by all rules together guest 'z' can sit with only 3 others, and a table of at least 5 needs 4",
        ),
        (
            blocking(plain(10), _1=(*"23456789", "10")),
            "by all rules together guest '1' can sit with nobody, and a table of at least 5 needs 4",
        ),
        (
            blocking(in_party(in_party(plain(10), "234"), "567", "y"), _1="25"),
            "by all rules together guest '1' can sit with only 3 others, and a table of at least 5 needs 4",
        ),
        (
            speaking(plain(20), fi="1234", fi_sv="5678"),
            f"{EIGHT} share a language with nobody but each other, and 8 guests can't be divided into tables of 5–7",
        ),
        (
            [replace(guest, budget="low" if guest.id in tuple("12345678") else "high") for guest in plain(14)],
            f"{EIGHT} have a budget near that of nobody but each other, and 8 guests can't be divided into tables of 5–7",
        ),
    ],
)
def test_who_can_sit_with_too_few_is_told_with_how_many(people, message):
    assert refusal(people) == message


def test_what_was_not_found_is_not_told_as_if_it_were_proved():
    with pytest.raises(SeatingImpossible) as caught:
        seat([replace(guest, blocked=shunned(8).get(guest.id, frozenset())) for guest in plain(40)], size=5)
    assert caught.value.message.startswith("no seating was found that keeps every rule: guest")
    assert not caught.value.details["proved"]


def shunned(tables):
    """By id, whom some guests can't sit with: they don't fit so many tables, though no more of them than tables shun each other.

    Five are in a ring, each of whom shuns two neighbours, and the others shun all.
    """
    ids = [str(number) for number in range(1, tables + 4)]
    ring = {one: {ids[(place + 1) % 5]} for place, one in enumerate(ids[:5])}
    return {one: frozenset(ring.get(one, set(ids) - {one})) for one in ids}


def test_more_than_three_reasons_are_counted_in_words_and_all_listed():
    people = plain(20)
    for place in range(5):
        people[2 * place : 2 * place + 2] = [
            replace(one, party=str(place), languages=frozenset({f"x{place}"})) for one in people[2 * place : 2 * place + 2]
        ]
    with pytest.raises(SeatingImpossible) as caught:
        seat(people)
    assert caught.value.message.count("share no language with anyone") == 3
    assert caught.value.message.endswith("; and 2 more reasons")
    assert [cause["guests"] for cause in caught.value.details["causes"]] == [[str(2 * n + 1), str(2 * n + 2)] for n in range(5)]
    people = [replace(guest, languages=frozenset({"en"})) if guest.id in ("9", "10") else guest for guest in people]
    assert refusal(people).endswith("; and 1 more reason")
    people = [replace(guest, languages=frozenset({"en"})) if guest.id in ("7", "8") else guest for guest in people]
    assert "more reason" not in refusal(people)


def test_no_rule_is_named_as_the_one_in_the_way_where_leaving_it_out_helps_nobody():
    # Two tables of five, and guests who by either of two rules don't fit two.
    none = frozenset()
    people = [replace(guest, blocked=shunned(2).get(guest.id, none), met=shunned(2).get(guest.id, none)) for guest in plain(10)]
    message = refusal(people, rules=(*DEFAULT_RULES, NeverMet()))
    assert message.startswith("there is no seating that keeps every rule: guests ")
    assert "without the rule" not in message


def test_rules_that_only_clash_with_each_other_are_told_with_the_one_that_is_in_the_way():
    # Two tables of five, and guests who by one rule don't fit two.
    message = refusal([replace(guest, blocked=shunned(2).get(guest.id, frozenset())) for guest in plain(10)])
    assert message.startswith("there is no seating that keeps every rule: guests ")
    assert message.endswith("; without the rule 'apart' everybody could be seated")


def test_those_who_met_are_told_under_the_rule_that_keeps_them_apart_not_as_if_they_had_blocked_each_other():
    met = [Guest(name, met=frozenset("abcd")) for name in "abcd"]
    rules = (BlockedApart(), NeverMet())
    with pytest.raises(SeatingImpossible) as caught:
        seat(met, size=2, rules=rules)
    assert {cause["rule"] for cause in caught.value.details["causes"]} == {"never_met"}
    seating = seat(met, size=2, rules=rules, everybody=True)
    assert [(one.rule, one.text) for one in seating.broken] == [
        ("never_met", f"table {number} has guests who must not sit together") for number in (1, 2)
    ]
    many = [Guest(str(number), met=shunned(8).get(str(number), frozenset())) for number in range(24)]
    with pytest.raises(SeatingImpossible, match="keeps the rule 'never_met' at every table"):
        seat(many, size=[(2, 3)] * 8, rules=rules)


def test_progress_ends_at_one_where_everybody_is_seated_whatever_that_breaks():
    told = []
    seating = seat(each_other(plain(30), SIX[:5]), size=[(6, 8)] * 4, everybody=True, progress=told.append)
    assert seating.broken
    assert told == sorted(told)
    assert told[-1] == 1.0


def test_what_is_broken_is_told_under_its_own_rule_where_others_keep_guests_apart_too():
    people = [Guest("a", blocked=frozenset("b")), Guest("b"), *(Guest(name, met=frozenset("cdef")) for name in "cdef")]
    rules, size = (BlockedApart(), NeverMet()), [2, 2, 2]
    kept = Locks((LockedTable(frozenset("ab"), 0),))
    seating = seat(people, size=size, rules=rules, everybody=True, locked=kept)
    assert {(one.rule, one.table) for one in seating.broken} == {("apart", 1), ("never_met", 2), ("never_met", 3)}
    assert {one.text for one in seating.broken} == {f"table {number} has guests who must not sit together" for number in (1, 2, 3)}


def test_who_finds_too_few_for_some_are_kept_from_them_is_told_under_the_name_of_that():
    with pytest.raises(SeatingImpossible) as caught:
        seat(blocking(speaking(plain(10), fi="1", fi_en="2345"), _1="2"))
    assert [cause["rule"] for cause in caught.value.details["causes"]] == ["apart"]


SIX = ("3", "8", "11", "17", "25", "27")


def each_other(people, ids, by="blocked"):
    """The people, of whom some have blocked, or met, all others of these."""
    others = {name: frozenset(ids) - {name} for name in ids}
    return [replace(guest, **{by: getattr(guest, by) | others.get(guest.id, frozenset())}) for guest in people]


def too_few_tables(rules, tables=5):
    return f"no two of guests '3', '8', '11', '17', '25', '27' may share a table by {rules}, and there can't be more than {tables} tables"


@pytest.mark.parametrize("size", [6, (6, 9), [(3, 8)] * 5, [6, 6, 6, 6, 6, 8]])
def test_guests_of_whom_no_two_may_share_one_of_too_few_tables_are_told_and_that_proves_it(size):
    with pytest.raises(SeatingImpossible) as caught:
        seat(each_other(plain(30), SIX), size=size)
    text = too_few_tables("the rule 'apart'")
    assert caught.value.message == text
    assert caught.value.details == {"causes": [{"rule": "apart", "guests": list(SIX), "text": text}], "proved": True}


@pytest.mark.parametrize("size", [5, (5, 9), [5] * 6])
def test_as_many_guests_as_tables_of_whom_no_two_may_share_one_are_seated(size):
    people = each_other(plain(30), SIX)
    assert breaches(seat(people, size=size), people, size=size) == []


def test_of_more_who_may_share_no_table_one_more_than_tables_are_told():
    message = refusal(each_other(plain(30), [*SIX, "14", "20"]), size=6)
    assert message.startswith("no two of guests '3', '8', '11', '14', '17', '20' may share a table")


def test_those_who_are_too_many_are_found_among_many_others_who_shun_some():
    chance = np.random.default_rng(3)
    people = each_other(plain(120), hidden := [str(number) for number in chance.choice(np.arange(1, 121), 21, replace=False)])
    others = [frozenset(map(str, chance.choice(np.arange(1, 121), 12))) - {guest.id} for guest in people]
    people = [replace(guest, blocked=guest.blocked | some) for guest, some in zip(people, others, strict=True)]
    with pytest.raises(SeatingImpossible) as caught:
        seat(people, size=6)
    assert caught.value.details["proved"]
    assert set(caught.value.details["causes"][0]["guests"]) == set(hidden)


def crossed(people, ids):
    """The people, of whom the first three of six met the others."""
    return [replace(guest, met=frozenset(ids[3:])) if guest.id in ids[:3] else guest for guest in people]


def aged(people, ids):
    """The people, of whom some are twenty years from each other."""
    return [replace(guest, age=20.0 + 20 * ids.index(guest.id)) if guest.id in ids else guest for guest in people]


@pytest.mark.parametrize(
    ("people", "rule", "told"),
    [
        (each_other(plain(30), SIX, by="met"), "never_met", "the rule 'never_met'"),
        (each_other(each_other(plain(30), SIX, by="met"), SIX), "never_met", "the rule 'never_met'"),
        (aged(plain(30), SIX), "age_range", "the rule 'age_range'"),
        (crossed(each_other(each_other(plain(30), SIX[:3]), SIX[3:]), SIX), "apart", "the rules 'apart' and 'never_met'"),
        (each_other(speaking(plain(30), fi=SIX[:1], en_fi="12456"), SIX[1:]), "apart", "the rules 'apart' and 'common_language'"),
        (each_other(in_party(blocking(plain(30), _3=SIX[1:3], _4=SIX[3:]), "34"), SIX[1:]), "apart", "the rules 'party' and 'apart'"),
        (crossed(each_other(aged(plain(30), SIX[:3]), SIX[3:], by="met"), SIX), "all", "the rules 'never_met' and 'age_range'"),
    ],
)
def test_the_rules_that_keep_them_from_sharing_a_table_are_told_as_few_as_will_do(people, rule, told):
    with pytest.raises(SeatingImpossible) as caught:
        seat(people, size=6, rules=(*DEFAULT_RULES, NeverMet(), AgeRange(5)))
    assert caught.value.message == too_few_tables(told)
    assert [cause["rule"] for cause in caught.value.details["causes"]] == [rule]


@settings(max_examples=40, deadline=None)
@given(guests(most=20, parties=8))
def test_whoever_is_told_to_be_too_many_may_really_share_no_table(people):
    crowd = Crowd.of(people)
    cause = shunning(crowd, Constraints.of(crowd, DEFAULT_RULES, 2, 7), DEFAULT_RULES, 2)
    if cause is not None:
        found = [people[place] for place in cause.guests]
        parties = [[other for other in people if other == one or (one.party and other.party == one.party)] for one in found]
        assert len(parties) == 3
        assert not any(may_share([*one, *other]) for one, other in combinations(parties, 2))
        assert (cause.rule == "apart") == ("'apart'" in cause.text)


def test_who_is_left_out_for_there_are_too_few_tables_is_told_so():
    seating = seat(each_other(plain(27), SIX), size=(5, 7), best_effort=True)
    assert {(left.reason, left.rule) for left in seating.unseated} == {(too_few_tables("the rule 'apart'"), "apart")}


def test_who_is_left_out_of_a_venue_for_there_are_too_few_tables_is_told_so():
    seating = seat(each_other(plain(30), SIX), size=[6] * 5, best_effort=True)
    assert {(left.reason, left.rule) for left in seating.unseated} == {(too_few_tables("the rule 'apart'"), "apart")}


def test_the_app_never_tells_a_host_who_has_blocked_whom():
    told = Search(each_other(plain(30), SIX), frozenset(), (6, 6), lambda _: None, lambda _: None, lambda _: None)
    row = {"seed": 0, "best_effort": False}
    assert outcome(row, told, None, {}) == {
        "status": "impossible",
        "problem": {"message": "there is no seating that keeps every rule", "causes": [], "proved": True},
    }


def test_the_causes_are_listed_for_machines():
    people = plain(12)
    people[6] = replace(people[6], languages=frozenset({"fi"}))
    with pytest.raises(SeatingImpossible) as caught:
        seat(people)
    assert caught.value.code == "seating_impossible"
    assert caught.value.details == {
        "causes": [{"rule": "common_language", "guests": ["7"], "text": "guest '7' shares no language with anyone"}],
        "proved": True,
    }


def test_the_best_effort_seats_the_others_and_says_why_not_all():
    people = plain(21)
    people[6] = replace(people[6], languages=frozenset({"fi"}))
    people[10:18] = [replace(guest, party="x") for guest in people[10:18]]
    seating = seat(people, best_effort=True)
    assert {one.guest: one.reason for one in seating.unseated} == {
        "7": "guest '7' shares no language with anyone",
        **{str(number): "party 'x' of 8 is larger than a table of at most 7" for number in range(11, 19)},
    }
    assert sorted(len(table.guests) for table in seating.tables) == [6, 6]


@pytest.mark.parametrize(("count", "seated"), [(1, 0), (4, 0), (8, 7), (9, 7), (16, 16)])
def test_the_best_effort_leaves_out_as_few_as_whole_tables_allow(count, seated):
    seating = seat(plain(count), best_effort=True)
    assert sum(len(table.guests) for table in seating.tables) == seated
    assert all("can't be divided into tables of 5–7" in one.reason for one in seating.unseated)


def test_seating_everybody_breaks_nothing_where_nothing_need_be():
    seating = seat(plain(12), everybody=True)
    assert seating.broken == ()
    assert seating == replace(seat(plain(12)), run=seating.run)


@pytest.mark.parametrize("count", [1, 4, 8, 9, 13])
def test_seating_everybody_finds_a_place_for_all_and_tells_what_is_broken(count):
    seating = seat(plain(count), everybody=True, size=(5, 7))
    assert sum(len(table.guests) for table in seating.tables) == count
    sizes = [len(table.guests) for table in seating.tables]
    assert {one.table for one in seating.broken} == {number for number, size in enumerate(sizes, 1) if not 5 <= size <= 7}
    assert all(one.rule == "table_size" for one in seating.broken)


def test_seating_everybody_breaks_as_few_rules_as_it_must():
    people = [replace(guest, budget="low") for guest in plain(24)]
    people[6] = replace(people[6], languages=frozenset({"fi"}))
    people[9] = replace(people[9], budget="high")
    people[12] = replace(people[12], blocked=frozenset({"1"}))
    seating = seat(people, everybody=True, size=6)
    assert {one.rule for one in seating.broken} == {"common_language", "budget"}
    assert len(seating.broken) == 2
    assert seating.broken[0].text == f"table {seating.broken[0].table} has no language that all of its guests speak"
    assert sum(len(table.guests) for table in seating.tables) == 24


@pytest.mark.parametrize(("count", "strangers"), [(20, 2), (27, 3), (27, 7), (60, 5)])
def test_those_who_can_talk_to_nobody_share_a_table_when_everybody_is_seated(count, strangers):
    people = [replace(guest, languages=frozenset({f"x-{guest.id}"})) if int(guest.id) <= strangers else guest for guest in plain(count)]
    seating = seat(people, everybody=True)
    assert len(seating.broken) == 1
    assert {str(number) for number in range(1, strangers + 1)} <= set(seating.tables[seating.broken[0].table - 1].guests)


def test_a_party_larger_than_a_table_stays_whole_when_everybody_is_seated():
    people = plain(20)
    people[:9] = [replace(guest, party="x") for guest in people[:9]]
    seating = seat(people, everybody=True)
    assert any({str(number) for number in range(1, 10)} <= set(table.guests) for table in seating.tables)
    assert {one.rule for one in seating.broken} == {"table_size"}


def test_tables_of_a_venue_are_judged_by_their_own_sizes_when_everybody_is_seated():
    seating = seat(plain(6), size=[8, 6], everybody=True)
    assert [table.at for table in seating.tables] == [1]
    assert seating.broken == ()


def test_nobody_at_all_is_seated_without_complaint():
    assert seat([], everybody=True).tables == ()
    assert seat([], size=[4, 6]).tables == ()

from __future__ import annotations

from datetime import UTC, datetime

from hypothesis import given, settings
from hypothesis import strategies as st

from dinnerkit.matching.comparing import compare
from dinnerkit.matching.seatings import Place, SeatedTable, StoredSeating


def seating(*tables: str) -> StoredSeating:
    """A seating whose guests are letters."""
    seated = tuple(SeatedTable(tuple(Place(guest, guest, 0) for guest in table), 50.0, ()) for table in tables)
    return StoredSeating(
        id="s",
        event="e",
        status="done",
        progress=1.0,
        seed=0,
        tables=seated,
        unseated=(),
        below=(),
        broken=(),
        score=50.0,
        floor=50.0,
        chance=40.0,
        problem=None,
        created_at=datetime(2026, 11, 1, tzinfo=UTC),
        published_at=None,
    )


def letters(places: tuple[Place, ...]) -> str:
    return "".join(place.user for place in places)


def test_the_same_tables_in_another_order_change_nothing() -> None:
    found = compare(seating("abc", "def"), seating("fed", "bca"))
    assert (found.moved, found.joined, found.left, found.kept_tables) == ((), (), (), 2)


def test_two_who_swap_move_and_nobody_else() -> None:
    found = compare(seating("abc", "def", "ghi"), seating("dbc", "aef", "ghi"))
    assert (letters(found.moved), found.kept_tables) == ("da", 1)


def test_who_comes_and_who_goes_is_told_apart_from_who_moves() -> None:
    found = compare(seating("abc", "def"), seating("abx", "cef"))
    assert (letters(found.moved), letters(found.joined), letters(found.left)) == ("c", "x", "d")


def test_a_table_that_is_divided_keeps_its_larger_part() -> None:
    found = compare(seating("abcdefg"), seating("abcd", "efg"))
    assert letters(found.moved) == "efg"


@settings(deadline=None)
@given(st.lists(st.text("abcdefgh", max_size=8), max_size=4), st.permutations("abcdefgh"), st.integers(1, 8))
def test_nobody_is_lost_and_nothing_changes_backwards(tables: list[str], order: list[str], size: int) -> None:
    seen: set[str] = set()
    distinct = ["".join(guest for guest in dict.fromkeys(table) if not (guest in seen or seen.add(guest))) for table in tables]
    one = seating(*(table for table in distinct if table))
    other = seating(*("".join(order[start : start + size]) for start in range(0, len(order), size)))
    forth, back = compare(one, other), compare(other, one)
    assert set(letters(forth.joined)) == set(letters(back.left)) == set("abcdefgh") - set("".join(distinct))
    assert set(letters(forth.moved)) <= set("".join(distinct))
    assert compare(one, one).moved == ()

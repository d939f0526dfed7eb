"""The geometry: what is drawn is right, and nothing lies on anything else."""

from __future__ import annotations

import math
import re
from itertools import combinations

from hypothesis import given
from hypothesis import strategies as st

from dinnerkit.web.drawing import PLATE, TRAIT_WORDS, flower, in_words, room, room_grid, score_line, table_drawing

TRAITS = st.fixed_dictionaries({name: st.floats(0, 1) for name in TRAIT_WORDS})


def reach(path: str) -> float:
    """How far a petal's path gets from its flower's middle."""
    numbers = [float(number) for number in re.findall(r"-?[\d.]+", path)]
    return max(math.hypot(x, y) for x, y in zip(numbers[::2], numbers[1::2], strict=True))


@given(TRAITS)
def test_a_flower_has_a_petal_for_each_trait_and_lies_on_its_plate(traits: dict[str, float]) -> None:
    petals = flower(traits)

    assert [petal.trait for petal in petals] == list(TRAIT_WORDS)
    assert all(reach(petal.path) < PLATE + 2 for petal in petals)


@given(st.sampled_from(list(TRAIT_WORDS)), st.floats(0, 1), st.floats(0, 1))
def test_the_more_of_a_trait_the_longer_its_petal(trait: str, one: float, other: float) -> None:
    less, more = sorted((one, other))
    [short], [long] = flower({trait: less}), flower({trait: more})

    assert reach(short.path) <= reach(long.path) + 0.2


def test_who_is_not_known_has_no_petals_and_no_words() -> None:
    assert flower({}) == ()
    assert in_words({}) == ""
    assert in_words({"openness": 0.804, "extraversion": 0.3}) == "Outgoing 30, Curious 80"


@given(st.integers(1, 40), st.integers(0, 60))
def test_plates_lie_beside_each_other_on_the_table(guests: int, largest: int) -> None:
    drawing = table_drawing(guests, largest)

    assert len(drawing.settings) == guests
    for one, other in combinations(drawing.settings, 2):
        assert math.dist((one.x, one.y), (other.x, other.y)) > 2 * PLATE
    assert all(math.hypot(one.x, one.y) + PLATE < drawing.radius for one in drawing.settings)
    assert drawing.radius * 2 < min(drawing.width, drawing.height)


@given(st.integers(1, 12), st.integers(1, 12))
def test_tables_drawn_for_the_same_largest_have_the_same_ground(one: int, other: int) -> None:
    first, second = table_drawing(one, 12), table_drawing(other, 12)

    assert (first.width, first.height) == (second.width, second.height)


@given(st.integers(1, 10_000), st.data(), st.integers(1, 10_000), st.sampled_from(["match_night", "table"]))
def test_a_room_shows_what_is_taken_and_never_full_what_is_not(seats: int, data: st.DataObject, largest: int, form: str) -> None:
    left = data.draw(st.integers(0, seats))

    tables = room({"seats": seats, "seats_left": left, "table_size": {"max": largest}, "format": form})

    chairs = [chair for table in tables for chair in table.chairs]
    assert 1 <= len(tables) <= 6
    assert 1 <= len(chairs) <= seats
    assert all(chair.taken for chair in chairs) == (left == 0)
    if left < seats and len(chairs) > 1:
        assert any(chair.taken for chair in chairs)
    columns, rows = room_grid(len(tables))
    assert all(0 <= chair.x <= columns * 100 and 0 <= chair.y <= rows * 100 for chair in chairs)


@given(st.lists(st.floats(0, 100), min_size=1, max_size=60), st.floats(0, 100))
def test_every_table_has_a_dot_of_its_own_on_the_line_of_scores(scores: list[float], chance: float) -> None:
    line = score_line(scores, chance)

    assert [dot.number for dot in line.dots] == list(range(1, len(scores) + 1))
    for one, other in combinations(line.dots, 2):
        assert math.dist((one.x, one.y), (other.x, other.y)) > 12.5
    assert all(0 <= dot.x <= line.width and -line.height <= dot.y < 0 for dot in line.dots)
    assert 0 <= line.chance <= line.width
    assert all(0 <= mark <= 100 for _, mark in line.marks)

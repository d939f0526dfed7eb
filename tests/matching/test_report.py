"""The page about a seating."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from importlib import resources
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dinnerkit.matching import DEFAULT_RULES, TRAITS, CommonLanguage, Floor, Guest, NeverMet, NobodyAlone, seat, wish
from dinnerkit.matching.files.rows import People
from dinnerkit.matching.matching_files import match_file
from dinnerkit.matching.people.crowd import Crowd
from dinnerkit.matching.people.guests import Traits
from dinnerkit.matching.report.baselines import at_random, greedily, scores_of_tables
from dinnerkit.matching.report.figures import figures
from dinnerkit.matching.report.page import report_page
from dinnerkit.matching.seating.scoring import Scoring
from tests.services.chromium import chromium
from tests.web.test_colours import contrast

VOID = {"meta", "br", "hr", "img", "input", "link"}
HOSTILE = "<script>alert(1)</script>'\"&"


class Page(HTMLParser):
    """Which elements a page has, and whether they are closed in their order."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.elements: list[str] = []
        self.words: list[str] = []
        self._open: list[str] = []
        self.feed(html)
        assert self._open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append(tag)
        if tag not in VOID:
            self._open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.words.append(data)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.words).split())


@pytest.fixture
def people_file(tmp_path: Path) -> Path:
    """Thirty people, of whom one has a hostile name, two have met, and one row is bad."""
    rng = np.random.default_rng(3)
    items = [f"{scale}{number}" for scale in "ENACO" for number in range(1, 11)]
    lines = [",".join(["id", "age", "met", *items])]
    for number in range(30):
        name = '"<script>alert(1)</script>\'""&"' if number == 4 else f"p{number}"
        answers = ["9" if number == 7 else str(answer) for answer in rng.integers(1, 6, 50)]
        lines.append(",".join([name, str(20 + number), "p1" if number == 0 else "", *answers]))
    path = tmp_path / "people.csv"
    path.write_text("\n".join(lines), encoding="utf-8")
    return path


def test_it_is_one_file_that_asks_for_nothing_and_runs_nothing(people_file: Path, tmp_path: Path) -> None:
    match_file(people_file, size=(5, 6), report=tmp_path / "report.html")
    html = (tmp_path / "report.html").read_text("utf-8")
    page = Page(html)
    assert not {"script", "link", "iframe", "img", "form"} & set(page.elements)
    assert not re.search(r"""(src|href|url\(|@import)\s*[=(]?\s*["']?(https?:)?//""", html)
    assert HOSTILE in page.text


def test_it_tells_the_score_against_chance_and_greed_and_what_went_wrong(people_file: Path, tmp_path: Path) -> None:
    done = match_file(people_file, size=(5, 6), report=tmp_path / "report.html", rules=(*DEFAULT_RULES, Floor(100)))
    text = Page((tmp_path / "report.html").read_text("utf-8")).text
    assert "29 people at 5 tables of 5 to 6. Everybody has a place." in text
    assert f"{done.seating.score:.1f} mean score of 100" in text
    for heading in ("How good the tables are", "The worst tables", "Traits at the tables", "Broken wishes", "How it was made"):
        assert heading in text
    assert "1 rows of the file could not be used" in text
    assert "below the floor" in text
    for table in done.seating.tables:
        if table.score == done.seating.floor:
            assert all(reason.text in text for reason in table.reasons)


def test_it_is_no_wider_than_a_phone(people_file: Path, tmp_path: Path) -> None:
    rules = (*(rule for rule in DEFAULT_RULES if rule != CommonLanguage()), wish(CommonLanguage()), Floor(100))
    match_file(people_file, size=(5, 6), report=tmp_path / "report.html", rules=rules)
    with chromium() as browser:
        page = browser.new_page(viewport={"width": 320, "height": 740})
        page.goto((tmp_path / "report.html").as_uri())
        too_wide = "[...document.querySelectorAll('.card')].filter((card) => card.scrollWidth > card.clientWidth).length"
        assert page.evaluate(too_wide) == 0
        assert page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")


def test_one_table_is_told_in_the_singular_and_is_no_better_or_worse_than_itself(people_file: Path) -> None:
    done = match_file(people_file, size=(29, 29))
    html = report_page(done.people, done.seating, size=(29, 29))
    text = Page(html).text
    assert "29 people at 1 table of 29. Everybody has a place." in text
    assert "+0.0 points against tables at random +0.0 points against tables filled greedily" in text
    assert "table size 29 hard rules" in text
    assert "<bdi>p3</bdi>, <bdi>&lt;script&gt;" in html


def test_nobody_is_a_page_too(people_file: Path) -> None:
    done = match_file(people_file, size=(40, 50), best_effort=True)
    assert "Nobody is seated." in Page(report_page(done.people, done.seating, size=(40, 50))).text


def test_its_figures_are_those_of_the_seating(people_file: Path) -> None:
    done = match_file(people_file, size=(5, 6))
    found = figures(done.people, done.seating, size=(5, 6), rules=DEFAULT_RULES)
    assert found.ours == pytest.approx(
        [table.score for table in done.seating.tables], abs=0.6
    )  # the tables' are rounded to eighths by rule
    worst = done.seating.tables[found.worst[0] - 1]
    assert worst.score == done.seating.floor
    assert sum(rule.points for rule in found.rules) == pytest.approx(
        np.average(found.ours, weights=[len(t.guests) for t in done.seating.tables])
    )


@settings(deadline=None)
@given(st.lists(st.integers(1, 7), min_size=1, max_size=6), st.integers(0, 2**32))
def test_the_simple_ways_seat_everybody_at_tables_of_the_same_sizes(sizes: list[int], seed: int) -> None:
    rng = np.random.default_rng(seed)
    crowd = Crowd.of([Guest(str(n), traits=Traits(*rng.random(5))) for n in range(sum(sizes))])
    scoring = Scoring.of(crowd, DEFAULT_RULES)
    for labels in (at_random(sizes, rng), greedily(crowd, scoring, sizes, rng)):
        assert np.bincount(labels, minlength=len(sizes)).tolist() == sizes
        scores = scores_of_tables(crowd, scoring, labels)
        assert ((scores >= 0) & (scores <= 100 + 1e-6)).all()


def test_greed_is_better_than_chance_and_the_search_better_than_both() -> None:
    rng = np.random.default_rng(1)
    people = [Guest(str(n), traits=Traits(*rng.random(5)), age=20 + n % 40) for n in range(60)]
    crowd, seating = Crowd.of(people), seat(people, size=6)
    scoring, sizes = Scoring.of(crowd, DEFAULT_RULES), [len(table.guests) for table in seating.tables]
    chance, greedy = (
        float(scores_of_tables(crowd, scoring, labels).mean()) for labels in (at_random(sizes, rng), greedily(crowd, scoring, sizes, rng))
    )
    assert chance < greedy < seating.score


COLOURS = (resources.files("dinnerkit.matching.report") / "report.css").read_text("utf-8")
TEXT, PICTURE = 4.5, 3.0  # WCAG 2.2, AA: 1.4.3 and 1.4.11


def scheme(name: str) -> dict[str, str]:
    light, dark = re.findall(r":root \{(.*?)\}", COLOURS, re.DOTALL)
    found = dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6})", light))
    return found | dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6})", dark)) if name == "dark" else found


@pytest.mark.parametrize("name", ["light", "dark"])
def test_the_page_can_be_read_and_its_pictures_seen_in_light_and_in_dark(name: str) -> None:
    colours = scheme(name)
    pairs = [(text, ground, TEXT) for text in ("ink", "soft", "wine", "sad") for ground in ("paper", "card")]
    pairs += [("ink", "sad-ground", TEXT), ("olive", "good-ground", TEXT), ("saffron", "card", PICTURE), ("wine", "sunk", PICTURE)]
    pairs += [(shape, "card", PICTURE) for shape in ("wine", "rival", "ink", *TRAITS)] + [(trait, "plate", PICTURE) for trait in TRAITS]
    weak = {
        f"{one} on {other}": round(contrast(colours[one], colours[other]), 2)
        for one, other, least in pairs
        if contrast(colours[one], colours[other]) < least
    }
    assert weak == {}


def of(people: list[Guest]) -> People:
    return People(tuple(people), (), len(people), (), dict.fromkeys(TRAITS, float("nan")))


def test_what_was_wished_for_and_is_not_kept_is_told_with_its_tables() -> None:
    people = [Guest(str(n), stated={"gender": "woman"} if n == 0 else {}, languages=frozenset({"de" if n else "en"})) for n in range(8)]
    rules = [wish(NobodyAlone("gender")), wish(CommonLanguage()), wish(NeverMet())]
    seating = seat(people, size=8, rules=rules)
    found = figures(of(people), seating, size=8, rules=rules)
    assert found.wishes == (
        "the wish common_language is not kept by 7 pairs of guests, at table 1",
        "the wish nobody_alone_gender is not kept at table 1",
    )
    assert "None: everybody is seated" not in report_page(of(people), seating, size=8, rules=rules)


def test_a_wish_that_is_kept_is_not_among_the_broken_ones() -> None:
    people = [Guest(str(n), stated={"gender": "woman"} if n < 2 else {}) for n in range(12)]
    rules = [wish(NobodyAlone("gender"))]
    assert figures(of(people), seat(people, size=6, rules=rules), size=6, rules=rules).wishes == ()

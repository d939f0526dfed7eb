"""What is found by which words."""

from __future__ import annotations

import pytest

from dinnerkit.ports.search import Criteria, Search, Tolerant
from dinnerkit.testing.expecting import expect
from dinnerkit.testing.search.bench import OnBench, SearchBench, all_of, by_text, entry, opened

RICH = entry(
    "rich",
    title="Semmelknödel & Crème brûlée",
    description="ΣΊΣΥΦΟΣ cooks; straße by straße.",
    city="München",
    cuisine="Österreichisch",
    venue="Zum Łódź",
    tags=("Très chic",),
)
PLAIN = entry("plain", title="Noodles", description="Nothing else.", city="Lyon", cuisine="Thai")
HANDS = entry("hands", title="東京ラーメンの夜", description="麺", city="東京")


class Finding(OnBench):
    """Words, in every script."""

    def test_it_speaks_through_the_port(self, bench: SearchBench) -> None:
        """All of its members are there, and an empty index finds nothing."""
        with opened(bench) as search:
            expect(isinstance(search, Search), f"{type(search).__name__} lacks a member of dinnerkit.ports.search.Search")
            search.ping()
            expect(all_of(search) == [], "an index in which nothing was put finds something: the bench's place is not empty")

    @pytest.mark.parametrize(
        "text",
        [
            "semmelknödel",
            "SEMMELKNODEL",
            "semmel",
            "creme brulee",
            "Brûlée crème",
            "σίσυφος",
            "strasse",
            "munchen",
            "MÜN",
            "osterr",
            "lodz",
            "tres chic",
            "semmel münchen chic",
            "  semmel,  ",
        ],
    )
    def test_words_are_found_without_case_and_accents_and_by_their_beginning(self, bench: SearchBench, text: str) -> None:
        """In the title, the description, the city, the cuisine, the venue and the tags; in any order."""
        with opened(bench, RICH, PLAIN) as search:
            found = by_text(search, text)
        expect("rich" in found, f"{text!r} does not find {RICH.title!r} in {RICH.city}")
        expect(found == {"rich"}, f"{text!r} finds {sorted(found)}, where only 'rich' has it")

    @pytest.mark.parametrize("text", ["semmel thai", "noodles lyon munchen", "semmelknodelsuppe", "zzyzx"])
    def test_all_words_must_be_there(self, bench: SearchBench, text: str) -> None:
        """One that no event has beside the others finds nothing."""
        with opened(bench, RICH, PLAIN) as search:
            found = by_text(search, text)
        expect(not found, f"{text!r} finds {sorted(found)}, which does not have all of its words")

    @pytest.mark.parametrize("text", ["東京", "ラーメン", "ーメ", "夜", "麺", "東京 夜"])
    def test_scripts_without_spaces_are_found_by_any_neighbours(self, bench: SearchBench, text: str) -> None:
        """Nobody types the whole line."""
        with opened(bench, HANDS, PLAIN) as search:
            found = by_text(search, text)
        expect(found == {"hands"}, f"{text!r} finds {sorted(found)} where {HANDS.title!r} is due")

    @pytest.mark.parametrize(
        "text", [".*", "* OR *", "title:noodles AND", '"noodles', "$where", "(noodles", "-lyon", "noodles~", "[a-z]+", "%_"]
    )
    def test_no_character_is_an_operator(self, bench: SearchBench, text: str) -> None:
        """Whatever people type is answered, and means itself."""
        with opened(bench, RICH, PLAIN) as search:
            found = by_text(search, text)
        letters = "".join(letter if letter.isalpha() else " " for letter in text).casefold().split()
        meant = {"plain"} if letters and all(word in ("noodles", "lyon") for word in letters) else set()
        expect(found == meant, f"{text!r} finds {sorted(found)} where {sorted(meant)} is due: a character was taken for an operator")

    @pytest.mark.parametrize("typed", ["nodles", "noodels", "noodless", "moodles", "nooodles", "oodles"])
    def test_a_slip_of_the_pen_is_forgiven(self, bench: SearchBench, typed: str) -> None:
        """One letter wrong, left out, added or exchanged."""
        with opened(bench, RICH, PLAIN) as search:
            if not (isinstance(search, Tolerant) and search.tolerant):
                pytest.skip("this backend forgives no slips")
            found = by_text(search, typed)
        expect(found == {"plain"}, f"{typed!r} finds {sorted(found)} where 'Noodles' is one slip away")

    def test_what_fits_best_comes_first(self, bench: SearchBench) -> None:
        """The word itself in the title before the word somewhere in the description."""
        far = entry("a", title="A long evening", description="Afterwards there is fondue, perhaps.")
        near = entry("b", title="Fondue", description="Cheese.")
        with opened(bench, far, near) as search:
            found = all_of(search, Criteria(text="fondue"))
        expect(found == ["b", "a"], f"'fondue' finds {found}: what has it in its title comes after what mentions it")

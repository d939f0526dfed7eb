"""How text becomes what an index stores and looks up: words, their beginnings, and their near misses. Pure.

A search backend is free to have an analysis of its own; with this one it finds what the built-in one finds.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from itertools import combinations

from dinnerkit.texts import search_key

LONGEST_TERM = 200
"""No shorter than any text that is searched for: a word of that length is told from a longer one by nobody."""
MOST_TERMS = 500
"""Distinct terms kept of one event; titles and names come first."""
MOST_WORDS = 10
"""Words looked for in one query; what follows is ignored."""

_STEM = 7
"""So many letters of a word are enough to find its near misses by: the prefix filter of SymSpell (W. Garbe, 2012)."""
_ONE_SLIP, _TWO_SLIPS = 4, 8
"""From so many letters on a word may be one slip away from what was meant, and two."""

_UMLAUTS = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "å": "aa", "ø": "oe"})
_HAS_UMLAUT = re.compile("[äöüåø]")
_UNSPACED = re.compile(
    "[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3005-\u3007\u3040-\u30ff\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]+"
)
"""Thai, Lao, Burmese, Khmer, kana and Han: written without spaces."""


class _Separators(dict[int, str | int]):
    """Turns whatever is no letter, digit or mark into a space; learns as it goes."""

    def __missing__(self, code: int) -> str | int:
        kept: str | int = code if unicodedata.category(chr(code))[0] in "LNM" else " "
        if len(self) < 1 << 14:
            self[code] = kept
        return kept


_SEPARATORS = _Separators()


def words_of(text: str) -> list[str]:
    """The words of a text, folded: without case and accents; a run of a script without spaces is one word."""
    found = []
    for chunk in search_key(text).translate(_SEPARATORS).split():
        end = 0
        for run in _UNSPACED.finditer(chunk):
            found += [chunk[end : run.start()], run.group()]
            end = run.end()
        found.append(chunk[end:])
    return [word for word in found if word]


def is_unspaced(word: str) -> bool:
    """Whether the word is a run of a script without spaces."""
    return _UNSPACED.fullmatch(word) is not None


def pairs(run: str) -> list[str]:
    """The neighbouring characters of a run, two by two."""
    return [run[at : at + 2] for at in range(len(run) - 1)]


def index_terms(*texts: str) -> list[str]:
    """What is stored of these texts, each term once, in the order in which they come: words, and of unspaced runs all characters and pairs.

    Words with umlauts are stored in both ways in which people type them: knodel and knoedel.
    """
    terms: dict[str, None] = {}
    for text in texts:
        plain = unicodedata.normalize("NFC", text.casefold())
        for spelling in (text, plain.translate(_UMLAUTS)) if _HAS_UMLAUT.search(plain) else (text,):
            for word in words_of(spelling):
                terms.update(dict.fromkeys([*word, *pairs(word)] if is_unspaced(word) else [word[:LONGEST_TERM]]))
    return list(terms)


def asked_words(text: str) -> list[str]:
    """The words that are looked for, the first :data:`MOST_WORDS`, each once."""
    return list(dict.fromkeys(words_of(text)))[:MOST_WORDS]


def starts(phrase: str) -> list[str]:
    """The phrase from each of its words on, folded: what a beginning typed by somebody is compared with."""
    words = words_of(phrase)
    found = []
    for at, word in enumerate(words):
        rest = " ".join(words[at:])
        found += [rest[skip:][:LONGEST_TERM] for skip in range(len(word))] if is_unspaced(word) else [rest[:LONGEST_TERM]]
    return list(dict.fromkeys(found))


def slips(word: str) -> int:
    """How many slips of the pen are forgiven in this word."""
    if is_unspaced(word) or any(letter.isdigit() for letter in word):
        return 0
    return 2 if len(word) >= _TWO_SLIPS else 1 if len(word) >= _ONE_SLIP else 0


def stored_forms(term: str) -> list[str]:
    """What is left of a stored term by leaving out letters, as many as a query's word may be away from it."""
    if is_unspaced(term) or any(letter.isdigit() for letter in term):
        return []
    return sorted(_forms(term, 2 if len(term) >= _TWO_SLIPS - 2 else 1 if len(term) >= _ONE_SLIP - 1 else 0))


def asked_forms(word: str, distance: int) -> list[str]:
    """The same of a word that is looked for."""
    return sorted(_forms(word, distance))


def _forms(word: str, most: int) -> set[str]:
    stem = word[:_STEM]
    return {
        "".join(letter for at, letter in enumerate(stem) if at not in left_out)
        for count in range(most + 1)
        for left_out in combinations(range(len(stem)), count)
    }


def distinct(terms: Iterable[str], most: int) -> list[str]:
    """Each term once, the first ``most``."""
    return list(dict.fromkeys(terms))[:most]

"""What a text looks for: its words, and the words of the index that each may stand for."""

from __future__ import annotations

from itertools import islice

from pymongo.collection import Collection
from rapidfuzz import process
from rapidfuzz.distance import OSA

from dinnerkit.backends.search.asking import Wanted, beginning
from dinnerkit.ports.search_words import LONGEST_TERM, asked_forms, asked_words, is_unspaced, pairs, slips
from dinnerkit.storage import Row

_LONGER, _NEAR = 20, 20
"""So many longer words count for their place in the order, and so many similar ones are looked for."""
_MOST_PAIRS = 30
"""Pairs of neighbouring characters looked for in one query; what follows is ignored, as of words."""


def wanted(words: Collection[Row], text: str) -> list[Wanted]:
    """The words of a text with those of the index that they may stand for."""
    asked = asked_words(text)
    parts = dict.fromkeys(part for word in asked if is_unspaced(word) for part in pairs(word) or [word])
    found = [Wanted(part) for part in islice(parts, _MOST_PAIRS)]
    spaced = [word[:LONGEST_TERM] for word in asked if not is_unspaced(word)]
    if not spaced:
        return found
    known = {row["_id"] for row in words.find({"_id": {"$in": spaced}}, {"_id": 1})}
    begun = _begun(words, [word for word in spaced if len(word) > 1])
    for word in spaced:
        longer = tuple(term for term in begun if len(word) > 1 and term.startswith(word) and term != word)[:_LONGER]
        found.append(Wanted(word, longer, () if word in known else _meant(words, word)))
    return found


def _begun(words: Collection[Row], beginnings: list[str]) -> list[str]:
    """The known words that begin so, some for each beginning."""
    if not beginnings:
        return []
    each: list[list[Row]] = [[{"$match": {"_id": beginning(one)}}, {"$limit": _LONGER + 1}, {"$project": {"_id": 1}}] for one in beginnings]
    first, *others = each
    unions = [{"$unionWith": {"coll": words.name, "pipeline": stages}} for stages in others]
    return list(dict.fromkeys(row["_id"] for row in words.aggregate([*first, *unions], batchSize=1000)))


def _meant(words: Collection[Row], word: str) -> tuple[str, ...]:
    """The known words that the word may be a slip of, the nearest first."""
    most = slips(word)
    if not most:
        return ()
    forms = {"forms": {"$in": asked_forms(word, most)}}
    terms = [row["_id"] for row in words.find(forms, {"_id": 1})]
    near = process.extract(word, terms, scorer=OSA.distance, score_cutoff=most, limit=_NEAR)
    return tuple(term for term, _, _ in near)

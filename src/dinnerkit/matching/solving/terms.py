"""What two people are worth to each other, told by columns instead of by a matrix: a sum of declared terms.

This module knows people as rows of numbers, and nothing of dinners. A sum of terms takes memory in proportion to the people, and
any part of the matrix it stands for can be made when it is needed, by numpy here or compiled in
:mod:`dinnerkit.matching.solving.block_steps`.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from dinnerkit.matching.arguments import shown, typed_fields
from dinnerkit.matching.errors import RuleInvalid
from dinnerkit.matching.solving.checking import numbers
from dinnerkit.matching.solving.pairs import checked_pairs, distinct
from dinnerkit.matching.solving.state import Ints

Singles = NDArray[np.float32]

MOST_CODES = 1000
"""The most kinds that a table of :class:`Kinds` may tell apart."""

_MOST = 1e18
"""What pairs are worth are numbers of 32 bits, whose products and sums must be such numbers too."""

_MOST_THINGS = 2**31 - 1
_WORD = 64


@typed_fields
@dataclass(frozen=True, eq=False)
class Near:
    """Similarity: ``weight`` for equal values, falling in a straight line to 0 at a difference of ``width``.

    Attributes:
        values: (n,), NaN is unset.
        width: the difference from which on nothing is earned.
        weight: what equal values earn.
        unset: what a pair earns of whom one is unset, as a share of the weight.
    """

    values: ArrayLike
    width: float
    weight: float = 1.0
    unset: float = 0.5


@typed_fields
@dataclass(frozen=True, eq=False)
class Far:
    """Complementarity: 0 for equal values, rising in a straight line to ``weight`` at a difference of ``width``; see :class:`Near`."""

    values: ArrayLike
    width: float
    weight: float = 1.0
    unset: float = 0.5


@typed_fields
@dataclass(frozen=True, eq=False)
class Kinds:
    """Agreement of categories: a pair earns what a small table says of its two kinds.

    Attributes:
        codes: (n,), whole numbers from 0, the rows and columns of the table; -1 is unset.
        table: (kinds, kinds), symmetric.
        unset: what a pair earns of whom one is unset.
    """

    codes: ArrayLike
    table: ArrayLike
    unset: float = 0.0


@typed_fields
@dataclass(frozen=True, eq=False)
class Common:
    """Things in common: ``weight`` for ``enough`` of them or more, and its part for fewer.

    Attributes:
        flags: (n, things), whether each person has each thing.
        enough: from how many on all is earned.
        weight: what is earned then.
        told: (n,), whether the person has said anything; None is everybody.
        unset: what a pair earns of whom one has said nothing, as a share of the weight.
    """

    flags: ArrayLike
    enough: int = 1
    weight: float = 1.0
    told: ArrayLike | None = None
    unset: float = 0.5


@typed_fields
@dataclass(frozen=True, eq=False)
class Linked:
    """What some pairs earn, or are fined with a weight below 0.

    Attributes:
        pairs: (m, 2) of people; a pair named twice counts once.
        weight: what each earns.
    """

    pairs: ArrayLike
    weight: float


Term = Near | Far | Kinds | Common | Linked


class Columns(NamedTuple):
    """A sum of terms as arrays, for numpy and compiled code alike.

    Attributes:
        base: what every pair earns.
        lines: (lines, n), values divided by their width; NaN is unset.
        line_worth: (lines, 3): what a pair earns for equal values, what a difference of one or more adds, and what unset earns.
        codes: (kinds, n), rows of the tables; the last row and column are for those unset.
        tables: (kinds, most codes + 1, most codes + 1).
        words: (words, n), bits of what people have.
        spans: (sets, 3), by set of things: its first word, the word after its last, and how many are enough.
        set_worth: (sets, 2), what each thing in common earns, and what unset earns.
        told: (sets, n), whether the person has said anything.
        first: (n + 1,), where each person's links begin.
        others: (links,), whom each is linked with, ascending for each person.
        link_worth: (links,), what it earns.
    """

    base: np.float32
    lines: Singles
    line_worth: Singles
    codes: NDArray[np.int16]
    tables: Singles
    words: NDArray[np.uint64]
    spans: NDArray[np.int64]
    set_worth: Singles
    told: NDArray[np.bool_]
    first: NDArray[np.int64]
    others: NDArray[np.int32]
    link_worth: Singles


class Worths:
    """What any two of n people are worth to each other: the sum of some terms.

    Args:
        people: n.
        terms: whose columns each have n rows.
        base: what every pair earns besides.

    Raises:
        RuleInvalid: a term contradicts itself or the number of people, or is not finite.
    """

    def __init__(self, people: int, terms: Iterable[Term], base: float = 0.0) -> None:
        self.people = people
        listed = tuple(terms)
        for term in listed:
            if not isinstance(term, Term):
                raise RuleInvalid(f"{shown(term)} is no term")
            _check(term, people)
        lines = [term for term in listed if isinstance(term, Near | Far)]
        kinds = [term for term in listed if isinstance(term, Kinds)]
        sets = [term for term in listed if isinstance(term, Common)]
        first, others, link_worth = _links([term for term in listed if isinstance(term, Linked)], people)
        words, spans = _words(sets, people)
        self.columns = Columns(
            base=np.float32(base),
            lines=_rows([_line_values(term) for term in lines], people, np.float32),
            line_worth=np.array([_line(term) for term in lines], np.float32).reshape(-1, 3),
            codes=_coded(kinds, people),
            tables=_tables(kinds),
            words=words,
            spans=spans,
            set_worth=np.array([(term.weight / term.enough, term.weight * term.unset) for term in sets], np.float32).reshape(-1, 2),
            told=_rows([np.ones(people) if term.told is None else term.told for term in sets], people, np.bool_),
            first=first,
            others=others,
            link_worth=link_worth,
        )

    def pairs(self, one: Ints, other: Ints) -> Singles:
        """What each pair of two broadcast arrays of people is worth."""
        has, shape = self.columns, np.broadcast_shapes(one.shape, other.shape)
        worth = np.full(shape, has.base, np.float32)
        for line, (equal, slope, unset) in zip(has.lines, has.line_worth, strict=True):
            apart = np.abs(line[one] - line[other])
            worth += np.where(np.isnan(apart), unset, equal + slope * np.minimum(apart, np.float32(1.0)))
        for codes, table in zip(has.codes, has.tables, strict=True):
            worth += table[codes[one], codes[other]]
        for (begin, end, enough), (each, unset), told in zip(has.spans, has.set_worth, has.told, strict=True):
            shared = np.zeros(shape, np.int64)
            for word in has.words[begin:end]:
                shared += _bits(word[one] & word[other])
            worth += np.where(told[one] & told[other], each * np.minimum(shared, enough).astype(np.float32), unset)
        if len(has.others):
            worth += self._linked(one, other)
        return worth

    def matrix(self, people: Ints) -> Singles:
        """(m, m): what some of the people are worth to each other; on the diagonal, to themselves."""
        return self.pairs(people[:, None], people[None, :])

    def axes(self) -> Singles:
        """(n, k): coordinates in which those who are near are worth much to each other; none where nearness means nothing."""
        has = self.columns
        falling = np.flatnonzero(has.line_worth[:, 1] < 0)
        axes = np.empty((self.people, len(falling)), np.float32)
        for place, line in enumerate(falling):
            values = has.lines[line]
            known = values[~np.isnan(values)]
            middle = np.float32(np.median(known)) if len(known) else np.float32(0.0)
            axes[:, place] = np.where(np.isnan(values), middle, values) * -has.line_worth[line, 1]
        return axes

    def _linked(self, one: Ints, other: Ints) -> Singles:
        has = self.columns
        keys = np.repeat(np.arange(self.people), np.diff(has.first)) * self.people + has.others
        wanted = one * self.people + other
        place = np.minimum(np.searchsorted(keys, wanted), len(keys) - 1)
        return np.where(keys[place] == wanted, has.link_worth[place], np.float32(0.0))


def _check(term: Term, people: int) -> None:
    name = type(term).__name__
    given = {key: value for key in ("weight", "width", "unset") if (value := getattr(term, key, None)) is not None}
    for key, value in given.items():
        if not abs(value) <= _MOST:
            wanted = f"at most {_MOST:g}, whatever its sign" if math.isfinite(value) else "a number"
            raise RuleInvalid(f"the {key} of {name} must be {wanted}, not {value}")
    if isinstance(term, Near | Far):
        _check_line(name, term, people)
    elif isinstance(term, Kinds):
        _check_kinds(term, people)
    elif isinstance(term, Common):
        _check_common(term, people)
    else:
        checked_pairs(term.pairs, people, "the pairs of Linked")


def _check_line(name: str, term: Near | Far, people: int) -> None:
    _rows_are(name, "values", numbers(term.values, f"the values of {name}").shape, (people,))
    if np.float32(term.width) <= 0:
        raise RuleInvalid(f"the width of {name} must be above 0, not {term.width}")
    if np.isinf(_line_values(term)).any():
        raise RuleInvalid(f"the values of {name} must be finite, or NaN where unset; some are infinite")


def _check_kinds(term: Kinds, people: int) -> None:
    table = numbers(term.table, "the table of Kinds")
    _rows_are("Kinds", "codes", np.shape(term.codes), (people,))
    if table.ndim != 2 or table.shape != table.T.shape or not 1 <= len(table) <= MOST_CODES:  # noqa: PLR2004
        raise RuleInvalid(f"the table of Kinds must be square, for at most {MOST_CODES} kinds, not of shape {table.shape}")
    if not (np.abs(table) <= _MOST).all() or not np.allclose(table, table.T):
        raise RuleInvalid(f"the table of Kinds must be symmetric and finite, of numbers up to {_MOST:g}")
    codes = np.asarray(term.codes)
    if not np.issubdtype(codes.dtype, np.integer) or (people and not (codes.min() >= -1 and codes.max() < len(table))):
        raise RuleInvalid(f"the codes of Kinds must be whole numbers from -1 to {len(table) - 1}")


def _check_common(term: Common, people: int) -> None:
    flags = _yes_or_no(term.flags, "flags").shape
    if len(flags) != 2 or flags[0] != people:  # noqa: PLR2004
        raise RuleInvalid(f"the flags of Common must be of shape ({people}, things), not {flags}")
    if term.told is not None:
        _rows_are("Common", "told", _yes_or_no(term.told, "told").shape, (people,))
    if not 1 <= term.enough <= _MOST_THINGS:
        raise RuleInvalid(f"enough of Common must be at least 1 and at most {_MOST_THINGS}, not {term.enough}")


def _yes_or_no(values: ArrayLike, what: str) -> NDArray[Any]:
    """What may be read as true or false: numbers, of which none is missing."""
    if isinstance(values, np.ndarray) and values.dtype.kind in "biu":
        return values  # of a million people with many things each, a copy as numbers takes more than all else
    found = numbers(values, f"the {what} of Common")
    if np.isnan(found).any():
        raise RuleInvalid(f"the {what} of Common must be true or false; some are not a number")
    return found


def _rows_are(name: str, what: str, shape: tuple[int, ...], wanted: tuple[int, ...]) -> None:
    if shape != wanted:
        raise RuleInvalid(f"the {what} of {name} must be of shape {wanted}, not {shape}")


def _line_values(term: Near | Far) -> Singles:
    """The values of a term in widths."""
    with np.errstate(over="ignore"):
        return np.asarray(np.asarray(term.values, np.float32) / np.float32(term.width))


def _line(term: Near | Far) -> tuple[float, float, float]:
    rising = isinstance(term, Far)
    return (0.0 if rising else term.weight, term.weight if rising else -term.weight, term.weight * term.unset)


def _rows(columns: Sequence[ArrayLike], people: int, kind: Any) -> NDArray[Any]:
    rows = np.empty((len(columns), people), kind)
    for place, column in enumerate(columns):
        rows[place] = column
    return rows


def _coded(kinds: Sequence[Kinds], people: int) -> NDArray[np.int16]:
    last = _codes(kinds)
    return _rows([np.where(np.asarray(term.codes) < 0, last, np.asarray(term.codes)) for term in kinds], people, np.int16)


def _tables(kinds: Sequence[Kinds]) -> Singles:
    last = _codes(kinds)
    tables = np.zeros((len(kinds), last + 1, last + 1), np.float32)
    for place, term in enumerate(kinds):
        table = np.asarray(term.table, np.float32)
        tables[place, : len(table), : len(table)] = table
        tables[place, last, :] = tables[place, :, last] = term.unset
    return tables


def _codes(kinds: Sequence[Kinds]) -> int:
    return max((len(np.asarray(term.table)) for term in kinds), default=0)


def _words(sets: Sequence[Common], people: int) -> tuple[NDArray[np.uint64], NDArray[np.int64]]:
    """The bits of all sets of things, and where each set's words are."""
    words: list[NDArray[np.uint64]] = []
    spans = []
    for term in sets:
        flags = np.asarray(term.flags, np.bool_)
        begin = len(words)
        for first in range(0, flags.shape[1], _WORD):
            packed = np.packbits(flags[:, first : first + _WORD], axis=1)
            whole = np.zeros((people, _WORD // 8), np.uint8)
            whole[:, : packed.shape[1]] = packed
            words.append(whole.view(np.uint64)[:, 0])
        spans.append((begin, len(words), term.enough))
    return _rows(words, people, np.uint64), np.array(spans, np.int64).reshape(-1, 3)


def _links(terms: Sequence[Linked], people: int) -> tuple[NDArray[np.int64], NDArray[np.int32], Singles]:
    """All links in rows by person; what a pair earns by several terms is added up."""
    keys, worth = np.zeros(0, np.int64), np.zeros(0, np.float32)
    for term in terms:
        pairs = checked_pairs(term.pairs, people, "the pairs of Linked")
        both = distinct(np.concatenate([pairs[:, 0] * people + pairs[:, 1], pairs[:, 1] * people + pairs[:, 0]]))
        keys, worth = np.concatenate([keys, both]), np.concatenate([worth, np.full(len(both), term.weight, np.float32)])
    if len(terms) > 1:
        order = np.argsort(keys, kind="stable")
        keys, worth = keys[order], worth[order]
        starts = np.flatnonzero(np.diff(keys, prepend=-1))
        keys, worth = keys[starts], np.add.reduceat(worth, starts) if len(starts) else worth
    first = np.searchsorted(keys, np.arange(people + 1, dtype=np.int64) * people)
    return first.astype(np.int64), (keys % max(people, 1)).astype(np.int32), worth


def _bits(words: NDArray[np.uint64]) -> NDArray[np.int64]:
    """How many bits are set in each word."""
    one, two, four = np.uint64(0x5555555555555555), np.uint64(0x3333333333333333), np.uint64(0x0F0F0F0F0F0F0F0F)
    words = words - ((words >> np.uint64(1)) & one)
    words = (words & two) + ((words >> np.uint64(2)) & two)
    words = (words + (words >> np.uint64(4))) & four
    return ((words * np.uint64(0x0101010101010101)) >> np.uint64(56)).astype(np.int64)

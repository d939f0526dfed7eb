"""Guests as columns: what the rules read, in arrays that can be cut into blocks."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, repeat

import numpy as np
from numpy.typing import ArrayLike, NDArray

from dinnerkit.matching.arguments import typed
from dinnerkit.matching.errors import GuestInvalid
from dinnerkit.matching.people import columns
from dinnerkit.matching.people.guests import BUDGETS, OLDEST, Guest, check_types
from dinnerkit.matching.people.items import TRAITS
from dinnerkit.matching.people.particulars import Particulars
from dinnerkit.matching.solving.checking import MOST_PEOPLE
from dinnerkit.matching.solving.pairs import distinct, within

_WORD = 64
_TIERS: dict[str | None, int] = {None: 0, **{budget: tier for tier, budget in enumerate(BUDGETS, 1)}}


@dataclass(frozen=True)
class Links:
    """Which guests are linked with which: symmetric, without duplicates or self-links, in compressed rows.

    Attributes:
        first: (guests + 1,), where each guest's row begins in ``others``.
        others: the linked guests, ascending within a row.
    """

    first: NDArray[np.int64]
    others: NDArray[np.int64]

    @classmethod
    def of(cls, pairs: NDArray[np.int64], guests: int) -> Links:
        """The links among so many guests that the pairs, an (m, 2) array, name in either direction."""
        one, other = pairs.T
        keys = distinct(np.minimum(one, other) * guests + np.maximum(one, other))
        return cls.between(*np.divmod(keys, max(guests, 1)), guests)

    @classmethod
    def between(cls, low: NDArray[np.int64], high: NDArray[np.int64], guests: int) -> Links:
        """The links of different pairs, the smaller index of each in the first array."""
        low, high = low[low < high], high[low < high]
        rows, others = np.divmod(np.sort(np.concatenate([low * guests + high, high * guests + low])), max(guests, 1))
        return cls(np.searchsorted(rows, np.arange(guests + 1)).astype(np.int64), others)

    def __len__(self) -> int:
        """How many pairs are linked."""
        return len(self.others) // 2

    def pairs(self) -> NDArray[np.int64]:
        """(m, 2), each linked pair once, the smaller index first."""
        rows = np.repeat(np.arange(len(self.first) - 1), np.diff(self.first))
        return np.stack([rows, self.others], axis=1)[rows < self.others]

    def linked(self, one: NDArray[np.int64], other: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Whether each pair of the two broadcast index arrays is linked."""
        guests = len(self.first) - 1
        keys = np.repeat(np.arange(guests), np.diff(self.first)) * guests + self.others
        return within(one * guests + other, keys)

    def take(self, index: NDArray[np.int64]) -> Links:
        """The links among some of the guests, renumbered by their place in the index."""
        place = np.full(len(self.first) - 1, -1)
        place[index] = np.arange(len(index))
        counts = self.first[index + 1] - self.first[index]
        rows = np.repeat(np.arange(len(index)), counts)
        within = np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts)
        others = place[self.others[self.first[index][rows] + within]]
        return Links.of(np.stack([rows, others], axis=1)[others >= 0], len(index))


@dataclass(frozen=True)
class Crowd:
    """Guests as columns.

    Attributes:
        ids: the guests' ids, unique.
        traits: (n, 5) in the order of ``TRAITS``; NaN is unset.
        age: (n,); NaN is unset.
        languages: (n, words), a bit per language spoken by anybody; all bits set where a guest has stated none.
        interests: (n, bytes), a bit per interest that at least two guests have.
        has_interests: (n,), whether the guest has named any.
        budget: (n,), 1 low, 2 medium, 3 high, 0 unset.
        party: (n,), the number of the guest's party; those who came alone have one of their own.
        party_names: the name of each party number; None for a guest alone.
        met: who met whom at earlier dinners.
        blocked: who must not sit with whom.
        particulars: what only some rules read.
    """

    ids: tuple[str, ...] | columns.Numbers
    traits: NDArray[np.float32]
    age: NDArray[np.float32]
    languages: NDArray[np.uint64]
    interests: NDArray[np.uint8]
    has_interests: NDArray[np.bool_]
    budget: NDArray[np.int8]
    party: NDArray[np.int64]
    party_names: tuple[str | None, ...]
    met: Links
    blocked: Links
    particulars: Particulars

    @classmethod
    @typed
    def of(cls, guests: Sequence[Guest]) -> Crowd:
        """The columns of some guests.

        Raises:
            GuestInvalid: an id occurs twice, or something is no guest.
        """
        try:
            return cls._of(guests)
        except (TypeError, ValueError, AttributeError, IndexError):
            for guest in guests:
                check_types(guest)
            raise

    @classmethod
    def _of(cls, guests: Sequence[Guest]) -> Crowd:
        ids = tuple(guest.id for guest in guests)
        place = {name: number for number, name in enumerate(ids)}
        if len(place) < len(ids):
            seen: set[str] = set()
            twice = sorted({name for name in ids if name in seen or seen.add(name)})  # type: ignore[func-returns-value]
            raise GuestInvalid(f"these guests are in the list more than once: {', '.join(twice[:10])}", guests=twice)
        party, names = _parties(guests)
        return cls(
            ids=ids,
            traits=_traits(guests),
            age=np.fromiter((np.nan if g.age is None else g.age for g in guests), np.float32, len(guests)),
            languages=_language_words(guests),
            interests=_interest_bits(guests),
            has_interests=np.fromiter((bool(g.interests) for g in guests), np.bool_, len(guests)),
            budget=np.fromiter((_TIERS[g.budget] for g in guests), np.int8, len(guests)),
            party=party,
            party_names=names,
            met=_links([guest.met for guest in guests], place),
            blocked=_links([guest.blocked for guest in guests], place),
            particulars=Particulars.of(guests, place),
        )

    @classmethod
    @typed
    def of_columns(
        cls,
        guests: int,
        *,
        ids: Sequence[str] | None = None,
        traits: ArrayLike | None = None,
        age: ArrayLike | None = None,
        languages: ArrayLike | None = None,
        interests: ArrayLike | None = None,
        budget: ArrayLike | None = None,
        party: ArrayLike | None = None,
        met: ArrayLike = (),
        blocked: ArrayLike = (),
        particulars: Particulars | None = None,
    ) -> Crowd:
        """A crowd of so many guests from arrays, for those who have too many for objects; whatever is None nobody has told.

        Args:
            guests: how many there are.
            ids: their ids; by default their places, from ``"0"``.
            traits: (n, 5) in the order of ``TRAITS``, each 0–1; NaN is unset.
            age: (n,), years; NaN is unset.
            languages: (n, languages), whether each guest is happy to dine in it; who has none has not told.
            interests: (n, interests), whether each guest has it.
            budget: (n,), 1 low, 2 medium, 3 high, 0 unset.
            party: (n,), whole numbers, the same for those who came together; -1 is alone.
            met: (m, 2), places of those who met at earlier dinners.
            blocked: (m, 2), places of those who must not sit together.
            particulars: what only some rules read.

        Raises:
            GuestInvalid: a column has another shape, or values that make no sense.
        """
        if not 0 <= guests <= MOST_PEOPLE:
            raise GuestInvalid(f"there can't be {guests} guests")
        unset = np.full((guests, len(TRAITS)), np.nan, np.float32)
        has = columns.flags("interests", interests, guests)
        number, names = columns.parties(party, guests)
        return cls(
            ids=columns.ids(ids, guests),
            traits=unset if traits is None else columns.numbers("traits", traits, unset.shape, 1.0),
            age=unset[:, 0].copy() if age is None else columns.numbers("age", age, (guests,), OLDEST),
            languages=columns.language_words(columns.flags("languages", languages, guests)),
            interests=np.packbits(has[:, has.sum(axis=0) > 1], axis=1),
            has_interests=np.asarray(has.any(axis=1)),
            budget=columns.budgets(budget, guests),
            party=number,
            party_names=names,
            met=Links.of(columns.pairs("met", met, guests), guests),
            blocked=Links.of(columns.pairs("blocked", blocked, guests), guests),
            particulars=Particulars.unset(guests) if particulars is None else particulars,
        )

    def __len__(self) -> int:
        return len(self.ids)

    def take(self, index: NDArray[np.int64]) -> Crowd:
        """Some of the guests, in the order of the index."""
        if len(index) == len(self) and (index == np.arange(len(self))).all():
            return self
        return Crowd(
            ids=self.ids.take(index) if isinstance(self.ids, columns.Numbers) else tuple(self.ids[one] for one in index),
            traits=self.traits[index],
            age=self.age[index],
            languages=self.languages[index],
            interests=self.interests[index],
            has_interests=self.has_interests[index],
            budget=self.budget[index],
            party=self.party[index],
            party_names=self.party_names,
            met=self.met.take(index),
            blocked=self.blocked.take(index),
            particulars=self.particulars.take(index),
        )


def _parties(guests: Sequence[Guest]) -> tuple[NDArray[np.int64], tuple[str | None, ...]]:
    numbers: dict[str, int] = {}
    names: list[str | None] = []
    party = np.empty(len(guests), np.int64)
    for place, guest in enumerate(guests):
        if guest.party is None or guest.party not in numbers:
            if guest.party is not None:
                numbers[guest.party] = len(names)
            party[place] = len(names)
            names.append(guest.party)
        else:
            party[place] = numbers[guest.party]
    return party, tuple(names)


def _traits(guests: Sequence[Guest]) -> NDArray[np.float32]:
    unset = (np.nan,) * len(TRAITS)
    values = chain.from_iterable(unset if guest.traits is None else guest.traits for guest in guests)
    return np.fromiter(values, np.float32, len(guests) * len(TRAITS)).reshape(-1, len(TRAITS))


def _language_words(guests: Sequence[Guest]) -> NDArray[np.uint64]:
    """Few combinations of languages are different, and each is looked at once."""
    spoken: dict[frozenset[str], int] = {}
    number = np.fromiter((spoken.setdefault(guest.languages, len(spoken)) for guest in guests), np.int64, len(guests))
    known = {name: bit for bit, name in enumerate(sorted(set[str]().union(*spoken)))}
    words = np.zeros((len(spoken), max(1, -(-len(known) // _WORD))), np.uint64)
    for place, names in enumerate(spoken):
        if not names:
            words[place] = ~np.uint64(0)
        for name in names:
            word, bit = divmod(known[name], _WORD)
            words[place, word] |= np.uint64(1 << bit)
    return words[number]


def _interest_bits(guests: Sequence[Guest]) -> NDArray[np.uint8]:
    counts = Counter(chain.from_iterable(guest.interests for guest in guests))
    shared = {name: bit for bit, name in enumerate(sorted(name for name, count in counts.items() if count > 1))}
    flags = np.zeros((len(guests), len(shared)), np.bool_)
    if shared:
        rows, bits = _named([guest.interests for guest in guests], shared)
        flags[rows, bits] = True
    return np.packbits(flags, axis=1)


def _named(sets: Sequence[frozenset[str]], place: Mapping[str, int]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Of all names in the sets that have a place: whose set they are in, and their place."""
    counts = np.fromiter(map(len, sets), np.int64, len(sets))
    named = np.fromiter(map(place.get, chain.from_iterable(sets), repeat(-1)), np.int64, int(counts.sum()))
    return np.repeat(np.arange(len(sets)), counts)[named >= 0], named[named >= 0]


def _named_by_hash(sets: Sequence[frozenset[str]], place: Mapping[str, int]) -> tuple[NDArray[np.int64], NDArray[np.int64]] | None:
    """The same from the names' hashes alone, which is twice as fast for millions; names with equal hashes are taken for each other.

    None where two of those who have a place can't be told apart so.
    """
    counts = np.fromiter(map(len, sets), np.int64, len(sets))
    hashes = np.fromiter(map(hash, chain.from_iterable(sets)), np.int64, int(counts.sum()))
    known = np.fromiter(map(hash, place), np.int64, len(place))
    order = np.argsort(known)
    known = known[order]
    if (known[1:] == known[:-1]).any():
        return None
    at = np.minimum(np.searchsorted(known, hashes), len(known) - 1)
    there = known[at] == hashes
    return np.repeat(np.arange(len(sets)), counts)[there], order[at[there]]


def _links(sets: Sequence[frozenset[str]], place: Mapping[str, int]) -> Links:
    """Who names whom, ``place`` having all of them in their order."""
    found = _named_by_hash(sets, place) if any(sets) else None
    if found is None or not len(found[0]):
        return Links.of(np.stack(_named(sets, place), axis=1), len(sets))
    guests, ids = len(sets), list(place)
    one, other = found
    # A bit on top tells in which direction; a pair that comes in both is next to itself.
    keys = distinct((np.minimum(one, other) * guests + np.maximum(one, other)) * 2 + (one > other))
    pair = keys >> 1
    again = pair[1:] == pair[:-1]
    first, mutual = np.append([True], ~again), np.append(again, [False])
    low, high = np.divmod(pair[first], guests)
    # Where both name each other there is a link, whatever a hash says; where one does, the name itself is looked at.
    sure = mutual[first]
    back = (keys[first] & 1).astype(np.bool_)
    asked = zip(np.where(back, high, low)[~sure].tolist(), np.where(back, low, high)[~sure].tolist(), strict=True)
    sure[~sure] = [ids[named] in sets[asking] for asking, named in asked]
    return Links.between(low[sure], high[sure], guests)

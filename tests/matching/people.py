"""Guests for tests, and a check of hard rules that shares no code with the library."""

from __future__ import annotations

from hypothesis import strategies as st

from dinnerkit.matching import Guest, Seating, Traits

TIERS = {"low": 0, "medium": 1, "high": 2}


def traits() -> st.SearchStrategy[Traits]:
    share = st.floats(0, 1, width=32)
    return st.builds(Traits, share, share, share, share, share)


@st.composite
def guests(draw, most=30, languages=("en", "de", "fr"), parties=5):
    """Lists of guests with everything that rules look at, often hard to seat."""
    count = draw(st.integers(0, most))
    ids = [f"g{number}" for number in range(count)]
    some = st.frozensets(st.sampled_from(ids), max_size=3) if ids else st.just(frozenset())
    return [
        Guest(
            id=name,
            traits=draw(st.none() | traits()),
            age=draw(st.none() | st.integers(18, 90)),
            languages=draw(st.frozensets(st.sampled_from(languages), max_size=len(languages))),
            interests=draw(st.frozensets(st.sampled_from("abcdef"), max_size=3)),
            budget=draw(st.sampled_from([None, None, "low", "medium", "high"])),
            party=draw(st.none() | st.none() | st.integers(0, parties).map(str)),
            met=draw(some),
            blocked=draw(st.just(frozenset()) | some),
        )
        for name in ids
    ]


def may_share(table: list[Guest]) -> bool:
    """Whether guests may sit at one table: nobody blocked, a language for all, budgets at most a step apart."""
    ids = {guest.id for guest in table}
    stated = [guest.languages for guest in table if guest.languages]
    tiers = [TIERS[guest.budget] for guest in table if guest.budget]
    return (
        not any(ids & (guest.blocked - {guest.id}) for guest in table)
        and (not stated or bool(frozenset.intersection(*stated)))
        and (not tiers or max(tiers) - min(tiers) <= 1)
    )


def assert_sound(seating: Seating, people: list[Guest], low: int, high: int) -> None:
    """Every guest once, and every hard rule kept."""
    by_id = {guest.id: guest for guest in people}
    placed = [name for table in seating.tables for name in table.guests]
    assert sorted([*placed, *(one.guest for one in seating.unseated)]) == sorted(by_id)
    where = {name: number for number, table in enumerate(seating.tables) for name in table.guests}
    for table in seating.tables:
        assert low <= len(table.guests) <= high
        assert may_share([by_id[name] for name in table.guests])
    parties: dict[str, set[int | None]] = {}
    for guest in people:
        if guest.party is not None:
            parties.setdefault(guest.party, set()).add(where.get(guest.id))
    assert all(len(places) == 1 for places in parties.values())


def can_all_be_seated(people: list[Guest], low: int, high: int) -> bool:
    """By trying everything: seat the first unseated guest's table in every way. Only for a few guests."""
    if not people:
        return True
    first, rest = people[0], people[1:]

    def grow(table: list[Guest], others: list[Guest]) -> bool:
        if len(table) >= low:
            left = [guest for guest in rest if guest not in table]
            names = {guest.party for guest in table if guest.party is not None}
            if may_share(table) and not any(guest.party in names for guest in left) and can_all_be_seated(left, low, high):
                return True
        if len(table) == high:
            return False
        return any(grow([*table, other], others[place + 1 :]) for place, other in enumerate(others))

    return grow([first], rest)

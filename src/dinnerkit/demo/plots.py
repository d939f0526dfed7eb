"""What happens at the demo's events: who books, how they pay, who gives up, cancels or waits."""

from __future__ import annotations

import random
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from dinnerkit.demo.keys import Keys, dice
from dinnerkit.demo.programme import Planned
from dinnerkit.demo.residents import Resident

GOOD_CARDS = ("pm_card_visa", "pm_card_visa_debit", "pm_card_mastercard", "pm_card_amex")
BAD_CARDS = ("pm_card_chargeDeclined", "pm_card_chargeDeclinedInsufficientFunds", "pm_card_chargeDeclinedExpiredCard")
CARD_WITH_QUESTIONS = "pm_card_authenticationRequired"


class Plot(StrEnum):
    """What comes of a booking."""

    PAYS = "pays at once"
    DECLINED_FIRST = "pays with a second card, after the first was declined"
    SECURE = "is asked to authenticate by 3-D Secure, does, and has paid"
    REFUSED = "fails to authenticate, and pays with another card"
    CANCELS = "pays, and cancels later"
    PONDERS = "is asked to authenticate, or offered seats from the waiting list, and has not answered yet"
    DECLINED = "has a card declined, and has not come back yet"
    WALKED_AWAY = "held seats, and never paid"


PAYING = frozenset({Plot.PAYS, Plot.DECLINED_FIRST, Plot.SECURE, Plot.REFUSED})
"""Those who come."""

_OF_A_HUNDRED = {
    Plot.PAYS: 82,
    Plot.DECLINED_FIRST: 5,
    Plot.SECURE: 5,
    Plot.REFUSED: 1,
    Plot.CANCELS: 3,
    Plot.PONDERS: 1,
    Plot.DECLINED: 1,
    Plot.WALKED_AWAY: 2,
}
_PARTIES = {1: 93, 2: 6, 3: 1}


@dataclass(frozen=True, slots=True)
class Visit:
    """A party's booking. The party has told nothing but who its first person is."""

    id: str
    user: str
    guests: int
    plot: Plot
    card: str


@dataclass(frozen=True, slots=True)
class Script:
    """An event, the bookings in their order, and then those who wait, in theirs."""

    event: Planned
    visits: tuple[Visit, ...]
    waiting: tuple[Visit, ...]


class Deck:
    """Deals plots in their proportions: of each hundred exactly so many, in random order."""

    def __init__(self, chance: random.Random) -> None:
        self._chance = chance
        self._cards: list[Plot] = []

    def deal(self, allowed: Collection[Plot]) -> Plot:
        """The next plot that is allowed; the others keep their turn."""
        while True:
            for place, plot in enumerate(self._cards):
                if plot in allowed:
                    return self._cards.pop(place)
            fresh = [plot for plot, count in _OF_A_HUNDRED.items() for _ in range(count)]
            self._chance.shuffle(fresh)
            self._cards += fresh


class Playwright:
    """Writes the scripts of a world's events."""

    def __init__(self, crowd: Sequence[Resident], keys: Keys) -> None:
        self._crowd = crowd
        self._keys = keys
        self._chance = dice(keys.seed, "plots")
        self._deck = Deck(self._chance)
        self._made = len(crowd)

    def script(self, event: Planned) -> Script:
        """Who comes to an event, and what comes of it."""
        people = [one.id for one in self._crowd if one.city is event.city and one.id != event.host]
        self._chance.shuffle(people)
        queue = iter(people)
        seats = event.details.seats
        wanted = seats if event.sold_out else min(seats - 1, round(seats * self._chance.uniform(*self._demand(seats))))
        visits = list(self._visits(event, queue, wanted))
        if not event.sold_out:
            return Script(event, tuple(visits), ())
        leaving = self._chance.sample([place for place, visit in enumerate(visits) if visit.plot is Plot.PAYS], 1 + seats // 50)
        for place in leaving:
            visits[place] = replace(visits[place], plot=Plot.CANCELS)
        return Script(event, tuple(visits), tuple(self._waiting(event, queue, 3 + seats // 25)))

    def _demand(self, seats: int) -> tuple[float, float]:
        return (0.93, 0.98) if seats > 20 else (0.5, 0.95)  # noqa: PLR2004 - a match night, or a dinner

    def _visits(self, event: Planned, queue: Iterator[str], wanted: int) -> Iterator[Visit]:
        spare = event.details.seats - wanted
        while wanted:
            guests = min(wanted, self._chance.choices(list(_PARTIES), list(_PARTIES.values()))[0])
            plot = self._plot(event, away=guests <= spare and not event.called_off)
            if plot is Plot.WALKED_AWAY:
                spare -= guests
            else:
                wanted -= guests
            yield self._visit(event, next(queue), guests, plot)

    def _plot(self, event: Planned, *, away: bool) -> Plot:
        if not event.details.price.amount:
            return self._deck.deal({Plot.PAYS, Plot.CANCELS})
        return self._deck.deal(set(Plot) if away else set(Plot) - {Plot.WALKED_AWAY})

    def _waiting(self, event: Planned, queue: Iterator[str], count: int) -> Iterator[Visit]:
        for place in range(count):
            user = next(queue, None)
            if user is None:
                return
            plot = Plot.PONDERS if place % 3 == 1 else Plot.PAYS
            yield self._visit(event, user, 2 if place % 5 == 4 else 1, plot)  # noqa: PLR2004 - one in five

    def _visit(self, event: Planned, user: str, guests: int, plot: Plot) -> Visit:
        self._made += 1
        return Visit(self._keys.id(f"visit/{event.id[10:]}/{user[10:]}", self._made), user, guests, plot, self._chance.choice(GOOD_CARDS))

"""The plan of a world: everything that is to happen in it, worked out before anything does. Pure: the same keys give the same plan."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from dinnerkit.accounts.service import NewUser
from dinnerkit.demo.keys import Keys
from dinnerkit.demo.places import CITIES, City
from dinnerkit.demo.plots import Playwright, Plot, Script
from dinnerkit.demo.programme import dinners, nights
from dinnerkit.demo.residents import Resident, residents
from dinnerkit.demo.respondents import respondents
from dinnerkit.identity import Role

LOGINS = {Role.GUEST: "guest@dinnerkit.test", Role.HOST: "host@dinnerkit.test", Role.ADMIN: "admin@dinnerkit.test"}
"""The addresses with which one can sign in to the demo."""


@dataclass(frozen=True, slots=True)
class Scale:
    """How large a world is; ``dinners`` are for each city, beside its match night."""

    people: int = 2_400
    cities: int = 12
    dinners: int = 8


@dataclass(frozen=True)
class Plan:
    """What is to happen.

    Attributes:
        accounts: everybody, and the staff last.
        nights, dinners: what happens at each event.
        guest, host, admin: the ids of those who can sign in.
    """

    cities: tuple[City, ...]
    accounts: tuple[NewUser, ...]
    nights: tuple[Script, ...]
    dinners: tuple[Script, ...]
    guest: str
    host: str
    admin: str

    @cached_property
    def scripts(self) -> tuple[Script, ...]:
        """Of all events."""
        return self.nights + self.dinners

    @property
    def visits(self) -> int:
        """How many bookings and waiting parties there are."""
        return sum(len(script.visits) + len(script.waiting) for script in self.scripts)


def plan(scale: Scale, keys: Keys) -> Plan:
    """Work out a world."""
    cities = CITIES[: scale.cities]
    crowd = residents(respondents()[: scale.people], cities, keys)
    host, admin = (keys.id(f"staff/{name}", scale.people + place) for place, name in enumerate(("host", "admin")))
    playwright = Playwright(crowd, keys)
    evenings = tuple(playwright.script(night) for night in nights(cities, crowd, host, keys))
    tables = tuple(playwright.script(dinner) for dinner in dinners(cities, crowd, scale.dinners, keys))
    guest = next(visit.user for visit in evenings[0].visits if visit.plot is Plot.PAYS and visit.guests == 1)
    hosting = {table.event.host for table in tables}
    staff = (
        NewUser(id=host, email=LOGINS[Role.HOST], name="Hanna Host", role=Role.HOST),
        NewUser(id=admin, email=LOGINS[Role.ADMIN], name="Ada Admin", role=Role.ADMIN),
    )
    return Plan(cities, (*(_account(one, hosting, guest) for one in crowd), *staff), evenings, tables, guest, host, admin)


def _account(one: Resident, hosting: set[str], guest: str) -> NewUser:
    return one.account(Role.HOST if one.id in hosting else Role.GUEST, LOGINS[Role.GUEST] if one.id == guest else None)

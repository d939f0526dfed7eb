"""What is on in the demo's cities: a match night in each, and dinners at the tables of some of its people."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from dinnerkit.clock import to_millis
from dinnerkit.demo.cuisines import MENUS, Menu
from dinnerkit.demo.keys import Keys, dice
from dinnerkit.demo.places import City
from dinnerkit.demo.residents import Resident
from dinnerkit.events.rules import EventDetails, Format, RefundPolicy, TableSize, Venue, usual_tables
from dinnerkit.money import Money

INVENTED = "This is a demo: the people are invented names on the answers of real, anonymous people."

TABLES = TableSize(5, 7)
"""The tables of a match night."""

_COMING = 0.88  # the share of a city's people for whom its match night has a seat, in a hall that is large enough
_HALL = 156
_SHARE_SOLD_OUT = 3  # one match night in so many
_DINNERS_SOLD_OUT = 4
_FIRST_NIGHT, _LAST_DAY = 4, 27  # days after the world was begun
_STARTS = ((18, 30), (19, 0), (19, 30), (20, 0))
_SEATS = (6, 7, 8, 8, 10)
_POLICIES = (RefundPolicy(48, 0), RefundPolicy(24, 50), RefundPolicy(72, 25), RefundPolicy(0, 0))


@dataclass(frozen=True, slots=True)
class Planned:
    """An event that is to be held.

    Attributes:
        sold_out: all seats are wanted, and more.
        called_off: the host cancels it after people have booked.
    """

    id: str
    host: str
    city: City
    details: EventDetails
    sold_out: bool = False
    called_off: bool = False


def nights(cities: Sequence[City], crowd: Sequence[Resident], host: str, keys: Keys) -> list[Planned]:
    """A match night in each city, one day after the other, for most of its people."""
    return [
        Planned(
            id=keys.id(f"night/{city.name}", place),
            host=host,
            city=city,
            details=_night(city, sum(one.city is city for one in crowd), _at(city, keys.born, _FIRST_NIGHT + place, (19, 0))),
            sold_out=place % _SHARE_SOLD_OUT == 0,
        )
        for place, city in enumerate(cities)
    ]


def dinners(cities: Sequence[City], crowd: Sequence[Resident], each: int, keys: Keys) -> list[Planned]:
    """Small dinners in each city, at most as many as there are kitchens; one is called off in each of the first two."""
    found: list[Planned] = []
    for rank, city in enumerate(cities):
        chance = dice(keys.seed, f"dinners/{city.name}")
        hosts = chance.sample([one for one in crowd if one.city is city], each)
        for place, (menu, host) in enumerate(zip(chance.sample(MENUS, each), hosts, strict=True)):
            found.append(
                Planned(
                    id=keys.id(f"dinner/{city.name}/{place}", len(cities) + len(found)),
                    host=host.id,
                    city=city,
                    details=_dinner(city, menu, host, keys.born, chance),
                    sold_out=place % _DINNERS_SOLD_OUT == 1 and place < each - 1,
                    called_off=rank < 2 and place == each - 1,  # noqa: PLR2004
                )
            )
    return found


def _night(city: City, people: int, starts_at: datetime) -> EventDetails:
    seats = max(TABLES.max, 6 * round(min(people * _COMING, _HALL) / 6))
    return EventDetails(
        title=f"Match night in {city.name}",
        description=f"One evening, {seats} strangers, tables of {TABLES.min} to {TABLES.max}. Who sits with whom is worked out from what "
        f"everyone has told about themselves; you see your table, and why these people, once the seating is published.\n\n{INVENTED}",
        cuisine="Seasonal",
        starts_at=starts_at,
        timezone=city.timezone,
        city=city.name,
        venue=Venue("The long tables", f"Near the centre of {city.name}", city.hall),
        seats=seats,
        table_size=TABLES,
        price=Money(city.night_price, city.currency),
        tags=("match night", "meet people"),
        format=Format.MATCH_NIGHT,
    )


def _dinner(city: City, menu: Menu, host: Resident, born: datetime, chance: random.Random) -> EventDetails:
    quarter = chance.choice(sorted(city.quarters))
    seats = chance.choice(_SEATS)
    price = round(city.dinner_price * menu.percent / 10_000) * 100
    return EventDetails(
        title=menu.title,
        description=f"{menu.dishes}. {seats} seats at one table in {quarter}.\n\n{INVENTED}",
        cuisine=menu.cuisine,
        starts_at=_at(city, born, chance.randint(1, _LAST_DAY), chance.choice(_STARTS)),
        timezone=city.timezone,
        city=city.name,
        venue=Venue(f"{host.name.split()[0]}'s table", f"{quarter}, {city.name}", city.quarters[quarter]),
        seats=seats,
        table_size=usual_tables(seats),
        price=Money(price, city.currency),
        tags=menu.tags,
        refund_policy=chance.choice(_POLICIES),
    )


def _at(city: City, born: datetime, days: int, time: tuple[int, int]) -> datetime:
    """So many days later in that city, at a time of its own clocks."""
    zone = ZoneInfo(city.timezone)
    day = born.astimezone(zone).date() + timedelta(days=days)
    return to_millis(datetime(day.year, day.month, day.day, *time, tzinfo=zone))

"""The respondents as the demo shows them: put into a city, and given what nobody knows of them.

Age, gender, country and answers are the respondents' own. Invented, and drawn by the seed, are the name, the address, the city where the
country has none of the demo's, the languages besides English (in which all of them answered) and the country's own, the interests, the
diets, the budget, and who may see the profile.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

from dinnerkit.accounts.rules import Budget, Personality, Profile, Visibility
from dinnerkit.accounts.service import NewUser
from dinnerkit.demo.keys import Keys, dice
from dinnerkit.demo.names import FAMILIES, FIRST_NAMES
from dinnerkit.demo.places import WITHIN_REACH, City
from dinnerkit.demo.respondents import Respondent
from dinnerkit.identity import Role
from dinnerkit.texts import search_key

T = TypeVar("T")

ADDRESSES = "guests.dinnerkit.test"
"""The domain of the people's addresses; ``.test`` is reserved and reaches nobody (RFC 6761)."""

INTERESTS = {
    "film": 6, "live music": 6, "hiking": 6, "cooking": 6, "travel": 6, "novels": 5, "board games": 4, "podcasts": 4, "cycling": 4,
    "photography": 4, "gardening": 3, "languages": 3, "history": 3, "running": 3, "football": 3, "yoga": 3, "theatre": 3, "science": 3,
    "climbing": 2, "jazz": 2, "painting": 2, "politics": 2, "chess": 2, "birds": 1, "astronomy": 1, "ceramics": 1, "sailing": 1,
}  # fmt: skip
"""How often each is drawn, against the others."""

_SPOKEN = {
    "de": "DE AT CH LI", "fr": "FR LU MC SN CM", "es": "ES MX AR CL CO PE VE EC UY BO PY CR PA GT HN SV NI DO PR", "pt": "PT BR AO",
    "it": "IT", "nl": "NL BE", "sv": "SE", "nb": "NO", "da": "DK", "fi": "FI", "is": "IS", "pl": "PL", "cs": "CZ", "sk": "SK",
    "hu": "HU", "ro": "RO MD", "bg": "BG", "sr": "RS ME", "hr": "HR", "bs": "BA", "sl": "SI", "mk": "MK", "sq": "AL", "el": "GR CY",
    "lt": "LT", "lv": "LV", "et": "EE", "ru": "RU BY", "uk": "UA", "ka": "GE", "hy": "AM", "tr": "TR", "he": "IL", "fa": "IR",
    "ar": "AE SA EG LB QA BH KW OM JO IQ MA TN DZ SD", "hi": "IN", "ur": "PK", "bn": "BD", "si": "LK", "ne": "NP", "ms": "MY BN",
    "id": "ID", "fil": "PH", "th": "TH", "vi": "VN", "km": "KH", "my": "MM", "zh": "CN TW HK MO SG", "ja": "JP", "ko": "KR", "am": "ET",
    "sw": "KE TZ",
}  # fmt: skip
_OWN_LANGUAGE = {country: code for code, countries in _SPOKEN.items() for country in countries.split()}
_LEARNT = ("es", "fr", "de", "it", "pt", "zh", "ja")
_DIETS = {"": 74, "vegetarian": 12, "vegan": 5, "gluten-free": 4, "halal": 3, "kosher": 1, "no nuts": 1}
_BUDGETS = {Budget.LOW: 25, Budget.MEDIUM: 55, Budget.HIGH: 20}
_VISIBILITIES = {Visibility.GUESTS: 60, Visibility.PUBLIC: 30, Visibility.PRIVATE: 10}
_GENDERS = {1: "male", 2: "female", 3: "other"}


@dataclass(frozen=True, slots=True)
class Resident:
    """A person of the demo's world."""

    id: str
    name: str
    city: City
    profile: Profile
    personality: Personality

    def account(self, role: Role, email: str | None = None) -> NewUser:
        """As a user, by default under an address that follows from the name."""
        first, *rest = search_key(self.name).split()
        address = email or f"{first}.{''.join(rest)}@{ADDRESSES}"
        return NewUser(id=self.id, email=address, name=self.name, role=role, profile=self.profile, personality=self.personality)


def residents(people: Sequence[Respondent], cities: Sequence[City], keys: Keys) -> list[Resident]:
    """The people in their order, each with a name that nobody else has."""
    homes = settled(people, cities, dice(keys.seed, "homes"))
    names = _names(people, dice(keys.seed, "names"))
    chance = dice(keys.seed, "profiles")
    return [
        Resident(
            id=keys.id(f"resident/{place}", place),
            name=name,
            city=home,
            profile=_profile(person, home, keys.born.year, chance),
            personality=Personality(answers=person.answers, traits=person.traits),
        )
        for place, (person, home, name) in enumerate(zip(people, homes, names, strict=True))
    ]


def settled(people: Sequence[Respondent], cities: Sequence[City], chance: random.Random) -> list[City]:
    """A city for each: of their own country, else of their part of the world, else any; always the one with the fewest people so far."""
    by_name = {city.name: city for city in cities}
    reach = [tuple(name for name in WITHIN_REACH.get(person.country, ()) if name in by_name) or tuple(by_name) for person in people]
    order = sorted(range(len(people)), key=lambda place: (len(reach[place]), chance.random()))
    crowds: Counter[str] = Counter()
    homes: dict[int, City] = {}
    for place in order:
        emptiest = min(reach[place], key=lambda name: crowds[name])
        crowds[emptiest] += 1
        homes[place] = by_name[emptiest]
    return [homes[place] for place in range(len(people))]


def _names(people: Sequence[Respondent], chance: random.Random) -> list[str]:
    names: dict[str, None] = {}
    for person in people:
        while (name := f"{chance.choice(FIRST_NAMES[person.gender])} {chance.choice(FAMILIES)}") in names:
            pass
        names[name] = None
    return list(names)


def _profile(person: Respondent, home: City, year: int, chance: random.Random) -> Profile:
    languages = ["en"]
    if person.country in _OWN_LANGUAGE:
        languages.append(_OWN_LANGUAGE[person.country])
    if chance.random() < 0.2:  # noqa: PLR2004 - one in five has learnt another
        languages.append(chance.choice(_LEARNT))
    favourites = sorted(INTERESTS, key=lambda interest: chance.random() ** (1 / INTERESTS[interest]), reverse=True)
    diet = _drawn(_DIETS, chance)
    budget, visibility = _drawn(_BUDGETS, chance), _drawn(_VISIBILITIES, chance)
    return Profile(
        birth_year=year - person.age,
        gender=_GENDERS.get(person.gender),
        languages=tuple(dict.fromkeys(languages)),
        diets=(diet,) if diet else (),
        interests=tuple(sorted(favourites[: chance.choice((3, 4, 5))])),
        city=home.name,
        budget=budget,
        visibility=visibility,
        findable=visibility is Visibility.PUBLIC,
    )


def _drawn(weights: dict[T, int], chance: random.Random) -> T:
    return chance.choices(list(weights), list(weights.values()))[0]

"""Who is to be seated: only what the rules of seating use, and nothing else about a person."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import wraps
from typing import Literal, TypeVar, get_args

from dinnerkit.matching.arguments import shown, wrong_field
from dinnerkit.matching.errors import GuestInvalid
from dinnerkit.matching.people.items import TRAITS

Budget = Literal["low", "medium", "high"]

BUDGETS: tuple[str, ...] = get_args(Budget)
"""The tiers of budget, from the lowest; neighbours in this tuple are one step apart."""

OLDEST = 120

_Of = TypeVar("_Of")


def check_types(value: object) -> None:
    """Refuse a guest, or traits, of which a field is of a wrong type.

    Raises:
        GuestInvalid: one is, or it is something else.
    """
    if not isinstance(value, Guest | Traits):
        raise GuestInvalid(f"{shown(value)} is no guest")
    if (wrong := wrong_field(value)) is not None:
        name, called, given = wrong
        raise GuestInvalid(f"the {name} of a guest must be {called}, not {given}", fields={name: f"must be {called}"})


def _telling_types(check: Callable[[_Of], None]) -> Callable[[_Of], None]:
    """The check, which tells of a wrong type where it fails by one: to look at types first would take long for a million guests."""

    @wraps(check)
    def told(value: _Of) -> None:
        try:
            check(value)
        except (TypeError, ValueError, OverflowError, AttributeError):
            check_types(value)
            raise

    return told


@dataclass(frozen=True, slots=True)
class Traits:
    """The Big Five of one person, each from 0 to 1.

    Raises:
        GuestInvalid: a value is outside 0–1 or not a number.
    """

    extraversion: float
    neuroticism: float
    agreeableness: float
    conscientiousness: float
    openness: float

    @_telling_types
    def __post_init__(self) -> None:
        for name, value in zip(TRAITS, self, strict=True):
            if not 0.0 <= value <= 1.0:
                raise GuestInvalid(f"{name} must be from 0 to 1, not {value}", fields={name: "must be from 0 to 1"})

    def __iter__(self) -> Iterator[float]:
        return iter((self.extraversion, self.neuroticism, self.agreeableness, self.conscientiousness, self.openness))

    def as_dict(self) -> dict[str, float]:
        """The five values by name, as the API shows them."""
        return dict(zip(TRAITS, self, strict=True))


@dataclass(frozen=True, slots=True)
class Guest:
    """One person to be seated. Whatever is unset fits everybody, and counts neither for nor against a table.

    Attributes:
        id: unique within one seating.
        traits: personality, or None if the person did not answer.
        age: years.
        languages: what the person is happy to dine in, such as ``{"en", "de"}``; empty means not stated.
        interests: free tags.
        budget: ``"low"``, ``"medium"``, ``"high"`` or None.
        party: guests with the same party came together and sit together; None is alone.
        met: ids of guests met at earlier dinners; one side knowing is enough.
        blocked: ids of guests never to sit with; one side blocking is enough. Ids of people who don't come are ignored.
        diets: what the kitchen must be able to serve this guest, such as ``{"vegan"}``.
        dinners: how many dinners the guest has been to before, or None if that is not known.
        stated: what the person chose to state about themselves, such as ``{"gender": "woman"}``; used only by rules that name it.
        met_ago: ids of guests met at earlier dinners, and how many of the guest's dinners ago, 1 being the last. They need not be
            repeated in ``met``.

    Raises:
        GuestInvalid: an empty id, an impossible age, an unknown budget, one text in place of a set, or a count that is not one.
    """

    id: str
    traits: Traits | None = None
    age: float | None = None
    languages: frozenset[str] = field(default_factory=frozenset)
    interests: frozenset[str] = field(default_factory=frozenset)
    budget: str | None = None
    party: str | None = None
    met: frozenset[str] = field(default_factory=frozenset)
    blocked: frozenset[str] = field(default_factory=frozenset)
    diets: frozenset[str] = field(default_factory=frozenset)
    dinners: int | None = None
    stated: Mapping[str, str] = field(default_factory=dict, hash=False)
    met_ago: Mapping[str, int] = field(default_factory=dict, hash=False)

    @_telling_types
    def __post_init__(self) -> None:
        if not self.id:
            raise GuestInvalid("a guest needs an id that is not empty", fields={"id": "must not be empty"})
        if self.traits is not None and not isinstance(self.traits, Traits):
            raise GuestInvalid(
                f"guest '{self.id}' has the traits {self.traits!r}; they must be Traits", fields={"traits": "must be Traits"}
            )
        if self.budget is not None and self.budget not in BUDGETS:
            raise GuestInvalid(
                f"guest '{self.id}' has the budget {self.budget!r}; it must be one of {', '.join(BUDGETS)}, or unset",
                fields={"budget": f"must be one of {', '.join(BUDGETS)}"},
            )
        if self.age is not None and not (math.isfinite(self.age) and 0 <= self.age <= OLDEST):
            raise GuestInvalid(
                f"guest '{self.id}' has the age {self.age}; it must be from 0 to {OLDEST}, or unset",
                fields={"age": f"must be from 0 to {OLDEST}"},
            )
        if self.dinners is not None and self.dinners < 0:
            raise GuestInvalid(
                f"guest '{self.id}' has been to {self.dinners} dinners; it must be 0 or more, or unset",
                fields={"dinners": "must be 0 or more"},
            )
        if any(ago < 1 for ago in self.met_ago.values()):
            raise GuestInvalid(
                f"guest '{self.id}' met somebody less than one dinner ago; the last dinner is 1",
                fields={"met_ago": "must be 1 or more"},
            )
        for name in ("languages", "interests", "met", "blocked", "diets"):
            value = getattr(self, name)
            if not isinstance(value, frozenset):
                object.__setattr__(self, name, self._texts(name, value))
        if not self.met_ago.keys() <= self.met:
            object.__setattr__(self, "met", self.met.union(self.met_ago))

    def _texts(self, name: str, values: Iterable[str]) -> frozenset[str]:
        """A set of the values, where they are not one text, of which it would be the letters."""
        if isinstance(values, str):
            raise GuestInvalid(
                f"guest '{self.id}' has the {name} {values!r}; it must be a set of texts, such as {{{values!r}}}",
                fields={name: "must be a set of texts"},
            )
        return frozenset(values)

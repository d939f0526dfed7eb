"""What a user is, and what an e-mail address, a language and a profile must look like. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from functools import cache

from babel.core import Locale, get_global
from email_validator import EmailNotValidError, validate_email

from dinnerkit.errors import Invalid
from dinnerkit.identity import Role

LONGEST_EMAIL = 254
"""RFC 5321's limit of a path, less its brackets."""

LONGEST_NAME = 80
LONGEST_TAG = 40
MOST_TAGS = 30
MOST_LANGUAGES = 20
OLDEST_BIRTH_YEAR = 1900

_NO_LANGUAGES = frozenset({"mis", "mul", "und", "zxx"})
_LANGUAGE = re.compile(r"[a-z]{2,3}")


TRAITS = ("extraversion", "neuroticism", "agreeableness", "conscientiousness", "openness")
"""The traits of a personality, each from 0 to 1."""


class Budget(StrEnum):
    """What a guest likes to spend on a dinner."""

    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"


class Visibility(StrEnum):
    """Who may see a profile: nobody, the guests of the same dinners, or everyone."""

    PRIVATE = "private"
    GUESTS = "guests"
    PUBLIC = "public"


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """What a guest tells about themselves; all of it optional. Languages are ISO 639 codes, the two-letter one where there is one.

    ``findable`` is the consent to be found by guests who are alike in personality, as long as everyone may see the profile.
    """

    birth_year: int | None = None
    gender: str | None = None
    languages: tuple[str, ...] = ()
    diets: tuple[str, ...] = ()
    interests: tuple[str, ...] = ()
    city: str | None = None
    budget: Budget | None = None
    visibility: Visibility = Visibility.PRIVATE
    findable: bool = False
    reminders: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Personality:
    """The answers to the questionnaire (item to 1–5) and what follows from them (trait to 0–1)."""

    answers: Mapping[str, int]
    traits: Mapping[str, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class User:
    """A user as the rest of the house sees one; ``traits`` is None until the questionnaire was answered."""

    id: str
    email: str
    name: str
    role: Role
    verified: bool
    created_at: datetime
    profile: Profile = field(default_factory=Profile)
    traits: Mapping[str, float] | None = None


@dataclass(frozen=True, slots=True)
class EmailAddress:
    """An address as it is shown and written to, and the key by which two spellings of it are one."""

    shown: str
    key: str


def email_address(text: str) -> EmailAddress:
    """Check and normalise an address; nobody is asked whether it exists.

    Its key is case-folded, with the domain as IDNA 2008 writes it in ASCII. The special-use domains, such as ``.test``, are let through:
    a mail to them gets nowhere, and their users know.

    Raises:
        Invalid: it is not an address.
    """
    try:
        checked = validate_email(text.strip(), check_deliverability=False, test_environment=True, globally_deliverable=False)
    except EmailNotValidError as error:
        raise Invalid("That is not an e-mail address.", fields={"email": str(error)}) from None
    if len(checked.normalized) > LONGEST_EMAIL:
        raise Invalid("That is not an e-mail address.", fields={"email": f"It has more than {LONGEST_EMAIL} characters."})
    return EmailAddress(checked.normalized, f"{checked.local_part.casefold()}@{checked.ascii_domain.lower()}")


@cache
def languages() -> Mapping[str, str]:
    """The ISO 639 codes that CLDR knows, each with the code that it is kept as: ``deu`` as ``de``."""
    named = {str(code) for code in Locale("en").languages if _LANGUAGE.fullmatch(str(code))} - _NO_LANGUAGES
    aliases = {str(code): str(main) for code, main in get_global("language_aliases").items()}
    return {code: code for code in named} | {code: main for code, main in aliases.items() if _LANGUAGE.fullmatch(code) and main in named}


def language_codes(codes: Iterable[str]) -> tuple[str, ...]:
    """The codes as they are kept, each once, in their order.

    Raises:
        Invalid: one is not a language's.
    """
    known = languages()
    for code in codes:
        if code not in known:
            raise Invalid("That is not a language.", fields={"languages": f"{code!r} is not an ISO 639 code in lower case."})
    return tuple(dict.fromkeys(known[code] for code in codes))


def tags(words: Iterable[str]) -> tuple[str, ...]:
    """Words that compare alike: in lower case, without double spaces, each once."""
    return tuple(dict.fromkeys(" ".join(word.lower().split()) for word in words))

"""A captcha that needs no server and asks nobody anything: the browser does some work, which is checked at once.

The challenges and answers are those of ALTCHA's proof of work, version 2 (https://altcha.org/docs/v2/proof-of-work/), of which the
``altcha`` package does the server's part: a number is to be found of which PBKDF2 makes a given key. The number is drawn from the upper
half of ``tries``, so that no visitor is unlucky. Programs can solve it as well, in about the same time: it makes thousands of accounts
dear, not one.
"""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from importlib.resources import files
from typing import Any, ClassVar

import altcha
import pymongo
from pymongo import ASCENDING, IndexModel
from pymongo.collection import Collection
from pymongo.database import Database
from pymongo.errors import DuplicateKeyError, PyMongoError

from dinnerkit.clock import Clock, utcnow
from dinnerkit.errors import SettingError, Unavailable
from dinnerkit.ports.captcha import LONGEST_ANSWER, CaptchaForm, Verdict
from dinnerkit.ports.contracts import built_for
from dinnerkit.ports.urls import parse_url
from dinnerkit.storage import Row

COLLECTION = "captcha_answers"

INDEXES = (IndexModel([("expires_at", ASCENDING)], name="expiry", expireAfterSeconds=0),)

_ALGORITHM = "PBKDF2/SHA-256"
_PATIENCE = 2.5
_COST, _MOST_COST = 5000, 1_000_000
_TRIES, _MOST_TRIES = 400, 1_000_000
_MINUTES, _MOST_MINUTES = 60, 1440

_NOT_ONE = (ValueError, LookupError, TypeError, AttributeError, ArithmeticError, RecursionError)
"""What comes of reading JSON that is nothing like an answer."""


class ProofOfWork:
    """Signs challenges, and remembers in the documents' database which were answered, so that all processes agree.

    Args:
        cost: rounds of PBKDF2 for each number that is tried; the server does as many for each challenge.
        tries: how many numbers there are; a browser tries three quarters of them on average.
        life: how long a challenge can be answered.
        clock: tells the time.
    """

    module: ClassVar[str] = files("dinnerkit.backends.captcha").joinpath("proof_of_work.js").read_text("utf-8")
    bound_to_actions: ClassVar[bool] = True

    def __init__(
        self, cost: int = _COST, tries: int = _TRIES, life: timedelta = timedelta(minutes=_MINUTES), clock: Clock = utcnow
    ) -> None:
        self._cost = cost
        self._tries = tries
        self._life = life
        self._clock = clock
        self._database: Database[Row] | None = None
        self._signing = self._solving = ""

    def use(self, database: Database[dict[str, Any]]) -> None:
        """Take this database."""
        self._database = database

    def ensure_indexes(self) -> list[str]:
        """Have the server forget answers whose time is over."""
        with self._answers() as answers:
            return [f"{COLLECTION}.{name}" for name in answers.create_indexes(list(INDEXES))]

    def use_key(self, key: bytes) -> None:
        """Make the two keys of it: one signs challenges, the other what solves them."""
        self._signing, self._solving = (hmac.digest(key, purpose, "sha256").hex() for purpose in (b"challenge", b"solution"))

    def form(self, action: str) -> CaptchaForm:
        """A new challenge."""
        challenge = altcha.create_challenge(
            _ALGORITHM,
            self._cost,
            counter=self._tries - secrets.randbelow(self._tries // 2 + 1),
            expires_at=self._clock() + self._life,
            data={"action": action},
            hmac_secret=self._key(self._signing),
            hmac_key_secret=self._key(self._solving),
        )
        return CaptchaForm("altcha", {"challenge": challenge.to_dict()})

    def verify(self, answer: str, *, action: str, address: str) -> Verdict:
        """Check the signatures, which costs nothing, and then remember that it was answered, in one step."""
        if len(answer) > LONGEST_ANSWER:
            return Verdict.FAILED
        try:
            given = altcha.Payload.from_base64(answer)
            found = altcha.verify_solution(given, self._key(self._signing), hmac_key_secret=self._key(self._solving))
            parameters = given.challenge.parameters
            if found.expired:
                return Verdict.OVER
            if not found.verified or (parameters.data or {}).get("action") != action:
                return Verdict.FAILED
            until = datetime.fromtimestamp(int(parameters.expires_at or 0), UTC)
        except _NOT_ONE:
            return Verdict.FAILED
        if until <= self._clock():
            return Verdict.OVER
        return self._used_up(str(given.challenge.signature), until)

    def ping(self) -> None:
        """Reach the database."""
        with self._answers() as answers:
            answers.database.command("ping")

    def close(self) -> None:
        """The database is not ours to close."""

    def _used_up(self, signature: str, until: datetime) -> Verdict:
        try:
            with self._answers() as answers:
                answers.insert_one({"_id": signature, "expires_at": until})
        except DuplicateKeyError:
            return Verdict.OVER
        return Verdict.PASSED

    @contextmanager
    def _answers(self) -> Iterator[Collection[Row]]:
        if self._database is None:
            raise RuntimeError("this captcha was not given its database")
        try:
            with pymongo.timeout(_PATIENCE):
                yield self._database[COLLECTION]
        except DuplicateKeyError:
            raise
        except PyMongoError as error:
            raise Unavailable(f"captcha: the database gave no answer: {type(error).__name__}") from None

    @staticmethod
    def _key(key: str) -> str:
        if not key:
            raise RuntimeError("this captcha was not given its key")
        return key


@built_for(1, ProofOfWork)
def proof_of_work(url: str) -> ProofOfWork:
    """``proof-of-work://?cost=5000&tries=400&minutes=60``.

    Raises:
        SettingError: an option makes no sense.
    """
    options = parse_url(url).only("cost", "tries", "minutes").options

    def number(name: str, usual: int, most: int) -> int:
        value = options.get(name, str(usual))
        if not (value.isascii() and value.isdecimal() and len(value) <= len(str(most)) and 1 <= int(value) <= most):
            raise SettingError(f"captcha: {name} is a whole number from 1 to {most}, not {value!r}")
        return int(value)

    cost, tries = number("cost", _COST, _MOST_COST), number("tries", _TRIES, _MOST_TRIES)
    return ProofOfWork(cost, tries, timedelta(minutes=number("minutes", _MINUTES, _MOST_MINUTES)))

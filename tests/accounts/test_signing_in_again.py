"""Who has signed in before is known by a note with the count of attempts, which is a hint and no more."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

import pytest
from pymongo import MongoClient
from pymongo.database import Database

from dinnerkit.accounts.errors import BadCredentials, TooManyAttempts
from dinnerkit.accounts.recovery import RecoveryService
from dinnerkit.accounts.rules import User
from dinnerkit.accounts.service import AccountService
from dinnerkit.accounts.sign_in import SIGN_IN_LIMIT, SignInService
from dinnerkit.testing import StandingClock
from tests.accounts.conftest import Accounts
from tests.commands import Commands

EMAIL, PASSWORD, OTHER = "anna@example.com", "correct horse battery", "violet tram umbrella"


@pytest.fixture(scope="module")
def commands() -> Commands:
    return Commands()


@pytest.fixture(scope="module")
def listening(mongo_url: str, commands: Commands) -> Iterator[MongoClient[dict[str, Any]]]:
    with MongoClient(mongo_url, tz_aware=True, event_listeners=[commands]) as client:
        yield client


@pytest.fixture
def database(database_url: str, listening: MongoClient[dict[str, Any]]) -> Database[dict[str, Any]]:
    return listening[urlsplit(database_url).path.removeprefix("/")]


@pytest.fixture
def anna(accounts: Accounts) -> User:
    """Who has signed in once."""
    found = accounts[AccountService].register(email=EMAIL, password=PASSWORD, name="Anna")
    accounts[SignInService].login(EMAIL, PASSWORD)
    return found


@pytest.fixture
def sign_in(accounts: Accounts, anna: User, clock: StandingClock) -> SignInService:
    clock.advance(minutes=20)
    accounts.offloaded = 0
    return accounts[SignInService]


def refuse(sign_in: SignInService, email: str, password: str) -> None:
    with pytest.raises(BadCredentials):
        sign_in.login(email, password)


def test_it_takes_two_questions(sign_in: SignInService, anna: User, commands: Commands) -> None:
    with commands.watched() as sent:
        tokens = sign_in.login(EMAIL, PASSWORD)

    assert sent == ["findAndModify attempts", "update users"]
    assert sign_in.authenticate(tokens.access_token).user_id == anna.id


def test_a_wrong_password_takes_the_same_whether_somebody_has_signed_in_or_never_did_or_nobody_has_the_address(
    accounts: Accounts, sign_in: SignInService, commands: Commands
) -> None:
    accounts[AccountService].register(email="ben@example.com", password=PASSWORD, name="Ben")
    taken = []
    for email in (EMAIL, "ben@example.com", "nobody@example.com"):
        accounts.offloaded = 0
        with commands.watched() as sent:
            refuse(sign_in, email, OTHER)
        taken.append((accounts.offloaded, sorted(sent)))

    assert taken == [(1, ["find addresses", "find users", "findAndModify attempts"])] * 3


def test_a_password_that_was_changed_without_a_word_counts_at_once(accounts: Accounts, sign_in: SignInService, anna: User) -> None:
    accounts[AccountService].register(email="ben@example.com", password=OTHER, name="Ben")
    other = accounts.database["users"].find_one({"email": "ben@example.com"})
    assert other is not None
    accounts.database["users"].update_one({"_id": anna.id}, {"$set": {"password": other["password"], "sessions": []}})

    refuse(sign_in, EMAIL, PASSWORD)
    assert accounts.row(anna.id)["sessions"] == []
    assert sign_in.authenticate(sign_in.login(EMAIL, OTHER).access_token).user_id == anna.id
    refuse(sign_in, EMAIL, PASSWORD)


def test_a_new_password_by_mail_leaves_nothing_of_the_old(accounts: Accounts, sign_in: SignInService, anna: User) -> None:
    recovery = accounts[RecoveryService]
    recovery.reset_password(recovery.reset_token(anna.id) or "", OTHER)

    assert list(accounts.database["attempts"].find({"password": {"$exists": True}})) == []
    refuse(sign_in, EMAIL, PASSWORD)
    sign_in.login(EMAIL, OTHER)


def test_an_address_that_its_user_has_no_more_lets_nobody_in(accounts: Accounts, sign_in: SignInService, anna: User) -> None:
    accounts[AccountService].adopt(anna.id, email="anna@example.org", name="Anna")

    refuse(sign_in, EMAIL, PASSWORD)
    assert sign_in.authenticate(sign_in.login("anna@example.org", PASSWORD).access_token).user_id == anna.id


def test_a_user_who_is_gone_is_not_let_in(accounts: Accounts, sign_in: SignInService, anna: User) -> None:
    accounts.database["users"].delete_one({"_id": anna.id})

    refuse(sign_in, EMAIL, PASSWORD)


def test_wrong_passwords_are_counted_as_ever(sign_in: SignInService, clock: StandingClock) -> None:
    for _ in range(2):
        for _ in range(SIGN_IN_LIMIT.most):
            refuse(sign_in, EMAIL, OTHER)
        with pytest.raises(TooManyAttempts) as caught:
            sign_in.login(EMAIL, PASSWORD)
        assert caught.value.details["retry_after"] == 900
        clock.advance(minutes=15)
    sign_in.login(EMAIL, PASSWORD)


def test_the_note_outlives_its_window_and_is_forgotten_by_itself(accounts: Accounts, sign_in: SignInService, clock: StandingClock) -> None:
    refuse(sign_in, EMAIL, OTHER)

    (row,) = accounts.database["attempts"].find()
    assert row["until"] == clock() + SIGN_IN_LIMIT.window
    assert row["expires_at"] == clock() + timedelta(days=90) - timedelta(minutes=20)
    assert EMAIL not in str(row)


def test_a_count_of_an_earlier_version_goes_on(accounts: Accounts, sign_in: SignInService, clock: StandingClock) -> None:
    refuse(sign_in, "ben@example.com", OTHER)
    accounts.database["attempts"].update_one({"user": None}, {"$unset": {"until": 1}, "$set": {"count": SIGN_IN_LIMIT.most - 1}})
    assert sign_in.suspected("ben@example.com")

    refuse(sign_in, "ben@example.com", OTHER)
    with pytest.raises(TooManyAttempts):
        sign_in.login("ben@example.com", OTHER)

    clock.advance(minutes=15)
    assert not sign_in.suspected("ben@example.com")
    refuse(sign_in, "ben@example.com", OTHER)

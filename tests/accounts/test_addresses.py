"""An e-mail address has one holder, on however many shards the users lie."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from dinnerkit.accounts.addresses import Addresses
from dinnerkit.accounts.errors import EmailTaken
from dinnerkit.accounts.service import AccountService, NewUser
from dinnerkit.accounts.sign_in import SignInService
from dinnerkit.ids import new_id
from dinnerkit.testing import StandingClock
from tests.accounts.conftest import PASSWORD, Accounts

ANNA = "anna@example.com"


def register(accounts: Accounts, user_id: str | None = None, email: str = ANNA) -> str:
    return accounts[AccountService].register(email=email, password=PASSWORD, name="Anna", user_id=user_id).id


def test_of_many_who_register_with_an_address_at_once_one_gets_it(accounts: Accounts) -> None:
    together = threading.Barrier(6)

    def attempt(_: int) -> str:
        together.wait()
        try:
            return register(accounts)
        except EmailTaken:
            return ""

    with ThreadPoolExecutor(6) as threads:
        made = [user for user in threads.map(attempt, range(6)) if user]
    assert [row["_id"] for row in accounts.database["users"].find()] == made
    assert len(made) == 1
    assert accounts[Addresses].holder(ANNA) == made[0]


def test_one_whose_registration_died_halfway_goes_on_under_the_same_id(accounts: Accounts) -> None:
    user = new_id()
    assert accounts[Addresses].take(ANNA, user) == user
    assert accounts[AccountService].find(ANNA) is None, "nobody has it yet"
    assert register(accounts, user) == user


def test_an_address_whose_user_was_never_made_is_anothers_after_a_while(accounts: Accounts, clock: StandingClock) -> None:
    accounts[Addresses].take(ANNA, new_id())
    with pytest.raises(EmailTaken):
        register(accounts)
    clock.advance(minutes=11)
    user = register(accounts)
    assert accounts[SignInService].login(ANNA, PASSWORD)
    clock.advance(minutes=11)
    with pytest.raises(EmailTaken):
        register(accounts)
    assert accounts[Addresses].holder(ANNA) == user


def test_an_address_that_a_user_has_no_more_is_free(accounts: Accounts) -> None:
    service = accounts[AccountService]
    service.adopt("from-the-host", email=ANNA, name="Anna")
    service.adopt("from-the-host", email="new@example.com", name="Anna")
    assert register(accounts) != "from-the-host"
    with pytest.raises(EmailTaken):
        service.adopt("from-the-host", email=ANNA, name="Anna")
    assert service.get("from-the-host").email == "new@example.com"


def test_an_import_that_fails_keeps_no_address(accounts: Accounts) -> None:
    taken = register(accounts)
    batch = [NewUser(email=f"{name}@example.com", name=name) for name in ("ben", "anna", "cleo")]
    with pytest.raises(EmailTaken):
        accounts[AccountService].import_users(batch)
    assert [row["_id"] for row in accounts.database["addresses"].find()] == [ANNA]
    with pytest.raises(EmailTaken):
        accounts[AccountService].import_users([NewUser(id=taken, email="other@example.com", name="x")])
    assert accounts[Addresses].holder("other@example.com") is None


def test_users_of_an_earlier_version_get_their_addresses_even_if_that_is_interrupted(accounts: Accounts) -> None:
    names = [f"guest-{number}" for number in range(5)]
    ids = accounts[AccountService].import_users([NewUser(email=f"{name}@example.com", name=name) for name in names])
    addresses = accounts.database["addresses"]
    addresses.delete_many({"_id": {"$ne": "guest-4@example.com"}})  # as it is when a process dies that had begun, from the last user on
    accounts[Addresses].complete()
    assert {row["user"] for row in addresses.find()} == set(ids)
    addresses.delete_one({"_id": "guest-4@example.com"})
    accounts[Addresses].complete()
    assert addresses.count_documents({}) == 4, "it walks over all users at each start"

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from dinnerkit.accounts.errors import EmailTaken, NoSuchUser, WeakPassword
from dinnerkit.accounts.people import People
from dinnerkit.accounts.rules import Budget, Personality, Profile, Visibility
from dinnerkit.accounts.service import AccountService, NewUser
from dinnerkit.accounts.sign_in import SignInService
from dinnerkit.errors import Invalid
from dinnerkit.identity import Role
from dinnerkit.ids import new_id

PASSWORD = "correct horse battery"


@pytest.fixture
def service(accounts: Any) -> AccountService:
    found: AccountService = accounts[AccountService]
    return found


def registered(service: AccountService, email: str = "anna@example.com", **more: Any) -> Any:
    return service.register(email=email, password=PASSWORD, name="Anna", **more)


def test_who_registers_is_an_unverified_guest_and_gets_a_mail(accounts: Any, service: AccountService) -> None:
    user = registered(service)

    assert (user.email, user.name, user.role, user.verified) == ("anna@example.com", "Anna", Role.GUEST, False)
    assert user.profile == Profile()
    assert accounts.told(user.id) == [("accounts.user_registered", {"user_id": user.id})]


def test_who_comes_from_elsewhere_with_a_password_signs_in_by_it(accounts: Any, service: AccountService) -> None:
    anna = NewUser(email="anna@example.com", name="Anna", password=PASSWORD)
    [user] = service.import_users([anna])

    assert accounts[SignInService].login("anna@example.com", PASSWORD)
    assert PASSWORD not in repr(anna)
    assert accounts.told(user) == []


def test_neither_password_nor_token_is_stored_readably(accounts: Any, service: AccountService) -> None:
    user = registered(service)
    tokens = accounts[SignInService].login("anna@example.com", PASSWORD)

    stored = str(accounts.row(user.id))

    assert PASSWORD not in stored
    assert accounts.offloaded == 3  # judged, hashed and checked
    for part in tokens.refresh_token.split(".")[1:]:
        assert part not in stored


def test_an_address_belongs_to_one_user_however_it_is_spelt(service: AccountService) -> None:
    registered(service)

    with pytest.raises(EmailTaken):
        registered(service, "ANNA@Example.com")


def test_of_many_who_register_an_address_at_once_one_gets_it(accounts: Any, service: AccountService) -> None:
    def attempt(_: int) -> str:
        try:
            return str(registered(service).id)
        except EmailTaken:
            return ""

    with ThreadPoolExecutor(6) as pool:
        made = [found for found in pool.map(attempt, range(6)) if found]

    assert len(made) == 1
    assert accounts.database["users"].count_documents({}) == 1


def test_a_registration_that_is_repeated_under_its_id_finds_its_own_user(accounts: Any, service: AccountService) -> None:
    user_id = new_id()

    assert registered(service, user_id=user_id) == registered(service, user_id=user_id)
    assert accounts.database["users"].count_documents({}) == 1


def test_a_weak_password_makes_no_user(accounts: Any, service: AccountService) -> None:
    with pytest.raises(WeakPassword):
        service.register(email="anna@example.com", password="anna@example", name="Anna")
    assert accounts.database["users"].count_documents({}) == 0


def test_the_operators_users_are_verified_at_once(service: AccountService) -> None:
    user = service.create_user(email="root@example.com", name="Root", password=PASSWORD, role=Role.ADMIN)

    assert (user.role, user.verified) == (Role.ADMIN, True)
    with pytest.raises(EmailTaken):
        service.create_user(email="root@example.com", name="Root", password=PASSWORD)


def test_users_from_elsewhere_come_in_without_a_password(accounts: Any, service: AccountService) -> None:
    profile = Profile(birth_year=1980, languages=("de", "en"), city="Berlin", budget=Budget.LOW, visibility=Visibility.GUESTS)
    personality = Personality(answers={"E1": 4}, traits={"extraversion": 0.75})
    people = [NewUser(email=f"guest{n}@demo.test", name=f"Guest {n}", profile=profile, personality=personality) for n in range(5)]

    ids = service.import_users(people)

    assert [service.get(user_id).name for user_id in ids] == [person.name for person in people]
    found = service.get(ids[0])
    assert (found.profile, found.traits, found.verified) == (profile, {"extraversion": 0.75}, True)
    assert service.answers(ids[0]) == {"E1": 4}
    assert accounts.offloaded == 0
    assert accounts.told(ids[0]) == []
    with pytest.raises(EmailTaken):
        service.import_users(people[:1])


def test_an_imported_user_of_a_wrong_shape_is_refused(service: AccountService) -> None:
    with pytest.raises(Invalid):
        service.import_users([NewUser(email="a@demo.test", name="A", profile=Profile(birth_year=1500))])


def test_other_domains_see_people_many_at_a_time(accounts: Any, service: AccountService) -> None:
    ids = service.import_users([NewUser(email=f"g{n}@demo.test", name=f"Guest {n}", profile=Profile(diets=("vegan",))) for n in range(3)])

    found = People(accounts.database).find([*ids, "nobody"])

    assert found.keys() == set(ids)
    assert (found[ids[0]].name, found[ids[0]].diets, found[ids[0]].visibility) == ("Guest 0", ("vegan",), "private")


def test_a_hosts_own_user_is_adopted_and_kept_up_to_date(service: AccountService) -> None:
    service.adopt("host-42", email="old@example.com", name="Old")
    service.update_profile("host-42", {"city": "Oslo"})

    user = service.adopt("host-42", email="new@example.com", name="New", role=Role.HOST)

    assert (user.id, user.email, user.name, user.role, user.verified) == ("host-42", "new@example.com", "New", Role.HOST, True)
    assert user.profile.city == "Oslo"
    service.adopt("host-43", email="old@example.com", name="Other")
    with pytest.raises(EmailTaken):
        service.adopt("host-43", email="new@example.com", name="Other")


def test_a_profile_changes_where_it_is_told_to_and_nowhere_else(service: AccountService) -> None:
    user = registered(service)
    service.update_profile(user.id, {"city": "Oslo", "languages": ("no", "en"), "budget": "high", "name": "Anne"})

    changed = service.update_profile(user.id, {"city": None, "interests": ("jazz",)})

    assert changed.name == "Anne"
    assert changed.profile == Profile(languages=("no", "en"), interests=("jazz",), budget=Budget.HIGH)
    assert service.update_profile(user.id, {}) == changed


def test_personality_is_kept_and_shown_as_traits(service: AccountService) -> None:
    user = registered(service)

    found = service.set_personality(user.id, Personality(answers={"E1": 5}, traits={"openness": 0.5}))

    assert found.traits == {"openness": 0.5}
    assert service.answers(user.id) == {"E1": 5}


def test_a_role_is_given(service: AccountService) -> None:
    assert service.set_role(registered(service).id, Role.HOST).role is Role.HOST


def test_a_user_is_found_by_address(service: AccountService) -> None:
    user = registered(service)

    assert service.find("ANNA@example.com") == user
    assert service.find("ben@example.com") is None


def test_nobody_is_said_to_be_nobody(service: AccountService) -> None:
    with pytest.raises(NoSuchUser):
        service.get("nobody")
    with pytest.raises(NoSuchUser):
        service.update_profile("nobody", {"city": "Oslo"})
    with pytest.raises(NoSuchUser):
        service.set_role("nobody", Role.HOST)

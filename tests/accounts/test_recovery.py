from __future__ import annotations

from typing import Any

import pytest

from dinnerkit.accounts.errors import BadCredentials, BadToken, TooManyAttempts, WeakPassword
from dinnerkit.accounts.page_sessions import PageSessions
from dinnerkit.accounts.recovery import MAIL_LIMIT, RecoveryService
from dinnerkit.accounts.rules import User
from dinnerkit.accounts.service import AccountService, NewUser
from dinnerkit.accounts.sign_in import SIGN_IN_LIMIT, SignInService
from dinnerkit.errors import Invalid

EMAIL, PASSWORD, NEW = "anna@example.com", "correct horse battery", "violet tram umbrella"


@pytest.fixture
def anna(accounts: Any) -> User:
    found: User = accounts[AccountService].register(email=EMAIL, password=PASSWORD, name="Anna")
    return found


@pytest.fixture
def recovery(accounts: Any, anna: User) -> RecoveryService:
    found: RecoveryService = accounts[RecoveryService]
    return found


def test_the_mailed_token_verifies_the_address_once(accounts: Any, recovery: RecoveryService, anna: User) -> None:
    token = recovery.verification_token(anna.id)
    assert token is not None

    assert recovery.verify_email(token) == anna.id

    assert accounts[AccountService].get(anna.id).verified
    with pytest.raises(BadToken):
        recovery.verify_email(token)
    assert recovery.verification_token(anna.id) is None


def test_a_mail_that_is_sent_twice_works_either_way(recovery: RecoveryService, anna: User, clock: Any) -> None:
    first = recovery.verification_token(anna.id)
    clock.advance(minutes=5)
    recovery.verification_token(anna.id)

    assert recovery.verify_email(str(first)) == anna.id


def test_a_verification_expires(recovery: RecoveryService, anna: User, clock: Any) -> None:
    token = recovery.verification_token(anna.id)
    clock.advance(days=3)

    with pytest.raises(BadToken):
        recovery.verify_email(str(token))


def test_a_token_is_for_the_address_that_it_was_mailed_to(accounts: Any, recovery: RecoveryService, anna: User) -> None:
    token = recovery.verification_token(anna.id)
    accounts.database["users"].update_one({"_id": anna.id}, {"$set": {"email_key": "other@example.com"}})

    with pytest.raises(BadToken):
        recovery.verify_email(str(token))


def test_tokens_of_one_purpose_are_worth_nothing_for_another(accounts: Any, recovery: RecoveryService, anna: User) -> None:
    access = accounts[SignInService].login(EMAIL, PASSWORD).access_token

    for token in (recovery.reset_token(anna.id), access, "", "x", "a.b.c"):
        with pytest.raises(BadToken):
            recovery.verify_email(str(token))
    for token in (recovery.verification_token(anna.id), access):
        with pytest.raises(BadToken):
            recovery.reset_password(str(token), NEW)


def test_a_verification_can_be_asked_for_again_but_not_for_ever(accounts: Any, recovery: RecoveryService, anna: User) -> None:
    for _ in range(MAIL_LIMIT.most):
        recovery.request_verification(anna.id)
    with pytest.raises(TooManyAttempts):
        recovery.request_verification(anna.id)

    asked = [data["request_id"] for kind, data in accounts.told(anna.id) if kind == "accounts.verification_requested"]
    assert len(set(asked)) == MAIL_LIMIT.most


def test_who_is_verified_gets_no_mail(accounts: Any, recovery: RecoveryService, anna: User) -> None:
    recovery.verify_email(str(recovery.verification_token(anna.id)))

    recovery.request_verification(anna.id)

    assert [kind for kind, _ in accounts.told(anna.id)] == ["accounts.user_registered"]


def test_a_forgotten_password_is_set_anew_and_all_sessions_end(accounts: Any, recovery: RecoveryService, anna: User) -> None:
    sign_in = accounts[SignInService]
    tokens, page = sign_in.login(EMAIL, PASSWORD), sign_in.open_session(EMAIL, PASSWORD)
    recovery.request_password_reset("ANNA@example.com")
    token = str(recovery.reset_token(anna.id))

    assert recovery.reset_password(token, NEW) == anna.id

    with pytest.raises(BadToken):
        sign_in.authenticate(tokens.access_token)
    with pytest.raises(BadToken):
        sign_in.refresh(tokens.refresh_token)
    assert accounts[PageSessions].find(page.token) is None
    with pytest.raises(BadCredentials):
        sign_in.login(EMAIL, PASSWORD)
    sign_in.login(EMAIL, NEW)
    assert accounts[AccountService].get(anna.id).verified
    kinds = [kind for kind, _ in accounts.told(anna.id)]
    assert kinds[1:] == ["accounts.password_reset_requested", "accounts.password_changed"]


def test_a_reset_works_once_and_makes_the_other_links_worthless(recovery: RecoveryService, anna: User, clock: Any) -> None:
    first = str(recovery.reset_token(anna.id))
    clock.advance(minutes=1)
    second = str(recovery.reset_token(anna.id))
    recovery.reset_password(second, NEW)

    for token in (first, second):
        with pytest.raises(BadToken):
            recovery.reset_password(token, PASSWORD)


def test_a_reset_expires(recovery: RecoveryService, anna: User, clock: Any) -> None:
    token = str(recovery.reset_token(anna.id))
    clock.advance(hours=1)

    with pytest.raises(BadToken):
        recovery.reset_password(token, NEW)


def test_a_weak_new_password_uses_nothing_up(recovery: RecoveryService, anna: User) -> None:
    token = str(recovery.reset_token(anna.id))

    with pytest.raises(WeakPassword):
        recovery.reset_password(token, "password")

    recovery.reset_password(token, NEW)


def test_a_reset_lets_in_who_was_made_to_wait(accounts: Any, recovery: RecoveryService, anna: User) -> None:
    sign_in = accounts[SignInService]
    for _ in range(SIGN_IN_LIMIT.most):
        with pytest.raises(BadCredentials):
            sign_in.login(EMAIL, "wrong horse battery")

    recovery.reset_password(str(recovery.reset_token(anna.id)), NEW)

    sign_in.login(EMAIL, NEW)


def test_a_user_without_a_password_gets_one_by_mail(accounts: Any, recovery: RecoveryService) -> None:
    (ben,) = accounts[AccountService].import_users([NewUser(email="ben@example.com", name="Ben")])

    recovery.reset_password(str(recovery.reset_token(ben)), NEW)

    accounts[SignInService].login("ben@example.com", NEW)


def test_nothing_is_said_of_unknown_addresses_nor_of_too_many_requests(accounts: Any, recovery: RecoveryService, anna: User) -> None:
    recovery.request_password_reset("nobody@example.com")
    for _ in range(MAIL_LIMIT.most + 3):
        recovery.request_password_reset(EMAIL)

    kinds = [kind for kind, _ in accounts.told(anna.id)]
    assert kinds.count("accounts.password_reset_requested") == MAIL_LIMIT.most
    assert recovery.reset_token("nobody") is None
    with pytest.raises(Invalid):
        recovery.request_password_reset("no address")


def test_no_token_lies_in_the_outbox(accounts: Any, recovery: RecoveryService, anna: User) -> None:
    recovery.request_password_reset(EMAIL)
    recovery.request_verification(anna.id)

    for _, data in accounts.told(anna.id):
        assert data.keys() <= {"user_id", "request_id"}

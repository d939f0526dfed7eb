from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import jwt
import pytest

from dinnerkit.accounts.documents import MOST_SESSIONS
from dinnerkit.accounts.errors import BadCredentials, BadToken, TooManyAttempts
from dinnerkit.accounts.passwords import Passwords
from dinnerkit.accounts.rules import User
from dinnerkit.accounts.secrecy import Keys, SignedTokens
from dinnerkit.accounts.service import AccountService, NewUser
from dinnerkit.accounts.sign_in import SIGN_IN_LIMIT, SignInService
from dinnerkit.identity import Principal, Role

EMAIL, PASSWORD = "anna@example.com", "correct horse battery"


@pytest.fixture
def anna(accounts: Any) -> User:
    found: User = accounts[AccountService].register(email=EMAIL, password=PASSWORD, name="Anna")
    return found


@pytest.fixture
def sign_in(accounts: Any, anna: User) -> SignInService:
    found: SignInService = accounts[SignInService]
    return found


def test_an_access_token_tells_whose_it_is(sign_in: SignInService, anna: User) -> None:
    tokens = sign_in.login(" Anna@EXAMPLE.com", PASSWORD)

    assert (tokens.token_type, tokens.expires_in) == ("Bearer", 900)
    assert sign_in.authenticate(tokens.access_token) == Principal(anna.id, Role.GUEST)


@pytest.mark.parametrize(
    ("email", "password"),
    [
        (EMAIL, "wrong horse battery"),
        (EMAIL, PASSWORD + " "),
        (EMAIL, "x" * 1000),
        ("ben@example.com", PASSWORD),
        ("no address", PASSWORD),
        ("\ud800", PASSWORD),
    ],
)
def test_a_wrong_pair_says_nothing_of_which_part_is_wrong(accounts: Any, sign_in: SignInService, email: str, password: str) -> None:
    accounts.offloaded = 0

    with pytest.raises(BadCredentials) as caught:
        sign_in.login(email, password)

    assert caught.value.message == "The e-mail address and the password don't belong together."
    assert accounts.offloaded == 1  # a hash is computed whether or not there is a user


def test_a_user_without_a_password_can_not_sign_in(accounts: Any, sign_in: SignInService) -> None:
    accounts[AccountService].import_users([NewUser(email="ben@example.com", name="Ben")])

    with pytest.raises(BadCredentials):
        sign_in.login("ben@example.com", "")


def test_an_access_token_expires(sign_in: SignInService, clock: Any) -> None:
    token = sign_in.login(EMAIL, PASSWORD).access_token

    clock.advance(seconds=899)
    sign_in.authenticate(token)
    clock.advance(seconds=1)
    with pytest.raises(BadToken):
        sign_in.authenticate(token)


def test_only_tokens_that_we_signed_for_access_count(sign_in: SignInService, anna: User, clock: Any) -> None:
    claims = jwt.decode(sign_in.login(EMAIL, PASSWORD).access_token, options={"verify_signature": False})
    none = jwt.encode(claims, None, algorithm="none")  # type: ignore[arg-type]
    other = jwt.encode(claims, "x" * 32, algorithm="HS256")
    for_mail = SignedTokens(Keys("only-for-tests-" * 3), "verification").sign(
        {"sub": anna.id, "sid": claims["sid"]}, now=clock(), expires_at=clock().replace(year=2030)
    )

    for token in (none, other, for_mail, "", "a.b.c", "x" * 5000, "ü.ü.ü"):
        with pytest.raises(BadToken):
            sign_in.authenticate(token)


def test_a_role_counts_from_the_next_request_on(accounts: Any, sign_in: SignInService, anna: User) -> None:
    token = sign_in.login(EMAIL, PASSWORD).access_token

    accounts[AccountService].set_role(anna.id, Role.HOST)

    assert sign_in.authenticate(token).role is Role.HOST


def test_a_refresh_token_is_exchanged_for_new_ones(sign_in: SignInService, clock: Any) -> None:
    first = sign_in.login(EMAIL, PASSWORD)
    clock.advance(days=20)

    second = sign_in.refresh(first.refresh_token)

    assert second.refresh_token != first.refresh_token
    sign_in.authenticate(second.access_token)
    clock.advance(days=20)
    sign_in.refresh(second.refresh_token)


def test_a_refresh_token_that_is_used_twice_ends_its_session(sign_in: SignInService) -> None:
    elsewhere = sign_in.login(EMAIL, PASSWORD)
    first = sign_in.login(EMAIL, PASSWORD)
    second = sign_in.refresh(first.refresh_token)

    with pytest.raises(BadToken):
        sign_in.refresh(first.refresh_token)

    with pytest.raises(BadToken):
        sign_in.refresh(second.refresh_token)
    with pytest.raises(BadToken):
        sign_in.authenticate(second.access_token)
    sign_in.authenticate(elsewhere.access_token)


def test_of_two_refreshes_at_once_at_most_one_wins_and_the_session_ends(sign_in: SignInService) -> None:
    def attempt(token: str) -> Any:
        try:
            return sign_in.refresh(token)
        except BadToken:
            return None

    for _ in range(5):
        first = sign_in.login(EMAIL, PASSWORD)
        with ThreadPoolExecutor(4) as pool:
            won = [found for found in pool.map(attempt, [first.refresh_token] * 4) if found]
        assert len(won) == 1
        with pytest.raises(BadToken):
            sign_in.authenticate(won[0].access_token)
        with pytest.raises(BadToken):
            sign_in.refresh(won[0].refresh_token)


def test_a_refresh_token_expires(sign_in: SignInService, clock: Any) -> None:
    token = sign_in.login(EMAIL, PASSWORD).refresh_token
    clock.advance(days=30)

    with pytest.raises(BadToken):
        sign_in.refresh(token)


def test_who_knows_no_secret_of_a_session_can_not_end_it(sign_in: SignInService, anna: User) -> None:
    tokens = sign_in.login(EMAIL, PASSWORD)
    session_id = jwt.decode(tokens.access_token, options={"verify_signature": False})["sid"]

    for made_up in (f"{anna.id}.{session_id}.secret", f"{anna.id}..", "", ".", "a.b", f"{anna.id}.a.b", "\ud800.a.b", "x" * 3000):
        with pytest.raises(BadToken):
            sign_in.refresh(made_up)

    sign_in.authenticate(tokens.access_token)


def test_signing_out_ends_the_session_at_once_and_no_other(sign_in: SignInService) -> None:
    here, elsewhere = sign_in.login(EMAIL, PASSWORD), sign_in.login(EMAIL, PASSWORD)

    sign_in.logout(here.access_token)

    with pytest.raises(BadToken):
        sign_in.authenticate(here.access_token)
    with pytest.raises(BadToken):
        sign_in.refresh(here.refresh_token)
    sign_in.authenticate(elsewhere.access_token)


def test_the_oldest_sessions_give_way(accounts: Any, sign_in: SignInService, anna: User) -> None:
    session = {"key": "x", "secret": "x", "id": "x", "created_at": anna.created_at, "expires_at": anna.created_at}
    first = sign_in.login(EMAIL, PASSWORD)
    accounts.database["users"].update_one({"_id": anna.id}, {"$push": {"sessions": {"$each": [session] * (MOST_SESSIONS - 1)}}})
    sign_in.authenticate(first.access_token)

    last = sign_in.login(EMAIL, PASSWORD)

    assert len(accounts.row(anna.id)["sessions"]) == MOST_SESSIONS
    sign_in.authenticate(last.access_token)
    with pytest.raises(BadToken):
        sign_in.authenticate(first.access_token)


@pytest.mark.parametrize("email", [EMAIL, "nobody@example.com"])
def test_too_many_wrong_passwords_make_an_address_wait_whether_or_not_it_is_known(sign_in: SignInService, clock: Any, email: str) -> None:
    for _ in range(SIGN_IN_LIMIT.most):
        with pytest.raises(BadCredentials):
            sign_in.login(email, "wrong horse battery")

    with pytest.raises(TooManyAttempts) as caught:
        sign_in.login(email.upper(), PASSWORD)

    assert 0 < caught.value.details["retry_after"] <= 900
    clock.advance(minutes=15)
    with pytest.raises(BadCredentials):
        sign_in.login(email, "wrong horse battery")


def test_nobody_is_locked_out_for_good_and_the_right_password_clears_the_count(sign_in: SignInService, clock: Any) -> None:
    for _ in range(3):
        for _ in range(SIGN_IN_LIMIT.most - 1):
            with pytest.raises(BadCredentials):
                sign_in.login(EMAIL, "wrong horse battery")
        sign_in.login(EMAIL, PASSWORD)


def test_who_signs_in_again_and_again_never_waits_and_leaves_one_attempt_at_the_most(accounts: Any, sign_in: SignInService) -> None:
    for _ in range(SIGN_IN_LIMIT.most + 2):
        sign_in.login(EMAIL, PASSWORD)
        assert sum(row["count"] for row in accounts.database["attempts"].find()) <= 1
        assert not sign_in.suspected(EMAIL)


def test_after_the_right_password_no_more_wrong_ones_are_let_through_than_before(sign_in: SignInService) -> None:
    sign_in.login(EMAIL, PASSWORD)
    for _ in range(SIGN_IN_LIMIT.most - 1):
        with pytest.raises(BadCredentials):
            sign_in.login(EMAIL, "wrong horse battery")
    with pytest.raises(TooManyAttempts):
        sign_in.login(EMAIL, PASSWORD)


def test_attempts_at_once_are_all_counted(sign_in: SignInService) -> None:
    def attempt(_: int) -> type[Exception]:
        try:
            sign_in.login(EMAIL, "wrong horse battery")
        except (BadCredentials, TooManyAttempts) as error:
            return type(error)
        raise AssertionError

    with ThreadPoolExecutor(8) as pool:
        kinds = list(pool.map(attempt, range(16)))

    assert kinds.count(BadCredentials) == SIGN_IN_LIMIT.most


def test_the_store_of_attempts_names_nobody(accounts: Any, sign_in: SignInService) -> None:
    with pytest.raises(BadCredentials):
        sign_in.login(EMAIL, "wrong horse battery")

    assert "anna" not in str(list(accounts.database["attempts"].find()))
    assert accounts.database["attempts"].index_information()["expiry"]["expireAfterSeconds"] == 0


def test_a_hash_of_other_parameters_is_renewed_by_signing_in(accounts: Any, sign_in: SignInService, anna: User, monkeypatch: Any) -> None:
    before = accounts.row(anna.id)["password"]
    monkeypatch.setattr(Passwords, "outdated", lambda _, kept: kept == before)

    tokens = sign_in.login(EMAIL, PASSWORD)

    assert accounts.row(anna.id)["password"] != before
    sign_in.authenticate(tokens.access_token)
    sign_in.login(EMAIL, PASSWORD)


def test_a_password_that_changes_while_it_is_checked_opens_nothing(
    accounts: Any, sign_in: SignInService, anna: User, monkeypatch: Any
) -> None:
    matches = Passwords.matches

    def changed_meanwhile(self: Passwords, kept: str | None, password: str) -> bool:
        accounts.database["users"].update_one({"_id": anna.id}, {"$set": {"password": "another", "sessions": []}})
        return matches(self, kept, password)

    monkeypatch.setattr(Passwords, "matches", changed_meanwhile)

    with pytest.raises(BadCredentials):
        sign_in.login(EMAIL, PASSWORD)
    assert accounts.row(anna.id)["sessions"] == []


def test_who_is_asked_about_together_gets_what_each_would_get_alone(accounts: Any, sign_in: SignInService, anna: User) -> None:
    (host,) = accounts[AccountService].import_users([NewUser(email="h@example.org", name="Hera", password=PASSWORD, role=Role.HOST)])
    tokens = [sign_in.login(EMAIL, PASSWORD), sign_in.login(EMAIL, PASSWORD), sign_in.login("h@example.org", PASSWORD)]
    sessions = {user: [kept["id"] for kept in accounts.row(user)["sessions"]] for user in (anna.id, host)}
    sign_in.logout(tokens[1].access_token)
    known = [session for ids in sessions.values() for session in ids] + ["no-session"]
    pairs = [(user, session) for user in (anna.id, host, "nobody") for session in known]
    alone = [sign_in._read_roles(None, [pair])[0] for pair in pairs]
    assert [(pair, role) for pair, role in zip(pairs, alone, strict=True) if role] == [
        ((anna.id, sessions[anna.id][0]), "guest"),
        ((host, sessions[host][0]), "host"),
    ]
    assert sign_in._read_roles(None, pairs) == alone
    assert sign_in._read_roles(None, [*reversed(pairs), *pairs]) == [*reversed(alone), *alone]


def test_many_at_once_are_each_told_who_they_are_and_who_has_signed_out_is_nobody(sign_in: SignInService, accounts: Any) -> None:
    users = [NewUser(email=f"{number}@example.org", name="Ada", role=(Role.GUEST, Role.HOST)[number % 2]) for number in range(24)]
    ids = accounts[AccountService].import_users(users)
    entry = {"id": "s", "key": "k", "secret": "s"}
    accounts.database["users"].update_many({"_id": {"$in": ids}}, {"$set": {"sessions": [entry]}})
    now = sign_in._clock()
    signing = SignedTokens(Keys("only-for-tests-" * 3), "access")
    tokens = [signing.sign({"sub": user, "sid": "s"}, now=now, expires_at=now.replace(year=2030)) for user in ids]
    for gone in range(0, 24, 5):
        sign_in.logout(tokens[gone])

    def who(number: int) -> Any:
        try:
            return sign_in.authenticate(tokens[number % 24])
        except BadToken:
            return None

    with ThreadPoolExecutor(12) as pool:
        found = list(pool.map(who, range(240)))
    expected = [None if number % 5 == 0 else Principal(ids[number], users[number].role) for number in range(24)]
    assert found == expected * 10

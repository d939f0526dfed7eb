from __future__ import annotations

from collections.abc import Callable, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dinnerkit.accounts.errors import CommonPassword, WeakPassword
from dinnerkit.accounts.passwords import Passwords, check_strength
from dinnerkit.accounts.rules import email_address, language_codes, languages, tags
from dinnerkit.errors import Invalid
from dinnerkit.ports.offload import inline


@pytest.mark.parametrize(
    ("spellings", "key"),
    [
        (["anna@example.com", " Anna@EXAMPLE.com "], "anna@example.com"),
        (["bob@bücher.example", "bob@BÜCHER.example", "bob@xn--bcher-kva.example"], "bob@xn--bcher-kva.example"),
        (["zoë@example.com", "zoe\u0308@example.com", "ZOË@example.com"], "zoë@example.com"),
        (["guest@demo.test"], "guest@demo.test"),
    ],
)
def test_spellings_of_one_address_have_one_key(spellings: list[str], key: str) -> None:
    assert {email_address(spelling).key for spelling in spellings} == {key}


@pytest.mark.parametrize(
    "text", ["", "anna", "anna@", "@example.com", "a b@example.com", "a@b@c.com", "a@-b.com", "a" * 250 + "@b.com", "a@b..com"]
)
def test_what_is_no_address_is_refused(text: str) -> None:
    with pytest.raises(Invalid) as caught:
        email_address(text)
    assert caught.value.details["fields"].keys() == {"email"}


@given(st.text(max_size=300))
def test_any_text_is_an_address_or_invalid(text: str) -> None:
    try:
        key = email_address(text).key
    except Invalid:
        return
    assert email_address(key).key == key


def test_languages_have_one_code_each() -> None:
    assert language_codes(["deu", "en", "de", "eng", "tlh"]) == ("de", "en", "tlh")
    assert set(languages().values()) <= set(languages())


@pytest.mark.parametrize("code", ["EN", "en-GB", "xx", "und", "", "english"])
def test_what_is_no_language_is_refused(code: str) -> None:
    with pytest.raises(Invalid):
        language_codes([code])


def test_tags_compare_alike() -> None:
    assert tags(["Wine  and Food", "wine and food", "Jazz"]) == ("wine and food", "jazz")


@pytest.mark.parametrize("password", ["short", "", "aaaaaaaaaaaaaaa", "abcdefghijkl", "x" * 129, "1q2w3e4r5t6y7u"])
def test_a_weak_password_is_refused(password: str) -> None:
    with pytest.raises(WeakPassword) as caught:
        check_strength(password)
    assert caught.value.details["fields"].keys() == {"password"}


@pytest.mark.parametrize("password", ["1234567890", "Password123!", "qwertyuiop", "LETMEIN-2026", "123sunshine!!"])
def test_a_common_password_is_refused_whatever_digits_are_around_it(password: str) -> None:
    with pytest.raises(CommonPassword):
        check_strength(password)


@pytest.mark.parametrize("password", ["anna.karenina-77", "my-karenina-pass", "example-karenina"])
def test_a_password_must_not_be_made_of_what_others_know(password: str) -> None:
    with pytest.raises(WeakPassword):
        check_strength(password, about=("anna.karenina@example.org", "Anna Karenina"))


@pytest.mark.parametrize(
    "password", ["correct horse battery", "Tr0ub4dor&3x!", "слон-трамвай-утро", "a" * 3 + "violet tram umbrella", "v" * 8 + "w!9kz" * 24]
)
def test_a_good_password_passes(password: str) -> None:
    check_strength(password, about=("ann@example.com", "Ann"))


def test_short_words_about_the_owner_do_not_matter() -> None:
    check_strength("correct horse battery", about=("or@co.ct", "Bat"))


def test_a_password_is_judged_where_it_does_not_hold_up_an_event_loop() -> None:
    judged = []

    def elsewhere(function: Callable[[], object], _needs: Sequence[str]) -> object:
        judged.append(function)

    Passwords(elsewhere).check("short")
    with pytest.raises(WeakPassword):
        judged[0]()


def test_hashes_are_argon2id_with_owasps_parameters() -> None:
    passwords = Passwords(inline)

    kept = passwords.hash("correct horse battery")

    assert kept.startswith("$argon2id$v=19$m=19456,t=2,p=1$")
    assert passwords.matches(kept, "correct horse battery")
    assert not passwords.matches(kept, "correct horse batterY")
    assert not passwords.matches(None, "correct horse battery")
    assert not passwords.matches("nonsense", "correct horse battery")


def test_a_whole_hash_is_computed_where_there_is_none_to_compare_with(monkeypatch: pytest.MonkeyPatch) -> None:
    passwords = Passwords(inline)
    computed = []
    monkeypatch.setattr(Passwords, "_verify", lambda _, kept, password: computed.append(kept) or True)

    assert not passwords.matches(None, "correct horse battery")

    assert not passwords.outdated(computed[0])


def test_the_same_characters_typed_otherwise_match() -> None:
    passwords = Passwords(inline)

    assert passwords.matches(passwords.hash("cafe\u0301-tram-umbrella"), "café-tram-umbrella")

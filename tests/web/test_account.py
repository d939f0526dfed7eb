"""Registering, the links in mails, the profile and the questionnaire."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from dinnerkit import Kit
from dinnerkit.accounts.recovery import RecoveryService
from dinnerkit.accounts.service import AccountService
from dinnerkit.matching.people.items import ITEMS
from tests.web.browser import PASSWORD, Browser
from tests.web.conftest import World

Browse = Callable[..., Browser]


def test_what_is_wrong_with_a_registration_is_said_beside_its_field(browse: Browse, world: World) -> None:
    taken = world.user().email
    browser = browse()
    browser.open("/register")

    browser.send("Join", name="", email="new@example.test", password=PASSWORD)
    assert browser.answer.status_code == 422
    assert 'id="f-name-error"' in browser.html
    assert browser.form("Join").values["email"] == "new@example.test"

    browser.send("Join", name="Ann", email="no address", password=PASSWORD)
    assert 'id="f-email-error"' in browser.html

    browser.send("Join", name="Ann", email="new@example.test", password="password123")
    assert 'id="f-password-error"' in browser.html
    assert "password123" not in browser.html

    browser.send("Join", name="Ann", email=taken, password=PASSWORD)
    assert browser.answer.status_code == 409
    assert "Somebody has registered with this e-mail address." in browser.text


def test_opening_the_link_of_a_mail_does_not_use_it_up_but_its_button_does(browse: Browse, kit: Kit) -> None:
    user = kit.service(AccountService).register(email="links@example.test", password=PASSWORD, name="Lin")
    token = kit.service(RecoveryService).verification_token(user.id)
    browser = browse()

    browser.open(f"/verify?token={token}")
    assert not kit.service(AccountService).get(user.id).verified
    browser.send("Yes, it is mine")

    assert kit.service(AccountService).get(user.id).verified
    assert "Thank you, your address is confirmed." in browser.text


def test_a_link_that_is_worth_nothing_says_so(browse: Browse) -> None:
    browser = browse()
    browser.open("/verify?token=made-up")

    browser.send("Yes, it is mine")

    assert browser.answer.status_code == 422
    assert "The token is not valid." in browser.text


def test_who_is_not_verified_can_have_the_mail_again(browse: Browse, kit: Kit) -> None:
    kit.service(AccountService).register(email="again@example.test", password=PASSWORD, name="Ada")
    browser = browse()
    browser.sign_in("again@example.test")

    browser.open("/account")
    assert "is not confirmed yet" in browser.text
    browser.send("Send it again")

    assert "The mail is on its way." in browser.text


def test_a_forgotten_password_is_replaced_by_mail(browse: Browse, world: World, kit: Kit) -> None:
    user = world.user()
    elsewhere = browse(user)
    browser = browse()
    browser.open("/forgot")
    browser.send("Send the link", email=user.email)
    assert "If anybody has that address here" in browser.text

    browser.open(f"/reset?token={kit.service(RecoveryService).reset_token(user.id)}")
    browser.send("Set it", password="too short")
    assert 'id="f-password-error"' in browser.html
    browser.send("Set it", password="another quiet harbour")
    assert "Your new password is set." in browser.text

    browser.send("Sign in", email=user.email, password="another quiet harbour")
    assert "Good to see you." in browser.text
    assert elsewhere.open("/account").request.path == "/login"


def test_forgetting_says_the_same_of_addresses_that_nobody_has(browse: Browse) -> None:
    browser = browse()
    browser.open("/forgot")

    assert browser.send("Send the link", email="nobody@example.test").status_code == 200
    assert "If anybody has that address here" in browser.text


def test_the_profile_is_kept_as_it_was_typed(browse: Browse, world: World, kit: Kit) -> None:
    user = world.user()
    browser = browse(user)
    browser.open("/account")

    browser.send(
        "Save",
        name="Robin Renamed",
        birth_year="1988",
        gender="them",
        city="Łódź",
        languages=["en", "de"],
        other_languages="Catalan, sw",
        interests="Jazz,  Bread ,jazz",
        diets="no nuts",
        budget="medium",
        visibility="guests",
    )

    assert "Saved." in browser.text
    profile = kit.service(AccountService).get(user.id).profile
    assert (profile.birth_year, profile.gender, profile.city, str(profile.budget)) == (1988, "them", "Łódź", "medium")
    assert set(profile.languages) == {"en", "de", "ca", "sw"}
    assert (profile.interests, profile.diets, str(profile.visibility)) == (("jazz", "bread"), ("no nuts",), "guests")
    values = browser.form("Save").values
    assert set(values.getlist("languages")) == {"en", "de"}
    assert values["other_languages"] == "Catalan, Swahili"
    assert "Robin" in browser.links
    assert not profile.findable, "to be found by personality is asked for by itself"
    browser.send("Save", findable="on")
    assert browser.form("Save").values["findable"] == "on"
    browser.send("Save", findable=[])
    assert not kit.service(AccountService).get(user.id).profile.findable


def test_what_was_told_can_be_taken_back(browse: Browse, world: World, kit: Kit) -> None:
    user = world.user()
    browser = browse(user)
    browser.open("/account")
    browser.send("Save", birth_year="1988", city="Bonn", languages=["en"], interests="jazz", budget="low")

    browser.send("Save", birth_year="", city=" ", languages=[], interests="", budget="")

    profile = kit.service(AccountService).get(user.id).profile
    assert (profile.birth_year, profile.city, profile.languages, profile.interests, profile.budget) == (None, None, (), (), None)


@pytest.mark.parametrize(
    ("field", "typed"),
    [
        ("birth_year", "long ago"),
        ("birth_year", "1066"),
        ("birth_year", "9" * 50),
        ("other_languages", "Klingonese"),
        ("budget", "infinite"),
        ("visibility", ""),
        ("name", ""),
        ("city", "x" * 500),
    ],
)
def test_a_profile_that_makes_no_sense_is_shown_again(browse: Browse, world: World, field: str, typed: str) -> None:
    browser = browse(world.user())
    browser.open("/account")

    browser.send("Save", **{"interests": "jazz", field: typed})

    assert browser.answer.status_code == 422
    assert f'href="#f-{field}"' in browser.html
    assert browser.form("Save").values["interests"] == "jazz"


def test_the_questionnaire_becomes_a_flower(browse: Browse, world: World, kit: Kit) -> None:
    user = world.user()
    browser = browse(user)
    browser.open("/account")
    assert "Fifty short statements" in browser.text
    browser.follow("Begin")

    browser.send("Done", **{item.id: "42"[number % 2] for number, item in enumerate(ITEMS)})

    assert "These answers will find you good company." in browser.text
    assert browser.html.count('<path class="petal') >= 5
    assert 'aria-label="Your answers: Outgoing ' in browser.html
    traits = kit.service(AccountService).get(user.id).traits
    assert traits is not None
    assert browser.open("/account/questionnaire").status_code == 200
    assert browser.form("Done").values["E1"] == "4"


def test_whoever_answers_without_reading_is_told_so_and_their_answers_are_kept(browse: Browse, world: World, kit: Kit) -> None:
    user = world.user()
    browser = browse(user)
    browser.open("/account/questionnaire")
    browser.send("Done", **{item.id: "4" for item in ITEMS})
    assert "You gave many statements in a row the same answer" in browser.text
    assert "will find you good company" not in browser.text
    assert kit.service(AccountService).get(user.id).traits is not None


def test_too_few_answers_are_kept_on_the_page_and_asked_for(browse: Browse, world: World, kit: Kit) -> None:
    user = world.user()
    browser = browse(user)
    browser.open("/account/questionnaire")

    browser.send("Done", **({item.id: "2" for item in ITEMS[:30]} | {"E1": "6", "N1": "hack"}))

    assert browser.answer.status_code == 422
    assert "22 statements are still open." in browser.text
    assert browser.form("Done").values["E2"] == "2"
    assert kit.service(AccountService).get(user.id).traits is None

"""What a guest tells about themselves: the profile, and the questionnaire that finds them good company."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from babel.core import Locale
from flask import Blueprint, Response, request

from dinnerkit.accounts.rules import Budget, Personality, User, Visibility, languages
from dinnerkit.accounts.schemas import ProfileChangesSchema
from dinnerkit.accounts.service import AccountService
from dinnerkit.errors import Invalid
from dinnerkit.http.services import service
from dinnerkit.matching.people.carelessness import careless
from dinnerkit.matching.people.items import ITEMS, TRAITS, Item
from dinnerkit.matching.people.questionnaire import HIGHEST, LOWEST, MAX_MISSING, score
from dinnerkit.web.forms import Form, show, status_for, typed
from dinnerkit.web.places import see
from dinnerkit.web.sessions import say, signed_in
from dinnerkit.web.words import LOCALE, language

blueprint = Blueprint("profile", __name__, url_prefix="/account")

COMMON_LANGUAGES = ("en", "de", "fr", "es", "it", "pt", "nl", "pl", "sv", "da", "el", "cs", "ro", "tr", "uk", "ru", "ar", "hi", "zh", "ja")
"""The languages with a box of their own; others are typed."""

_SECTIONS = 5


@blueprint.route("")
def mine() -> Response:
    """Show my profile."""
    user = service(AccountService).get(signed_in().user_id)
    return _page(user, Form(values=_as_typed(user)))


@blueprint.route("", methods=["POST"])
def save() -> Response:
    """Change my profile."""
    accounts = service(AccountService)
    user = accounts.get(signed_in().user_id)
    form = typed()
    form.values = _as_sent()
    changes = form.load(ProfileChangesSchema(), _for_schema(form))
    if not changes or form.errors:
        return _page(user, form)
    accounts.update_profile(user.id, changes)
    say("saved")
    return see("profile.mine")


@blueprint.route("/questionnaire")
def questionnaire() -> Response:
    """Show the 50 statements, with what was answered before."""
    user = service(AccountService).get(signed_in().user_id)
    return questionnaire_page(Form(values=dict(service(AccountService).answers(user.id))))


@blueprint.route("/questionnaire", methods=["POST"])
def answer() -> Response:
    """Keep the answers and the traits that follow from them."""
    user_id = signed_in().user_id
    answers, form = typed_answers()
    try:
        traits = score(answers).as_dict()
    except Invalid:
        return questionnaire_page(still_open(form))
    service(AccountService).set_personality(user_id, Personality(answers=answers, traits=traits))
    say("answered_alike" if careless(answers) else "answered")
    return see("profile.mine")


def _page(user: User, form: Form) -> Response:
    return show(
        "profile.html",
        user=user,
        form=form,
        common_languages=COMMON_LANGUAGES,
        budgets=[str(budget) for budget in Budget],
        visibilities=[str(visibility) for visibility in Visibility],
        status=status_for(form),
    )


def typed_answers() -> tuple[dict[str, int], Form]:
    """The answers that were sent, and the form that shows them again."""
    answers = {item.id: int(typed) for item in ITEMS if (typed := request.form.get(item.id, "")) in _ANSWERS}
    return answers, Form(values=answers)


def still_open(form: Form) -> Form:
    """The form that says how many statements are open; too many are."""
    form.problem = f"{len(ITEMS) - len(form.values)} statements are still open. At most {MAX_MISSING} may be, and not all of one kind."
    return form


def questionnaire_page(form: Form, template: str = "questionnaire.html", **values: Any) -> Response:
    """The page of the 50 statements."""
    return show(
        template,
        **values,
        form=form,
        sections=_sections(),
        answers=range(LOWEST, HIGHEST + 1),
        items=len(ITEMS),
        may_be_missing=MAX_MISSING,
        status=status_for(form),
    )


def _sections() -> list[list[Item]]:
    """The statements with the traits taking turns, as IPIP orders them: so nobody sees what a statement is about by its neighbours."""
    of_trait = [[item for item in ITEMS if item.trait == trait] for trait in TRAITS]
    mixed = [item for group in zip(*of_trait, strict=True) for item in group]
    each = len(mixed) // _SECTIONS
    return [mixed[start : start + each] for start in range(0, len(mixed), each)]


def _as_typed(user: User) -> dict[str, Any]:
    """The profile as the form shows it."""
    profile = asdict(user.profile)
    return {
        **{name: "" if profile[name] is None else str(profile[name]) for name in ("birth_year", "gender", "city", "budget", "visibility")},
        "name": user.name,
        "findable": user.profile.findable,
        "reminders": user.profile.reminders,
        "languages": set(user.profile.languages) & set(COMMON_LANGUAGES),
        "other_languages": ", ".join(language(code) for code in user.profile.languages if code not in COMMON_LANGUAGES),
        "diets": ", ".join(user.profile.diets),
        "interests": ", ".join(user.profile.interests),
    }


def _as_sent() -> dict[str, Any]:
    """The form as it was filled in."""
    names = ("name", "birth_year", "gender", "city", "budget", "visibility", "other_languages", "diets", "interests")
    return {name: request.form.get(name, "") for name in names} | {
        "languages": set(request.form.getlist("languages")),
        "findable": "findable" in request.form,
        "reminders": "reminders" in request.form,
    }


def _for_schema(form: Form) -> dict[str, Any]:
    """What was typed in the shape of the API's request; what can't even be read is noted in the form."""
    values = form.values
    year = values["birth_year"].strip()
    sent = {name: values[name].strip() or None for name in ("gender", "city", "budget")}
    codes = [code for code in languages() if code in values["languages"]]
    for name in _words(values["other_languages"]):
        code = _code(name)
        if code is None:
            form.errors["other_languages"] = f"We don't know a language called “{name}”."
        else:
            codes.append(code)
    if year and not (year.isascii() and year.isdigit()):
        form.errors["birth_year"] = "A year such as 1990."
        year = ""
    return {
        **sent,
        "name": values["name"],
        "birth_year": int(year[:6]) if year else None,
        "visibility": values["visibility"],
        "findable": values["findable"],
        "reminders": values["reminders"],
        "languages": codes,
        "diets": _words(values["diets"]),
        "interests": _words(values["interests"]),
    }


def _words(typed: str) -> list[str]:
    return [word.strip() for word in typed.replace("\n", ",").split(",") if word.strip()]


def _code(name: str) -> str | None:
    """The code of a language that was typed by its English name or its code."""
    wanted = name.casefold()
    known = languages()
    if wanted in known:
        return known[wanted]
    named = (code for code, shown in Locale.parse(LOCALE).languages.items() if shown.casefold() == wanted and code in known)
    return next(named, None)


_ANSWERS = frozenset(str(number) for number in range(LOWEST, HIGHEST + 1))

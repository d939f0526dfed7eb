"""Forms: what was typed, what is wrong with it, and the pages that show both."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from flask import Response, make_response, render_template, request
from marshmallow import Schema, ValidationError

from dinnerkit.errors import DinnerkitError
from dinnerkit.http.problems import status_of
from dinnerkit.ids import derived_id, made_at, new_id
from dinnerkit.texts import sentence
from dinnerkit.web.sessions import visitor

UNPROCESSABLE = 422

OPERATION_FIELD = "operation"
"""Holds an id of the form itself: a form that is sent twice makes one thing."""

_FORMS_KEPT = timedelta(days=1)
"""How long a form is known again; gateways know what they were asked for as long."""

_CLOCKS_DIFFER = timedelta(minutes=5)
"""How far the clock of the process that showed a form may be ahead of that of the one to which it is sent."""


@dataclass(slots=True)
class Form:
    """What a form shows: the values as typed, what is wrong with each by its name, and what is wrong as a whole.

    ``labels`` are what the page calls each field, as far as its template has made them.
    """

    values: Mapping[str, Any] = field(default_factory=dict)
    errors: dict[str, str] = field(default_factory=dict)
    problem: str = ""
    labels: dict[str, str] = field(default_factory=dict)

    def called(self, name: str, label: str) -> str:
        """The label, kept for whoever tells what is wrong with the field."""
        self.labels[name] = label
        return label

    def take(self, error: DinnerkitError, names: Mapping[str, str] | None = None) -> None:
        """Show an error of a service; ``names`` says which field of the form shows which of the error's."""
        found: Mapping[str, str] = error.details.get("fields") or {}
        for name, message in found.items():
            self.errors.setdefault((names or {}).get(name, name), sentence(str(message)))
        if not found:
            self.problem = sentence(error.message)

    def load(self, schema: Schema, values: Mapping[str, Any]) -> dict[str, Any]:
        """The values as the schema loads them; empty, and the errors noted, where it refuses them."""
        try:
            loaded: dict[str, Any] = schema.load(values)
        except ValidationError as error:
            for name, message in _flat(error.messages):
                self.errors.setdefault(name, sentence(message))
            return {}
        return loaded


def typed() -> Form:
    """The form that was sent, as it was filled in."""
    return Form(values=request.form)


def operation_id(purpose: str) -> str:
    """The id of what the form makes for that purpose: the same whenever the same user sends the same form for it, and nobody else's.

    The form's own id comes from whoever sends it, so nothing that it makes for one purpose may be found again for another. And what is
    made has the time that this id tells, so it counts only where that may be when the form was shown; else this is a new one.
    """
    sent = request.form.get(OPERATION_FIELD, "")
    principal = visitor().principal
    return derived_id(sent, principal.user_id, purpose) if principal and _may_be_of_a_form(sent) else new_id()


def _may_be_of_a_form(sent: str) -> bool:
    try:
        age = datetime.now(UTC) - made_at(sent)
    except ValueError:
        return False
    return -_CLOCKS_DIFFER < age < _FORMS_KEPT


def show(template: str, *, status: int = 200, **values: Any) -> Response:
    """A page of ours, for the one who asked alone."""
    return make_response(render_template(f"dinnerkit/{template}", **values), status)


def show_public(template: str, **values: Any) -> Response:
    """A page that is the same for everyone who is not signed in: browsers may keep it, and ask whether it has changed."""
    response = show(template, **values)
    if visitor().principal is None and "Cookie" not in request.headers:
        response.headers["Cache-Control"] = "public, no-cache"
        response.add_etag()
        response.make_conditional(request)
    return response


def status_for(form: Form, error: DinnerkitError | None = None) -> int:
    """The status of a form that is shown again."""
    return status_of(error) if error else UNPROCESSABLE if form.errors or form.problem else 200


def _flat(messages: Any, path: str = "") -> Iterator[tuple[str, str]]:
    if isinstance(messages, Mapping):
        for key, value in messages.items():
            yield from _flat(value, ".".join(part for part in (path, "" if key == "_schema" else str(key)) if part))
    elif isinstance(messages, list):
        yield path, " ".join(str(message) for message in messages)
    else:
        yield path, str(messages)

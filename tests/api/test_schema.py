"""The OpenAPI document tells the truth: schemathesis draws requests from it, and holds every answer against it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import pytest
import schemathesis
from flask import Flask
from hypothesis import HealthCheck, given, settings
from hypothesis.errors import Unsatisfiable
from pymongo import MongoClient
from schemathesis import Case, GenerationMode
from schemathesis.checks import positive_data_acceptance

from dinnerkit import Dinnerkit, Kit, Settings
from dinnerkit.accounts.service import AccountService
from dinnerkit.accounts.sign_in import SignInService
from dinnerkit.identity import Role
from dinnerkit.testing import settings_for_tests

EXAMPLES = int(os.environ.get("DINNERKIT_TEST_EXAMPLES", "12"))
FEWER = max(1, EXAMPLES // 3)
PASSWORD = "correct horse battery staple"

JUDGED = frozenset(
    {
        "POST /v1/auth/register",  # whether a password is strong, and an address one that mail can reach
        "POST /v1/auth/login",
        "POST /v1/auth/verification",  # whether a token is one that was mailed
        "POST /v1/auth/password-reset",
        "POST /v1/auth/password-reset/request",
        "GET /v1/events",  # whether filters go together: a distance needs a place
        "GET /v1/search/events",  # as above
        "POST /v1/events",  # whether values go together: seats and tables
        "PATCH /v1/events/{event_id}",
        "POST /v1/vouchers",  # whether values go together: a kind and what it takes off
        "PUT /v1/me/personality",  # whether enough questions are answered
        "PUT /v1/companions/personality",
        "GET /v1/live",  # that it asks for an upgrade, which a schema can't
        "POST /v1/bookings/{booking_id}/pay",  # whether the gateway knows the payment method
    }
)
"""Where a request may have the right shape, and still be refused for what it says: a schema can't tell."""


@pytest.fixture(scope="module")
def kit(mongo_url: str, mongo_client: MongoClient[dict[str, Any]], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kit]:
    name = f"test-{uuid4().hex}"
    url = mongo_url.replace("/?", f"/{name}?") if "/?" in mongo_url else f"{mongo_url.rstrip('/')}/{name}"
    with Kit.open(Settings(**settings_for_tests(url, tmp_path_factory.mktemp("api")))) as kit:
        yield kit
    mongo_client.drop_database(name)


@pytest.fixture(scope="module")
def app(kit: Kit) -> Flask:
    app = Flask("host")
    Dinnerkit(app, kit=kit)
    return app


@pytest.fixture(scope="module")
def schema(app: Flask) -> Any:
    return schemathesis.openapi.from_wsgi("/openapi.json", app)


@pytest.mark.parametrize("mode", [GenerationMode.POSITIVE, GenerationMode.NEGATIVE], ids=lambda mode: mode.value)
@pytest.mark.parametrize("role", [Role.ADMIN, Role.GUEST, None], ids=str)
def test_every_answer_is_as_documented(schema: Any, kit: Kit, role: Role | None, mode: GenerationMode) -> None:
    headers = signed_in(kit, role)
    examples = EXAMPLES if role is Role.ADMIN else FEWER
    operations = [found.ok() for found in schema.get_all_operations()]
    failures = [failure for operation in operations if (failure := finding(operation, mode, headers, examples))]
    assert not failures, "\n\n".join(failures)


def finding(operation: Any, mode: GenerationMode, headers: dict[str, str], examples: int) -> str | None:
    """What schemathesis finds wrong with one operation, or None."""
    excluded = [positive_data_acceptance] if operation.label in JUDGED else []

    @settings(max_examples=examples, deadline=None, database=None, derandomize=True, suppress_health_check=list(HealthCheck))
    @given(case=operation.as_strategy(mode))
    def answers_as_documented(case: Case) -> None:
        case.call_and_validate(headers=headers, excluded_checks=excluded)

    try:
        answers_as_documented()
    except Unsatisfiable:
        return None  # nothing can be sent to it that is wrong
    except Exception as failure:  # noqa: BLE001 - each operation's findings are told, not only the first's
        return f"{operation.label}\n{told(failure)}"
    return None


def test_every_operation_says_who_may_call_it(schema: Any) -> None:
    for path, item in schema.raw_schema["paths"].items():
        for method, operation in item.items():
            if method != "parameters" and "security" in operation:
                assert {"401"} <= operation["responses"].keys(), f"{method} {path}"


def signed_in(kit: Kit, role: Role | None) -> dict[str, str]:
    """The headers of a new user of that role, or of nobody."""
    if role is None:
        return {}
    email = f"{uuid4().hex}@example.org"
    kit.service(AccountService).create_user(email=email, name="Somebody", password=PASSWORD, role=role)
    return {"Authorization": f"Bearer {kit.service(SignInService).login(email, PASSWORD).access_token}"}


def told(failure: BaseException) -> str:
    """What was found, at all levels of groups."""
    if isinstance(failure, BaseExceptionGroup):
        return "\n".join(told(inner) for inner in failure.exceptions)
    return str(failure)[:1500]

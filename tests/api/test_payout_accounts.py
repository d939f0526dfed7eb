"""Hosts say over HTTP where they are paid."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from flask.testing import FlaskClient

from dinnerkit import Kit
from dinnerkit.identity import Role
from dinnerkit.testing import run_background

MakeCaller = Callable[..., Any]


def test_a_host_opens_one_account_and_is_sent_to_the_gateway(client: FlaskClient, kit: Kit, caller: MakeCaller) -> None:
    host = caller("mina", Role.HOST)
    none = client.get("/v1/host/payout-account", headers=host.headers)
    assert (none.status_code, none.get_json()["code"]) == (404, "no_payout_account")
    for _ in range(2):
        answer = client.post("/v1/host/payout-account", json={"country": "DE"}, headers=host.headers)
        assert answer.status_code == 200
        assert answer.get_json() == {"country": "DE", "ready": True, "missing": [], "url": f"{kit.settings.public_url}/hosting/earnings"}
    assert kit.database["payees"].count_documents({}) == 1
    shown = client.get("/v1/host/payout-account", headers=host.headers).get_json()
    assert (shown["ready"], shown["url"]) == (True, None)


def test_what_the_gateway_tells_of_an_account_is_learnt(client: FlaskClient, kit: Kit, caller: MakeCaller) -> None:
    host = caller("mina", Role.HOST)
    client.post("/v1/host/payout-account", json={"country": "DE"}, headers=host.headers)
    kit.database["payees"].update_one({}, {"$set": {"ready": False, "missing": ["external_account"]}})
    run_background(kit)
    assert client.get("/v1/host/payout-account", headers=host.headers).get_json()["ready"] is True


@pytest.mark.parametrize("body", [{}, {"country": "Germany"}, {"country": "de"}, {"country": None}, {"country": "DE", "iban": "DE02"}])
def test_what_is_no_country_is_refused(client: FlaskClient, caller: MakeCaller, body: dict[str, Any]) -> None:
    host = caller("mina", Role.HOST)
    assert client.post("/v1/host/payout-account", json=body, headers=host.headers).status_code == 422


def test_where_the_gateway_pays_nobody_that_is_said(
    client: FlaskClient, kit: Kit, caller: MakeCaller, monkeypatch: pytest.MonkeyPatch
) -> None:
    from dinnerkit.payment.payouts.accounts import PayeeAccounts

    monkeypatch.setattr(kit.service(PayeeAccounts), "_gateway", object())
    answer = client.post("/v1/host/payout-account", json={"country": "DE"}, headers=caller("mina", Role.HOST).headers)
    assert (answer.status_code, answer.get_json()["code"]) == (409, "payouts_unsupported")

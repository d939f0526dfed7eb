from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from dinnerkit.backends.sandbox import SIGNATURE_HEADER, SandboxGateway
from dinnerkit.backends.signatures import sign
from dinnerkit.ids import new_id
from dinnerkit.testing import GatewayBench, GatewayContract


def sandbox_bench(gateway: SandboxGateway, path: Path) -> GatewayBench:
    return GatewayBench(
        gateway=gateway,
        authenticate=lambda charge, approve: gateway.authenticate(str(charge.client_secret), approve=approve),
        signers=[lambda body, at: {SIGNATURE_HEADER: sign("whsec_ours", body, int(at))}],
        forger=lambda body, at: {SIGNATURE_HEADER: sign("whsec_theirs", body, int(at))},
        disputed_method="pm_card_createDispute",
        make_ready=lambda account: gateway.onboarding_url(account, return_url="https://a.example", refresh_url="https://a.example"),
        notification=notification,
        reopen=lambda: SandboxGateway(path, 0, "whsec_ours"),
        secrets=["whsec_ours"],
    )


def notification(charge_id: str | None) -> bytes:
    about = {"type": "invoice.paid"} if charge_id is None else {"type": "payment_intent.succeeded", "charge": charge_id}
    return json.dumps({"id": f"evt_{new_id()}", **about}).encode()


class TestSandbox(GatewayContract):
    @pytest.fixture
    def bench(self, tmp_path: Path) -> Iterator[GatewayBench]:
        gateway = SandboxGateway(tmp_path / "gateway.db", 0, "whsec_ours")
        yield sandbox_bench(gateway, tmp_path / "gateway.db")
        gateway.close()

"""A new plugin of each kind passes its contract at once, and one that is broken doesn't."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from dinnerkit import testing
from dinnerkit.ports.contracts import CONTRACTS
from dinnerkit.scaffold import KINDS
from dinnerkit.settings import BACKENDS
from tests.scaffold.installing import installed_as, made, run_tests

BREAKS = {
    "bus": ("json.loads(encoded(one))", "dict(one.body)", "test_what_is_no_news_is_refused"),
    "cache": ("self._kept.pop(key, None) is not None", "True", "test_what_is_deleted_is_gone"),
    "captcha": (".asked.pop(key,", ".asked.get(key,", "test_who_answers_passes_and_once"),
    "gateway": ("return earlier or self", "return self", "test_the_same_key_moves_money_once"),
    "limiter": ("+ amount > limit:", "> limit:", "test_as_many_as_the_limit_come_through_and_no_more"),
    "mail": ("mail.as_bytes()", "mail.as_bytes()[:-500]", "test_a_mail_arrives_whole_and_is_there_once_it_was_sent"),
    "media": (".kept.pop(key, None)", ".kept.get(key, None)", "test_what_is_deleted_is_gone_for_all"),
    "queue": ("popleft()", "pop()", "test_tasks_come_in_the_order_in_which_they_were_queued"),
    "search": ("entry.version > removed and ", "", "test_what_is_removed_stays_away"),
    "sessions": (".kept.pop(key, None)", ".kept.get(key, None)", "test_a_session_that_has_ended_is_gone"),
}
"""For each kind something wrong with the body, and the test that sees it."""


def test_a_new_plugin_of_each_kind_passes_its_contract(tmp_path: Path):
    packages = made(tmp_path, KINDS)
    ended = run_tests(tmp_path, packages)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    for package in packages:
        text = (package / "tests/test_contract.py").read_text("utf-8")
        assert "open_backend(" in text, "the tests open it otherwise than the app does"


def test_a_body_that_is_broken_fails_it(tmp_path: Path):
    packages = made(tmp_path, KINDS)
    assert set(BREAKS) == set(KINDS)
    for package, (kind, (right, wrong, _)) in zip(packages, BREAKS.items(), strict=True):
        (body,) = package.glob(f"src/*/{kind}.py")
        text = body.read_text("utf-8")
        assert text.count(right) == 1, kind
        body.write_text(text.replace(right, wrong), "utf-8")
    ended = run_tests(tmp_path, packages, "-k", " or ".join(test for _, _, test in BREAKS.values()))
    failed = [line for line in ended.stdout.splitlines() if line.startswith("FAILED")]
    for kind, (_, _, test) in BREAKS.items():
        assert any(f"own-{kind}/" in line and test in line for line in failed), (kind, ended.stdout)
    assert ended.stdout.count("ContractBroken") >= len(BREAKS)


def test_what_it_says_of_itself_is_listed(tmp_path: Path):
    packages = made(tmp_path, KINDS)
    command = [sys.executable, "-m", "dinnerkit", "plugins", "--json"]
    shown = subprocess.run(command, env=installed_as(tmp_path, packages), capture_output=True, text=True, check=True, cwd=tmp_path)
    told = {one["kind"]: one for one in json.loads(shown.stdout) if one["distribution"].startswith("dinnerkit-own-")}
    assert {kind: (one["state"], one["contract"], one["remark"]) for kind, one in told.items()} == {
        kind: ("works", CONTRACTS[kind], "") for kind in KINDS
    }
    assert told["search"]["capabilities"] == ["facets"]


def test_there_is_a_contract_for_each_kind_and_a_version_of_it():
    assert set(KINDS) == set(CONTRACTS) == set(BACKENDS) - {"database"}, "only what all else lies in has none"
    assert {kind.contract for kind in KINDS.values()} <= set(testing.__all__)


@pytest.mark.parametrize("kind", KINDS)
def test_bodies_know_dinnerkit_by_its_ports_and_what_lies_below_them(kind: str, tmp_path: Path):
    (package,) = made(tmp_path, [kind])
    (body,) = package.glob(f"src/*/{kind}.py")
    imported = {line.split()[1] for line in body.read_text("utf-8").splitlines() if line.startswith("from dinnerkit.")}
    assert all(name.startswith("dinnerkit.ports.") or name in {"dinnerkit.errors", "dinnerkit.money"} for name in imported), imported

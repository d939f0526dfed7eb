"""A short run, as the README has it."""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent
SECONDS = 3
STEPS = {
    "POST /v1/auth/login",
    "GET /v1/events",
    "GET /v1/search/events",
    "GET /v1/events/{id}",
    "POST /v1/bookings",
    "GET /v1/bookings",
}


def test_visitors_sign_in_browse_and_book_and_nothing_fails(tmp_path: Path) -> None:
    if importlib.util.find_spec("locust") is None:
        assert os.environ.get("DINNERKIT_REQUIRE_SERVICES") != "1", "locust is required: pip install locust"
        pytest.skip("locust is not here: pip install locust")
    environ = {name: value for name, value in os.environ.items() if not name.startswith(("DINNERKIT_", "LOADTEST_"))} | {
        "DINNERKIT_DATA": str(tmp_path / "data"),
        "DINNERKIT_RATE_LIMIT": "off",
        "DINNERKIT_MAIL": f"folder://{tmp_path}/mails",
        "LOADTEST_PASSWORD": "soup-and-strangers",
        "LOADTEST_GUESTS": str(tmp_path / "guests.txt"),
        "LOADTEST_THINK": "0.01-0.05",
        "LOADTEST_SIGNED_IN": "0.9",
        "LOADTEST_BOOKING": "1",
    }
    serve = [sys.executable, "-m", "dinnerkit", "serve", "--bind", "127.0.0.1:0", "--workers", "1", "--no-work"]
    with subprocess.Popen(serve, stdout=subprocess.PIPE, text=True, env=environ, cwd=tmp_path) as server:
        try:
            prepare = [sys.executable, str(HERE / "prepare.py"), "--guests", "8", "--dinners", "6"]
            made = subprocess.run(prepare, env=environ, cwd=tmp_path, capture_output=True, text=True, check=True)
            (tmp_path / "guests.txt").write_text(made.stdout, "utf-8")
            assert server.stdout is not None
            found = _run(server.stdout.readline().split()[-1], environ, tmp_path)
        finally:
            server.terminate()
    assert {row["name"] for row in found} == STEPS
    assert {row["name"]: row["num_failures"] for row in found if row["num_failures"]} == {}


def _run(url: str, environ: dict[str, str], folder: Path) -> list[dict[str, object]]:
    """What Locust counted, by step."""
    command = [sys.executable, "-m", "locust", "-f", str(HERE / "locustfile.py"), "--host", url, "--headless", "--json", "--only-summary"]
    command += ["--users", "4", "--spawn-rate", "4", "--run-time", f"{SECONDS}s", "--stop-timeout", "10s"]
    done = subprocess.run(command, env=environ, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return list(json.loads(done.stdout))

from __future__ import annotations

import json
import subprocess
import sys

import pytest

SCRIPT = """
import logging, sys
import structlog
from dinnerkit.serving.logs import configure_logs
from dinnerkit.settings import Settings
configure_logs(Settings(log_format=sys.argv[1], log_level="info", secret_key="x" * 20))
structlog.get_logger("ours").info("seat_taken", event_id="e1")
structlog.stdlib.get_logger("ours").debug("never_shown")
logging.getLogger("theirs").warning("said by %s", "a library")
logging.getLogger("huey").info("too much")
try:
    password = "swordfish"
    raise LookupError("gone")
except LookupError:
    logging.getLogger("theirs").exception("failed")
"""


def logged(log_format: str) -> str:
    ended = subprocess.run([sys.executable, "-c", SCRIPT, log_format], capture_output=True, text=True, check=True)
    assert ended.stdout == ""
    return ended.stderr


@pytest.mark.parametrize("log_format", ["json", "auto"])
def test_without_a_terminal_each_line_is_a_json_object_whoever_logged_it(log_format: str):
    ours, theirs, failed = [json.loads(line) for line in logged(log_format).splitlines()]
    assert (ours["event"], ours["event_id"], ours["level"], ours["logger"]) == ("seat_taken", "e1", "info", "ours")
    assert (theirs["event"], theirs["level"], theirs["logger"]) == ("said by a library", "warning", "theirs")
    assert failed["exception"][0]["exc_type"] == "LookupError"


@pytest.mark.parametrize("log_format", ["json", "console"])
def test_a_trace_never_shows_the_values_of_variables(log_format: str):
    text = logged(log_format)
    assert "LookupError" in text
    assert "swordfish" not in text
    assert "never_shown" not in text

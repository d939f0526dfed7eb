from __future__ import annotations

import subprocess
import sys
from importlib import import_module
from importlib.metadata import version

import pytest

from dinnerkit.cli import main
from dinnerkit.cli.group import COMMANDS, module_of
from tests.cli.running import Run


def test_the_version_is_the_installed_distributions(run: Run):
    assert run("--version").out == f"dinnerkit {version('dinnerkit')}\n"


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_explains_itself_in_the_words_of_the_listing(command: str, capsys: pytest.CaptureFixture[str]):
    assert main([command, "--help"]) == 0
    assert capsys.readouterr().out.startswith(f"Usage: dinnerkit {command}")
    first_line = import_module(f"dinnerkit.cli.{module_of(command)}").command.help.splitlines()[0]
    assert first_line == COMMANDS[command]


def test_the_listing_imports_no_command():
    heavy = "[name for name in sys.modules if name in ('flask', 'pymongo', 'numpy')]"
    script = f"import sys; from dinnerkit.cli import main; main(['--help']); print({heavy})"
    shown = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert shown.stdout.splitlines()[-1] == "[]"


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["sreve"], "No such command 'sreve'"),
        (["serve", "--bnd"], "No such option"),
        (["serve", "--workers", "0"], "--workers"),
        (["work", "--queue", "nosuch=2"], "there is no queue 'nosuch'; there are emails, payments, matching, media, analytics, default"),
        (["work", "--queue", "emails=0"], "queue emails: how many at a time is a number from 1 to 256, not '0'"),
        (["work", "--queue", "emails", "--queue", "emails=2"], "queue emails is named twice"),
        (["match", "people.csv", "--size", "7-5", "--out", "x"], "'7-5' is not a table size, such as 5-7 or 6"),
    ],
)
def test_wrong_usage_is_one_line_that_names_it_and_exit_code_2(arguments: list[str], says: str, capsys: pytest.CaptureFixture[str]):
    assert main(arguments) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("dinnerkit: ")
    assert says in err
    assert err.count("\n") == 1
    assert "--help" in err


def test_a_wrong_setting_is_one_line_that_names_it_and_exit_code_2(run: Run):
    ended = run("config", DINNERKIT_QEUE="sqlite://q.db")
    assert (ended.code, ended.out) == (2, "")
    assert ended.err == "dinnerkit: unknown setting DINNERKIT_QEUE in the environment; did you mean queue?\n"


def test_a_traceback_is_shown_to_those_who_ask(run: Run):
    for ended in (run("--traceback", "config", DINNERKIT_QEUE="1"), run("config", DINNERKIT_QEUE="1", DINNERKIT_DEBUG="1")):
        assert ended.code == 1
        assert "Traceback" in ended.err
        assert "SettingError" in ended.err


def test_an_error_of_our_own_is_one_line_and_exit_code_3(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]):
    def broken() -> None:
        raise LookupError("nobody\nhome")

    monkeypatch.setattr("dinnerkit.cli.root.main", lambda **_: broken())
    monkeypatch.delenv("DINNERKIT_DEBUG", raising=False)
    assert main(["config"]) == 3
    assert capsys.readouterr().err == "dinnerkit: unexpected LookupError: nobody home (DINNERKIT_DEBUG=1 shows where)\n"
